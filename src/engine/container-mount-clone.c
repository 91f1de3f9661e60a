/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Files and mounts of a container that runs, for another one. They are opened while it is known to
 * run, and used as handles from then on: a pid that is used again leads nowhere.
 */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/child-fd.h"
#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/syscalls.h"
#include "engine/container-private.h"

int container_open_process_file(const Container *other, const char *file, int *ret_fd, Error *err)
{
    _cleanup_close_ int pidfd = -EBADF, fd = -EBADF;
    _cleanup_free_ char *path = NULL;
    int r;

    if (other->state != CONTAINER_RUNNING && other->state != CONTAINER_PAUSED)
        return error_set(err, ERROR_CONFLICT, "cannot join container '%s', which is not running",
                         other->name);
    r = container_process_open(other, &pidfd, err);
    if (r < 0)
        return r;
    path = memory_printf("/proc/%lld/%s", (long long)other->pid, file);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || !container_process_is_alive(pidfd))
        return error_set(err, ERROR_CONFLICT, "container '%s' has just ended", other->name);

    *ret_fd = TAKE_FD(fd);
    return 0;
}

/* Of a detached mount with all that is mounted below it. */
#define CLONE_FLAGS (OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE)

/* Whose mount it is, and what of it. */
typedef struct CloneSource {
    int root_fd;
    int namespace_fd;
    const char *path;
    uint64_t clear;
} CloneSource;

/*
 * Before Linux 6.15 ids that a mount maps are its own for good, and so are those of its clone. All
 * else that is to be cleared can be.
 */
static int clone_cleared(int fd, uint64_t clear)
{
    struct mount_attr change = { .attr_clr = clear };
    unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH;
    int clone = sys_open_tree_attr(fd, "", flags, &change, sizeof(change));

    if (clone >= 0 || errno != ENOSYS)
        return clone;
    change.attr_clr &= ~(uint64_t)MOUNT_ATTR_IDMAP;
    clone = open_tree(fd, "", flags);
    if (clone >= 0 && change.attr_clr != 0)
        (void)mount_setattr(clone, "", AT_EMPTY_PATH, &change, sizeof(change)); /* else it stays */
    return clone;
}

/*
 * In a child, as a mount can be cloned from inside its mount namespace only. No link on the way is
 * followed, and nothing there is executed. Returns the detached mount or -errno.
 */
static int clone_inside(const void *data)
{
    const CloneSource *source = data;
    _cleanup_close_ int fd = -EBADF;
    int clone;

    if (setns(source->namespace_fd, CLONE_NEWNS) < 0)
        return -errno;
    fd = path_open_in_root(source->root_fd, source->path, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
    if (fd < 0)
        return fd;
    clone = clone_cleared(fd, source->clear);
    return clone < 0 ? -errno : clone;
}

/* One that is detached is in no namespace: attached in one that nobody else sees, it has clones,
 * which stay when that ends. */
static int clone_attached(const void *data, int *ret_fds)
{
    const int *fd = data;

    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        move_mount(*fd, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0)
        return -errno;
    for (size_t i = 0; i < 2; i++) {
        ret_fds[i] = open_tree(*fd, "", CLONE_FLAGS);
        if (ret_fds[i] < 0)
            return -errno;
    }
    return 0;
}

int mount_clone_detached(int *fd, int *ret_fd)
{
    int clones[2] = { -EBADF, -EBADF };
    int r;

    *ret_fd = open_tree(*fd, "", CLONE_FLAGS);
    if (*ret_fd >= 0 || errno != EINVAL)
        return *ret_fd < 0 ? -errno : 0;
    r = child_fds_make(clone_attached, fd, clones, ARRAY_SIZE(clones));
    if (r < 0)
        return r;
    fd_close(*fd);
    *fd = clones[0];
    *ret_fd = clones[1];
    return 0;
}

int container_clone_mount(const Container *other, const char *path, uint64_t clear, int *ret_fd,
                          Error *err)
{
    _cleanup_close_ int root_fd = -EBADF, namespace_fd = -EBADF;
    int fd, r = container_open_process_file(other, "root", &root_fd, err);

    if (r >= 0)
        r = container_open_process_file(other, "ns/mnt", &namespace_fd, err);
    if (r < 0)
        return r;
    fd = child_fd_make(clone_inside, &(CloneSource) { root_fd, namespace_fd, path, clear });
    if (fd < 0)
        return error_result(err, fd, "open '%s' of container '%s'", path, other->name);
    *ret_fd = fd;
    return 0;
}
