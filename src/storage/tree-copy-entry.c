/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One entry of a directory: opened without effect on anything (O_PATH), looked at by that handle,
 * and only then, if it is a regular file, opened for reading. A name that is swapped for a device,
 * a fifo or a symlink meanwhile is never opened as what it was not looked at as.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/random-id.h"
#include "base/syscalls.h"
#include "storage/tree-copy-private.h"

#define PERMISSION_BITS 07777
#define SPECIAL_BITS 07000   /* of those, which a file has only once it is whole */
#define UNFINISHED_MODE 0700 /* nobody else puts anything into a directory that is being filled */
#define ATTEMPTS 16
#define TAR_BLOCK_SIZE 512

static CopyLevel *current(const TreeCopy *copy)
{
    return &copy->levels[copy->depth - 1];
}

/*
 * @name is one component: nothing can lead out by it, unless something is mounted there. (To ask
 * for RESOLVE_BENEATH would make a racing rename look like a mount point.)
 */
static int open_single(int dir_fd, const char *name, int flags, bool one_mount)
{
    const struct open_how how = {
        .flags = (uint64_t)(flags | O_NOFOLLOW | O_CLOEXEC),
        .resolve = one_mount ? RESOLVE_NO_XDEV : 0,
    };
    int fd = sys_openat2(dir_fd, name, &how);

    return fd < 0 ? -errno : fd;
}

/* A directory can be opened for reading without effect, so it is, where it seems to be one. */
static int open_entry(int dir_fd, const char *name, unsigned char type, bool one_mount)
{
    int fd = -ENOTDIR;

    if (type == DT_DIR)
        fd = open_single(dir_fd, name, O_RDONLY | O_DIRECTORY, one_mount);
    return fd == -ENOTDIR || fd == -ELOOP ? open_single(dir_fd, name, O_PATH, one_mount) : fd;
}

static int source_open(const TreeCopy *copy, const char *name, unsigned char type, CopySource *ret)
{
    const CopyLevel *level = current(copy);
    const bool one_mount = copy->options->flags & TREE_COPY_ONE_MOUNT;
    int fd = open_entry(level->source_fd, name, type, one_mount);

    if (fd == -EXDEV) {
        ret->is_mount_point = true;
        fd = open_entry(level->source_fd, name, type, false);
    }
    if (fd < 0)
        return fd;
    ret->fd = fd;
    if (fstat(fd, &ret->status) < 0)
        return -errno;
    if (ret->status.st_dev != level->source.st_dev && fd_is_of_kernel(fd))
        ret->is_mount_point = true;
    return 0;
}

static void staged_name_make(char name[static COPY_STAGED_NAME_SIZE])
{
    char digits[16 + 1];

    random_hex(digits, sizeof(digits) - 1);
    (void)snprintf(name, COPY_STAGED_NAME_SIZE, TREE_COPY_PREFIX "%s", digits); /* fits */
}

/*
 * A rename to a name that something is mounted on in another mount namespace succeeds, and takes
 * the mount away from whoever is in that.
 */
static bool is_mounted_on(int dir_fd, const char *name)
{
    int fd = open_single(dir_fd, name, O_PATH, true);

    fd_close(fd);
    return fd == -EXDEV;
}

/* Give what has the staged name its own, or take the former away. */
static int publish_name(const TreeCopy *copy, const char *staged_name, const char *name)
{
    const bool skips = copy->options->flags & TREE_COPY_SKIP_EXISTING;
    int dir_fd = current(copy)->target_fd, r = 0;

    if (is_mounted_on(dir_fd, name))
        r = skips ? 0 : -EBUSY;
    else if (renameat2(dir_fd, staged_name, dir_fd, name, skips ? RENAME_NOREPLACE : 0) < 0)
        r = -errno;
    /* a rename to another name of the same file does nothing, and succeeds */
    if (unlinkat(dir_fd, staged_name, 0) < 0 && errno != ENOENT && r == 0)
        r = -errno;
    return r == -EEXIST && skips ? 0 : r;
}

