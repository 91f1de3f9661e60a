/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A container's directories for an overlay: making them, choosing what is stacked, deleting them.
 * The mount itself is overlay.c's.
 */

#include "storage/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "storage/project-quota.h"
#include "storage/snapshot-private.h"

/* Where the overlay says that its upper directory was not synced: then it will not mount it again.
 */
#define VOLATILE_MARK WORK_DIRECTORY "/work/incompat/volatile"
#define EMPTY_DIRECTORY "empty"

#define DEFAULT_ROOT_MODE 0755
#define WORK_MODE 0700
#define MODE_BITS 07777

static const char *const snapshot_directories[] = { UPPER_DIRECTORY, WORK_DIRECTORY,
                                                    EMPTY_DIRECTORY };

/* The overlay's root directory shows mode and owner of upper: they must be the image's. */
static int upper_imitate(int container_fd, int top_layer_fd)
{
    struct stat root = { .st_mode = DEFAULT_ROOT_MODE, .st_uid = 0, .st_gid = 0 };

    if (top_layer_fd >= 0 && fstat(top_layer_fd, &root) < 0)
        return -errno;
    if (fchownat(container_fd, UPPER_DIRECTORY, root.st_uid, root.st_gid, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    if (fchmodat(container_fd, UPPER_DIRECTORY, root.st_mode & MODE_BITS, 0) < 0)
        return -errno;
    return 0;
}

int snapshot_create(int container_fd, int top_layer_fd, Error *err)
{
    int r;

    if (mkdirat(container_fd, UPPER_DIRECTORY, WORK_MODE) < 0)
        return error_errno(err, "make a container's directory '" UPPER_DIRECTORY "'");

    r = upper_imitate(container_fd, top_layer_fd);
    if (r == 0 && mkdirat(container_fd, WORK_DIRECTORY, WORK_MODE) < 0)
        r = -errno;
    if (r < 0) {
        (void)unlinkat(container_fd, UPPER_DIRECTORY, AT_REMOVEDIR); /* the first failure counts */
        return error_result(err, r, "make a container's directory '" WORK_DIRECTORY "'");
    }
    return 0;
}

/* Both: an overlay renames files from work into upper, which no file system does between projects.
 */
int snapshot_set_project(int container_fd, uint32_t project, Error *err)
{
    static const char *const directories[] = { UPPER_DIRECTORY, WORK_DIRECTORY };

    for (size_t i = 0; i < ARRAY_SIZE(directories); i++) {
        _cleanup_close_ int fd =
            openat(container_fd, directories[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int r = fd < 0 ? error_errno(err, "open a container's directory '%s'", directories[i])
                       : project_quota_join(fd, project, err);

        if (r < 0)
            return r;
    }
    return 0;
}

static int snapshot_open(int container_fd, const char *name, int *ret_fd, Error *err)
{
    int fd = openat(container_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return error_errno(err, "open a container's directory '%s'", name);

    *ret_fd = fd;
    return 0;
}

int snapshot_mount(const SnapshotOptions *options, int *ret_mount_fd, Error *err)
{
    _cleanup_close_ int upper_fd = -EBADF, work_fd = -EBADF, empty_fd = -EBADF;
    _cleanup_free_ int *lower_fds = NEW_ARRAY(int, options->n_layers + 2);
    size_t n_lower = 0;
    int r = 0;

    if (!options->read_only || options->with_changes)
        r = snapshot_open(options->container_fd, UPPER_DIRECTORY, &upper_fd, err);
    if (r == 0 && !options->read_only)
        r = snapshot_open(options->container_fd, WORK_DIRECTORY, &work_fd, err);
    if (r < 0)
        return r;
    if (options->volatile_ && !options->read_only) /* what it warns of is known */
        (void)path_remove_tree(options->container_fd, VOLATILE_MARK);

    if (options->read_only && options->with_changes)
        lower_fds[n_lower++] = upper_fd;
    for (size_t i = 0; i < options->n_layers; i++)
        lower_fds[n_lower++] = options->layer_fds[i];
    /* an overlay wants one layer below upper, and two where there is no upper */
    if (n_lower == 0 || (options->read_only && n_lower == 1)) {
        empty_fd = path_open_directory(options->container_fd, EMPTY_DIRECTORY, DEFAULT_ROOT_MODE);
        if (empty_fd < 0)
            return error_result(err, empty_fd, "make an empty layer");
        lower_fds[n_lower++] = empty_fd;
    }
    return overlay_mount(
        &(Overlay) {
            .lower_fds = lower_fds,
            .n_lower = n_lower,
            .upper_fd = options->read_only ? -EBADF : upper_fd,
            .work_fd = work_fd,
            .parent_fd = options->container_fd,
            .id_map_fd = options->id_map_fd,
            .root_uid = options->root_uid,
            .root_gid = options->root_gid,
            .source = options->source,
            .volatile_ = options->volatile_ && !options->read_only,
        },
        ret_mount_fd, err);
}

bool snapshot_has_changes(int container_fd)
{
    _cleanup_directory_ DIR *directory = NULL;
    const struct dirent *entry;
    int r = directory_open_at(container_fd, UPPER_DIRECTORY, &directory);

    if (r == -ENOENT)
        return false;
    return r < 0 || directory_read(directory, &entry) != 0;
}

int snapshot_remove(int container_fd, Error *err)
{
    int result = 0;

    for (size_t i = 0; i < ARRAY_SIZE(snapshot_directories); i++) {
        int r = path_remove_tree(container_fd, snapshot_directories[i]);
        if (r < 0) /* go on: the rest can be deleted all the same */
            result = error_result(err, r, "delete a container's directory '%s'",
                                  snapshot_directories[i]);
    }
    return result;
}
