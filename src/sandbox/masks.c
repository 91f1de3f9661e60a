/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Each path is opened once and everything is done to that handle: what covers it is a clone of a
 * handle too, so that swapping /dev/null or a parent changes nothing. All masked directories show
 * the same empty file system.
 */

#include "sandbox/masks-private.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "sandbox/mounts-private.h"

/* Returns a handle, -ENOENT when there is nothing to protect, or another -errno, recorded. */
static int open_path(const char *path, int root_fd, Report *report)
{
    int fd = mount_point_resolve(root_fd, path, O_PATH);

    if (fd >= 0 || fd == -ENOENT)
        return fd;
    if (fd == -ENOTDIR)
        return -ENOENT;
    return report_result(report, fd, "open '", path, "' to protect it");
}

static int make_readonly(const char *path, int root_fd, Report *report)
{
    static const MountAttributes read_only = { .mask = MOUNT_ATTR_RDONLY,
                                               .value = MOUNT_ATTR_RDONLY };
    _cleanup_close_ int target_fd = open_path(path, root_fd, report);
    _cleanup_close_ int clone_fd = -EBADF;
    int r;

    if (target_fd < 0)
        return target_fd == -ENOENT ? 0 : target_fd;

    clone_fd = mount_clone(target_fd, true);
    r = clone_fd;
    if (r >= 0)
        r = mount_attributes_apply(clone_fd, &read_only, true);
    if (r >= 0)
        r = mount_attach(clone_fd, target_fd);
    return r < 0 ? report_result(report, r, "make '", path, "' read-only") : 0;
}

int readonly_paths_apply(const StringList *paths, int root_fd, Report *report)
{
    for (size_t i = 0; i < paths->count; i++) {
        int r = make_readonly(paths->items[i], root_fd, report);

        if (r < 0)
            return r;
    }
    return 0;
}

/* The cover of the next masked directory: the first is made, the others are its clones. */
static int make_empty_directory(int *empty_fd, Report *report)
{
    int fd;

    if (*empty_fd >= 0) {
        fd = mount_clone(*empty_fd, false);
        return fd < 0 ? report_result(report, fd, "clone an empty directory") : fd;
    }
    return mount_new("tmpfs", "tmpfs", NULL,
                     MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
                     report);
}

/* @empty_fd holds an attached empty directory once there is one. */
static int mask(const char *path, int root_fd, int null_fd, int *empty_fd, Report *report)
{
    _cleanup_close_ int target_fd = open_path(path, root_fd, report);
    _cleanup_close_ int cover_fd = -EBADF;
    struct stat st;
    int r;

    if (target_fd < 0)
        return target_fd == -ENOENT ? 0 : target_fd;
    if (fstat(target_fd, &st) < 0)
        return report_errno(report, "examine '", path, "' to mask it");

    if (S_ISDIR(st.st_mode)) {
        cover_fd = make_empty_directory(empty_fd, report);
        if (cover_fd < 0)
            return cover_fd;
    } else {
        cover_fd = mount_clone(null_fd, false);
    }
    r = cover_fd < 0 ? cover_fd : mount_attach(cover_fd, target_fd);
    if (r < 0)
        return report_result(report, r, "mask '", path, "'");

    if (S_ISDIR(st.st_mode) && *empty_fd < 0)
        *empty_fd = TAKE_FD(cover_fd);
    return 0;
}

int masked_paths_apply(const StringList *paths, int root_fd, int null_fd, Report *report)
{
    _cleanup_close_ int empty_fd = -EBADF;

    for (size_t i = 0; i < paths->count; i++) {
        int r = mask(paths->items[i], root_fd, null_fd, &empty_fd, report);

        if (r < 0)
            return r;
    }
    return 0;
}