/* Link the file to its name, or replace what has it. */
static int publish_file(const TreeCopy *copy, int fd, const char *name)
{
    const CopyLevel *level = current(copy);
    char path[32], staged_name[COPY_STAGED_NAME_SIZE];

    path_of_fd(path, fd);
    if (linkat(AT_FDCWD, path, level->target_fd, name, AT_SYMLINK_FOLLOW) == 0)
        return 0;
    if (errno != EEXIST || level->is_fresh)
        return -errno;
    if (copy->options->flags & TREE_COPY_SKIP_EXISTING)
        return 0;
    (void)flock(fd, LOCK_EX | LOCK_NB); /* whoever holds it keeps what is left from being deleted */
    staged_name_make(staged_name);
    if (linkat(AT_FDCWD, path, level->target_fd, staged_name, AT_SYMLINK_FOLLOW) < 0)
        return -errno;
    return publish_name(copy, staged_name, name);
}

/* --- files with several names --- */

/* The copy of the file, if it is where it was put, by an O_PATH handle. */
static int open_copied(const TreeCopy *copy, const CopiedFile *file)
{
    _cleanup_close_ int fd = -EBADF;
    _cleanup_free_ char *staged_path = copy->staged ? copy_path_of_level(copy, copy->staged) : NULL;
    size_t length = staged_path ? strlen(staged_path) : 0;
    struct stat status;

    /* as long as a directory above it has no name, the path begins there */
    if (length > 0 && strncmp(file->path, staged_path, length) == 0 && file->path[length] == '/')
        fd = path_open_beneath(copy->levels[copy->staged].target_fd, file->path + length + 1,
                               O_PATH | O_NOFOLLOW, 0);
    else
        fd = path_open_beneath(copy->levels[0].target_fd, file->path, O_PATH | O_NOFOLLOW, 0);
    if (fd < 0)
        return fd;
    if (fstat(fd, &status) < 0)
        return -errno;
    if (status.st_dev != file->target_device || status.st_ino != file->target_inode)
        return -ESTALE;
    return TAKE_FD(fd);
}

/* Returns 1 if the file has been copied, and the copy has this name now too, 0 if not, or -errno.
 */
static int link_copied(TreeCopy *copy, const CopySource *source, const char *name)
{
    const CopiedFile *file;
    _cleanup_close_ int fd = -EBADF;
    int r;

    if (source->status.st_nlink < 2)
        return 0;
    file = copied_files_find(&copy->copied, &source->status);
    fd = file ? open_copied(copy, file) : -ENOENT;
    if (fd < 0) /* not yet, or somebody has moved it: then this one becomes a file of its own */
        return 0;
    r = publish_file(copy, fd, name);
    return r == -EMLINK || r == -EXDEV ? 0 : r < 0 ? r : 1;
}

static int remember_copied(TreeCopy *copy, const CopySource *source, int fd, const char *name)
{
    struct stat status;

    if (source->status.st_nlink < 2)
        return 0;
    if (fstat(fd, &status) < 0)
        return -errno;
    copied_files_add(&copy->copied, &source->status, &status, copy_path(copy, name));
    return 0;
}

/* --- properties --- */

