/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The new root is attached on top of the host's "/" in the child's own mount namespace: no
 * directory of the host is needed for it, and pivot_root(2) does not mind.
 */

#include "sandbox/rootfs-private.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/syscalls.h"
#include "sandbox/mount-options-private.h"

int rootfs_open(const RuntimeConfig *config, const SandboxOptions *options, int *ret_fd, Error *err)
{
    const char *path = config->root->path;
    _cleanup_close_ int fd = -EBADF;
    struct stat st;

    if (options->rootfs_fd >= 0)
        fd = fcntl(options->rootfs_fd, F_DUPFD_CLOEXEC, 3);
    else
        fd =
            open_tree(options->bundle_fd, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
    if (fd < 0 || fstat(fd, &st) < 0)
        return error_errno(err, "open root file system '%s'", path);
    if (!S_ISDIR(st.st_mode))
        return error_set(err, ERROR_INVALID, "root file system '%s' is not a directory", path);

    *ret_fd = TAKE_FD(fd);
    return 0;
}

int rootfs_attach(int root_fd, Report *report)
{
    static const MountAttributes slave = { .propagation = MS_SLAVE };
    static const MountAttributes private = { .propagation = MS_PRIVATE };
    _cleanup_close_ int host_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int r = host_fd < 0 ? -errno : 0;

    /* Nothing that happens here may reach the host: what is unmounted later, above all. */
    if (r == 0)
        r = mount_attributes_apply(host_fd, &slave, true);
    if (r == 0)
        r = mount_attributes_apply(root_fd, &private, true);
    if (r < 0)
        return report_result(report, r, "cut the mounts off from the host's");

    if (move_mount(root_fd, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0)
        return report_errno(report, "attach the root file system");
    return 0;
}

static int set_root_flags(int root_fd, const RuntimeConfig *config, Report *report)
{
    const char *name = config->linux_config.rootfs_propagation;
    bool recursive = false;
    const MountAttributes own = {
        .mask = config->root->readonly ? MOUNT_ATTR_RDONLY : 0,
        .value = config->root->readonly ? MOUNT_ATTR_RDONLY : 0,
    };
    const MountAttributes propagation = {
        .propagation = name ? mount_propagation_flag(name, &recursive) : 0,
    };
    int r = mount_attributes_apply(root_fd, &own, false);

    if (r == 0)
        r = mount_attributes_apply(root_fd, &propagation, recursive);
    return r < 0 ? report_result(report, r, "set the flags of the root file system") : 0;
}

int rootfs_enter(int root_fd, const RuntimeConfig *config, Report *report)
{
    /* pivot_root(".", ".") stacks the old root on the new one, where "." still names it. */
    if (fchdir(root_fd) < 0 || sys_pivot_root(".", ".") < 0 || umount2(".", MNT_DETACH) < 0 ||
        chdir("/") < 0)
        return report_errno(report, "enter the root file system");

    return set_root_flags(root_fd, config, report);
}
