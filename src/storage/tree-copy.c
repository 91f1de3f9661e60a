/* SPDX-License-Identifier: Apache-2.0 */

/* A copy from its beginning to its end; the way through the tree is tree-copy-walk.c. */

#include "storage/tree-copy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "storage/tree-copy-private.h"

static void tree_copy_done(TreeCopy *copy)
{
    copy_levels_done(copy);
    copied_files_done(&copy->copied);
    copy_identity_leave(&copy->identity);
}

/* The two directories that a copy begins in, opened for ourselves; the source is a file's handle if
 * only that is to be copied. */
static int enter_top(TreeCopy *copy, int source_fd, int target_fd, bool is_directory, bool lists)
{
    CopyLevel level = { .source_fd = -EBADF, .is_mount_point = !lists };
    struct stat status = {};
    int r = fstat(source_fd, &level.source) < 0 ? -errno : 0;

    if (r == 0 && is_directory)
        level.source_fd = openat(source_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    level.target_fd = openat(target_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (r == 0 && ((is_directory && level.source_fd < 0) || level.target_fd < 0 ||
                   fstat(level.target_fd, &status) < 0))
        r = -errno;
    copy->top_device = status.st_dev;
    copy->top_inode = status.st_ino;
    r = copy_level_enter(copy, &level, NULL, &status, r);
    if (r < 0)
        return error_result(copy->err, r, "open the directory to copy");
    if (fd_is_of_kernel(source_fd))
        return error_set(copy->err, ERROR_UNSUPPORTED,
                         "files of the kernel's own file systems are not copied");
    return 0;
}

static int begin(TreeCopy *copy)
{
    int r = copy_identity_enter(&copy->identity);

    return r < 0 ? error_result(copy->err, r, "keep capabilities while owners are set") : 0;
}

static int copy_directory(TreeCopy *copy, int source_fd, int target_fd)
{
    int r = begin(copy);

    if (r == 0)
        r = enter_top(copy, source_fd, target_fd, true, true);
    if (r == 0 && copy->levels[0].source.st_dev == copy->top_device &&
        copy->levels[0].source.st_ino == copy->top_inode)
        return error_set(copy->err, ERROR_CONFLICT, "cannot copy a directory into itself");
    if (r == 0)
        r = copy_walk(copy);
    if (r == 0 && !(copy->options->flags & TREE_COPY_KEEP_DIRECTORIES)) {
        r = copy_level_finish(copy, &copy->levels[0], &(CopyLevel) {});
        if (r < 0)
            return copy_fail(copy, r, ".");
    }
    return r;
}

static int copy_single(TreeCopy *copy, int source_dir_fd, const char *name, int target_dir_fd,
                       const char *target_name)
{
    int r = begin(copy);

    if (r == 0 && (!path_is_name(name) || !path_is_name(target_name)))
        return error_set(copy->err, ERROR_INVALID, "'%s' or '%s' is not a file name", name,
                         target_name);
    if (r == 0)
        r = enter_top(copy, source_dir_fd, target_dir_fd, true, false);
    if (r == 0)
        r = copy_entry(copy, name, DT_UNKNOWN, target_name);
    return r == 0 ? copy_walk(copy) : r;
}

static int copy_handle(TreeCopy *copy, int source_fd, int target_dir_fd, const char *target_name)
{
    CopySource source = { .fd = source_fd };
    int r = begin(copy);

    if (r == 0 && !path_is_name(target_name))
        return error_set(copy->err, ERROR_INVALID, "'%s' is not a file name", target_name);
    if (r == 0)
        r = enter_top(copy, source_fd, target_dir_fd, false, false);
    if (r < 0)
        return r;
    source.status = copy->levels[0].source;
    r = copy_opened_entry(copy, &source, target_name);
    return r == 0 ? copy_walk(copy) : r;
}

int tree_copy(int source_fd, int target_fd, const TreeCopyOptions *options, Error *err)
{
    _cleanup_error_ Error failure = {};
    _cleanup_(tree_copy_done) TreeCopy copy = { .options = options, .err = &failure };
    int r = copy_directory(&copy, source_fd, target_fd);

    error_move(err, &failure);
    return r;
}

int tree_copy_entry(int source_dir_fd, const char *name, int target_dir_fd, const char *target_name,
                    const TreeCopyOptions *options, Error *err)
{
    _cleanup_error_ Error failure = {};
    _cleanup_(tree_copy_done) TreeCopy copy = { .options = options, .err = &failure };
    int r = copy_single(&copy, source_dir_fd, name, target_dir_fd, target_name);

    error_move(err, &failure);
    return r;
}

int tree_copy_handle(int source_fd, int target_dir_fd, const char *target_name,
                     const TreeCopyOptions *options, Error *err)
{
    _cleanup_error_ Error failure = {};
    _cleanup_(tree_copy_done) TreeCopy copy = { .options = options, .err = &failure };
    int r = copy_handle(&copy, source_fd, target_dir_fd, target_name);

    error_move(err, &failure);
    return r;
}