static int set_owner(const TreeCopy *copy, CopyHandle target)
{
    const CopyIdentity *identity = &copy->identity;

    return fchownat(target.fd, "", identity->uid, identity->gid, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

/* All but the owner of a directory that was there: it has its own since it was made. */
static int set_properties(const TreeCopy *copy, const CopyLevel *parent, CopyHandle source,
                          CopyHandle target, const struct stat *status, bool set_mode)
{
    const struct timespec times[] = { status->st_atim, status->st_mtim };
    bool is_directory = S_ISDIR(status->st_mode);
    int r = parent->inherits_group ? set_owner(copy, target) : 0;

    if (r == 0 && parent->inherits_acls)
        r = copy_drop_acls(target, is_directory);
    if (r == 0 && set_mode && fchmod(target.fd, status->st_mode & PERMISSION_BITS) < 0)
        r = -errno;
    if (r == 0)
        r = copy_attributes(copy->options, source, target);
    if (r < 0)
        return r;
    return utimensat(target.fd, "", times, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

static bool needs_mode(const CopyLevel *parent, mode_t mode)
{
    return (mode & SPECIAL_BITS) || parent->inherits_acls || parent->inherits_group;
}

/* --- regular files --- */

/*
 * A file without a name, which leaves nothing if we die; in a directory of ours, or where the file
 * system knows no such files, one with a name: *staged_name, or its own if that is "".
 */
static int open_new(const CopyLevel *level, const char *name, mode_t mode, bool *ret_has_no_name,
                    char staged_name[static COPY_STAGED_NAME_SIZE])
{
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    int fd;

    staged_name[0] = '\0';
    *ret_has_no_name = false;
    if (level->is_fresh) {
        fd = openat(level->target_fd, name, flags, mode);
        return fd < 0 ? -errno : fd;
    }
    fd = openat(level->target_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, mode);
    *ret_has_no_name = fd >= 0;
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
        return fd < 0 ? -errno : fd;
    staged_name_make(staged_name);
    fd = openat(level->target_fd, staged_name, flags, mode);
    if (fd < 0)
        return -errno;
    (void)flock(fd, LOCK_EX | LOCK_NB);
    return fd;
}

static int fill_file(TreeCopy *copy, const CopySource *source, int target_fd)
{
    const CopyLevel *level = current(copy);
    const struct stat *status = &source->status;
    _cleanup_close_ int fd = -EBADF;
    char path[32];
    int r = 0;

    /* the file that was looked at: no name is resolved again */
    fd = open(path_of_fd(path, source->fd), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (!source->is_mount_point)
        r = copy_content(&copy->methods, fd, target_fd, status);
    return r < 0 ? r
                 : set_properties(copy, level, (CopyHandle) { fd, false },
                                  (CopyHandle) { target_fd, false }, status,
                                  needs_mode(level, status->st_mode));
}

static int copy_regular(TreeCopy *copy, const CopySource *source, const char *name)
{
    const CopyLevel *level = current(copy);
    const mode_t mode = source->status.st_mode & (PERMISSION_BITS & ~SPECIAL_BITS);
    char staged_name[COPY_STAGED_NAME_SIZE];
    bool has_no_name;
    _cleanup_close_ int fd = open_new(level, name, mode, &has_no_name, staged_name);
    int r;

    if (fd < 0)
        return fd;
    r = fill_file(copy, source, fd);
    if (r == 0 && has_no_name)
        r = publish_file(copy, fd, name);
    else if (r == 0 && staged_name[0])
        r = publish_name(copy, staged_name, name);
    else if (r < 0 && !has_no_name)
        (void)unlinkat(level->target_fd, staged_name[0] ? staged_name : name, 0);
    return r < 0 ? r : remember_copied(copy, source, fd, name);
}

/* --- symlinks, fifos, sockets and devices --- */

static int make_node(const CopySource *source, int dir_fd, const char *name)
{
    const struct stat *status = &source->status;
    char link_target[PATH_MAX];
    ssize_t length;

    if (!S_ISLNK(status->st_mode))
        return mknodat(dir_fd, name, status->st_mode, status->st_rdev) < 0 ? -errno : 0;
    length = readlinkat(source->fd, "", link_target, sizeof(link_target));
    if (length < 0)
        return -errno;
    if (length == sizeof(link_target))
        return -ENAMETOOLONG;
    link_target[length] = '\0';
    return symlinkat(link_target, dir_fd, name) < 0 ? -errno : 0;
}

/* What has the name is what we made, or at least nothing that anybody else has a name of. */
static int open_node(const TreeCopy *copy, const CopySource *source, const char *name)
{
    _cleanup_close_ int fd =
        openat(current(copy)->target_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    const struct stat *expected = &source->status;
    struct stat status;

    if (fd < 0 || fstat(fd, &status) < 0)
        return -errno;
    if ((status.st_mode & S_IFMT) != (expected->st_mode & S_IFMT) ||
        status.st_uid != copy->identity.uid || status.st_nlink != 1 ||
        (!S_ISLNK(status.st_mode) && status.st_rdev != expected->st_rdev))
        return -ESTALE;
    return TAKE_FD(fd);
}

static int finish_node(TreeCopy *copy, const CopySource *source, const char *made_name,
                       const char *name)
{
    const CopyLevel *level = current(copy);
    _cleanup_close_ int fd = open_node(copy, source, made_name);
    char path[32];
    int r;

    if (fd < 0)
        return fd;
    r = set_properties(copy, level, (CopyHandle) { source->fd, true }, (CopyHandle) { fd, true },
                       &source->status, false);
    /* a handle that is none for reading cannot be the argument of fchmod(2) */
    if (r == 0 && !S_ISLNK(source->status.st_mode) && needs_mode(level, source->status.st_mode) &&
        chmod(path_of_fd(path, fd), source->status.st_mode & PERMISSION_BITS) < 0)
        r = -errno;
    if (r == 0 && made_name != name)
        r = publish_name(copy, made_name, name);
    return r < 0 ? r : remember_copied(copy, source, fd, name);
}

/* A node is whole from the beginning, so only what has to replace something gets another name. */
static int copy_node(TreeCopy *copy, const CopySource *source, const char *name)
{
    const CopyLevel *level = current(copy);
    char staged_name[COPY_STAGED_NAME_SIZE];
    const char *made_name = name;
    int r = make_node(source, level->target_fd, name);

    if (r == -EEXIST && !level->is_fresh) {
        if (copy->options->flags & TREE_COPY_SKIP_EXISTING)
            return 0;
        staged_name_make(staged_name);
        made_name = staged_name;
        r = make_node(source, level->target_fd, made_name);
    }
    if (r < 0)
        return r;
    r = finish_node(copy, source, made_name, name);
    if (r < 0 && r != -ESTALE)
        (void)unlinkat(level->target_fd, made_name, 0);
    return r;
}

/* --- directories --- */

/* Open the directory @name that we have just made: empty, ours, and of this mount. */
static int open_made(const TreeCopy *copy, const char *name, struct stat *ret)
{
    _cleanup_close_ int fd =
        open_single(current(copy)->target_fd, name, O_RDONLY | O_DIRECTORY, true);

    if (fd < 0)
        return fd;
    if (fstat(fd, ret) < 0)
        return -errno;
    if (ret->st_uid != copy->identity.uid)
        return -ESTALE;
    return TAKE_FD(fd);
}

/* In a directory that others use, one that is locked and has a name that says what it is. */
static int make_staged(const TreeCopy *copy, CopyLevel *level, struct stat *ret)
{
    int dir_fd = current(copy)->target_fd;

    for (int i = 0; i < ATTEMPTS; i++) {
        _cleanup_close_ int fd = -EBADF;

        staged_name_make(level->staged_name);
        if (mkdirat(dir_fd, level->staged_name, UNFINISHED_MODE) < 0)
            return -errno;
        fd = open_made(copy, level->staged_name, ret);
        if (fd == -ENOENT)
            continue; /* taken for a left one in the moment before it was locked */
        if (fd < 0)
            return fd;
        (void)flock(fd, LOCK_EX | LOCK_NB);
        if (fstat(fd, ret) < 0)
            return -errno;
        if (ret->st_nlink > 0)
            return TAKE_FD(fd);
    }
    return -EAGAIN;
}

static int make_directory(const TreeCopy *copy, const char *name, CopyLevel *level,
                          struct stat *ret)
{
    const CopyLevel *parent = current(copy);

    level->is_fresh = true;
    if (!parent->is_fresh)
        return make_staged(copy, level, ret);
    if (mkdirat(parent->target_fd, name, UNFINISHED_MODE) < 0)
        return -errno;
    return open_made(copy, name, ret);
}

static int open_existing(const TreeCopy *copy, const char *name, CopyLevel *level, struct stat *ret)
{
    _cleanup_close_ int fd =
        open_single(current(copy)->target_fd, name, O_RDONLY | O_DIRECTORY, false);

    if (fd < 0)
        return fd;
    if (fstat(fd, ret) < 0)
        return -errno;
    level->keeps_properties =
        copy->options->flags & (TREE_COPY_SKIP_EXISTING | TREE_COPY_KEEP_DIRECTORIES);
    return TAKE_FD(fd);
}

static int copy_directory(TreeCopy *copy, CopySource *source, const char *name)
{
    CopyLevel level = { .source_fd = -EBADF,
                        .target_fd = -EBADF,
                        .source = source->status,
                        .is_mount_point = source->is_mount_point };
    struct stat status;
    int r;

    if (source->status.st_dev == copy->top_device && source->status.st_ino == copy->top_inode)
        return error_set(copy->err, ERROR_CONFLICT, "cannot copy directory '%s' into itself", name);
    if (!current(copy)->is_fresh)
        level.target_fd = open_existing(copy, name, &level, &status);
    if (current(copy)->is_fresh || level.target_fd == -ENOENT)
        level.target_fd = make_directory(copy, name, &level, &status);
    if (level.target_fd == -ENOTDIR || level.target_fd == -ELOOP)
        return error_set(copy->err, ERROR_CONFLICT,
                         "cannot overwrite non-directory '%s' with a directory", name);
    if (level.target_fd < 0)
        return level.target_fd;

    /* what was opened without knowing what it is cannot be read yet */
    level.source_fd = openat(source->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    r = level.source_fd < 0 ? -errno : 0;
    return copy_level_enter(copy, &level, name, &status, r);
}

int copy_level_finish(TreeCopy *copy, CopyLevel *level, const CopyLevel *parent)
{
    const CopyHandle source = { level->source_fd, false }, target = { level->target_fd, false };
    uid_t uid;
    gid_t gid;
    int r = 0;

    if (level->keeps_properties)
        return 0;
    if (!copy_owner(copy->options, &level->source, &uid, &gid))
        return -EOVERFLOW;
    copy_identity_assume(&copy->identity, uid, gid);
    if (!level->is_fresh && (copy->options->flags & TREE_COPY_OWNERS))
        r = set_owner(copy, target);
    if (r == 0)
        r = set_properties(copy, parent, source, target, &level->source, true);
    if (r == 0 && level->staged_name[0] &&
        renameat2(parent->target_fd, level->staged_name, parent->target_fd, level->name,
                  RENAME_NOREPLACE) < 0)
        r = -errno;
    copy_identity_resume(&copy->identity);
    return r;
}

/* --- all of them --- */

static void count(const TreeCopy *copy, const CopySource *source, bool is_link)
{
    TreeCopyTotals *totals = copy->options->totals;
    uint64_t size = S_ISREG(source->status.st_mode) && !is_link && !source->is_mount_point
                        ? (uint64_t)source->status.st_size
                        : 0;

    if (!totals)
        return;
    totals->bytes += size;
    totals->archive_bytes +=
        TAR_BLOCK_SIZE + (size + TAR_BLOCK_SIZE - 1) / TAR_BLOCK_SIZE * TAR_BLOCK_SIZE;
}

static int copy_opened(TreeCopy *copy, CopySource *source, const char *name)
{
    int r;

    if (S_ISDIR(source->status.st_mode)) {
        count(copy, source, false);
        return copy_directory(copy, source, name);
    }
    r = link_copied(copy, source, name);
    if (r >= 0)
        count(copy, source, r > 0);
    if (r == 0 && S_ISREG(source->status.st_mode))
        r = copy_regular(copy, source, name);
    else if (r == 0)
        r = copy_node(copy, source, name);
    if (r == -EISDIR && !error_is_set(copy->err))
        return error_set(copy->err, ERROR_CONFLICT,
                         "cannot overwrite directory '%s' with a non-directory", name);
    return r < 0 ? r : 0;
}

int copy_opened_entry(TreeCopy *copy, CopySource *source, const char *target_name)
{
    uid_t uid;
    gid_t gid;
    int r;

    if (!copy_owner(copy->options, &source->status, &uid, &gid))
        return error_set(copy->err, ERROR_INVALID,
                         "copy '%s': its owner %u:%u has no id in the target's user namespace",
                         target_name, source->status.st_uid, source->status.st_gid);
    copy_identity_assume(&copy->identity, uid, gid);
    r = copy_opened(copy, source, target_name);
    copy_identity_resume(&copy->identity);
    return r < 0 && !error_is_set(copy->err) ? copy_fail(copy, r, target_name) : r;
}

int copy_entry(TreeCopy *copy, const char *name, unsigned char type, const char *target_name)
{
    _cleanup_close_ int fd = -EBADF;
    CopySource source = { .fd = -EBADF };
    int r = source_open(copy, name, type, &source);

    fd = source.fd;
    if (r == -ENOENT && copy->depth > 1)
        return 0; /* deleted meanwhile */
    return r < 0 ? copy_fail(copy, r, name) : copy_opened_entry(copy, &source, target_name);
}
