/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The new root is attached on top of the host's "/" in the child's own mount namespace: no
 * directory of the host is needed for it, and pivot_root(2) does not mind.
 */

#include "sandbox/rootfs-private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/syscalls.h"
#include "sandbox/mounts-private.h"
#include "sandbox/process-files-private.h"

#define MOUNTINFO_SIZE_MAX (64U << 20)

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

/* Undo the kernel's octal escapes ("\040"), in place. */
static void unescape(char *text)
{
    char *out = text;

    for (; *text; text++) {
        if (text[0] == '\\' && text[1] && text[2] && text[3]) {
            *out++ = (char)((text[1] - '0') * 64 + (text[2] - '0') * 8 + (text[3] - '0'));
            text += 3;
        } else {
            *out++ = *text;
        }
    }
    *out = '\0';
}

/* "36 35 0:5 / /proc rw shared:1 - proc proc rw": the fifth field, if the type is one of ours. */
static void add_kernel_mount(const char *line, StringList *list)
{
    _cleanup_string_list_ StringList fields = {};

    if (!strstr(line, " - proc ") && !strstr(line, " - sysfs "))
        return;
    string_list_split(&fields, line, ' ');
    if (fields.count < 5)
        return;
    unescape(fields.items[4]);
    string_list_add(list, fields.items[4]);
}

int rootfs_find_kernel_mounts(StringList *ret, Error *err)
{
    _cleanup_string_list_ StringList lines = {};
    _cleanup_close_ int fd = process_files_open(getpid());
    _cleanup_free_ char *text = NULL;
    size_t size;
    int r = fd < 0 ? fd : file_read_at(fd, "mountinfo", MOUNTINFO_SIZE_MAX, &text, &size);

    if (r < 0)
        return error_result(err, r, "read the list of mounts");
    string_list_split(&lines, text, '\n');
    for (size_t i = 0; i < lines.count; i++)
        add_kernel_mount(lines.items[i], ret);
    return 0;
}

static uint64_t propagation_of(const RuntimeConfig *config, bool *ret_recursive)
{
    const char *name = config->linux_config.rootfs_propagation;

    *ret_recursive = false;
    return name ? mount_propagation_flag(name, ret_recursive) : 0;
}

char *rootfs_path(const RuntimeConfig *config, const SandboxOptions *options)
{
    _cleanup_free_ char *bundle = path_of_directory(options->bundle_fd);

    return bundle ? path_join(bundle, config->root->path) : NULL;
}

int rootfs_open_target(int root_fd, const char *path, bool is_clone, Report *report)
{
    _cleanup_close_ int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct stat root, directory;

    if (fd < 0 || fstat(fd, &directory) < 0 || fstat(root_fd, &root) < 0)
        return report_errno(report, "open root file system '", path, "'");
    if (is_clone && (directory.st_dev != root.st_dev || directory.st_ino != root.st_ino))
        return report_set(report, ERROR_CONFLICT, "root file system '", path, "' was replaced");
    return TAKE_FD(fd);
}

static bool is_same_mount(int a_fd, int b_fd)
{
    struct statx a = {}, b = {};

    return statx(a_fd, "", AT_EMPTY_PATH, STATX_INO | STATX_MNT_ID, &a) == 0 &&
           statx(b_fd, "", AT_EMPTY_PATH, STATX_INO | STATX_MNT_ID, &b) == 0 &&
           a.stx_mnt_id == b.stx_mnt_id && a.stx_ino == b.stx_ino;
}

int rootfs_find_top(int *ret_fd, Report *report)
{
    _cleanup_close_ int own_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), top_fd = -EBADF;
    _cleanup_close_ int namespace_fd = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);

    /* To join the namespace that one is in changes nothing but the root. */
    if (own_fd < 0 || namespace_fd < 0 || setns(namespace_fd, CLONE_NEWNS) < 0)
        return report_errno(report, "find the root of the mount namespace");
    top_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (top_fd < 0)
        return report_errno(report, "find the root of the mount namespace");
    if (is_same_mount(own_fd, top_fd))
        top_fd = fd_close(top_fd);
    else if (fchdir(own_fd) < 0 || chroot(".") < 0)
        return report_errno(report, "go back to the runtime's root");

    *ret_fd = TAKE_FD(top_fd);
    return 0;
}

int rootfs_attach(int root_fd, int target_fd, int top_fd, const RuntimeConfig *config,
                  Report *report)
{
    static const MountAttributes slave = { .propagation = MS_SLAVE };
    static const MountAttributes private = { .propagation = MS_PRIVATE };
    _cleanup_close_ int host_fd = top_fd >= 0 ? fcntl(top_fd, F_DUPFD_CLOEXEC, 3)
                                              : open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    bool recursive;
    bool is_slave = propagation_of(config, &recursive) == MS_SLAVE;
    int r = host_fd < 0 ? -errno : 0;

    /* Nothing that happens here may reach the host: what is unmounted later, above all. */
    if (r == 0)
        r = mount_attributes_apply(host_fd, &slave, true);
    if (r == 0)
        r = mount_attributes_apply(root_fd, is_slave ? &slave : &private, true);
    if (r < 0)
        return report_result(report, r, "cut the mounts off from the host's");

    r = target_fd >= 0 ? move_mount(root_fd, "", target_fd, "",
                                    MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH)
                       : move_mount(root_fd, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH);
    if (r < 0)
        return report_errno(report, "attach the root file system");
    return 0;
}

/*
 * "shared" begins a peer group of the container's own, which pivot_root(2) would have refused.
 * "slave" and "private" are what the root has been from the start: done again, with all that is
 * mounted by now, they would undo what single mounts asked for.
 */
static int set_root_flags(int root_fd, const RuntimeConfig *config, Report *report)
{
    bool recursive;
    uint64_t flag = propagation_of(config, &recursive);
    const MountAttributes own = {
        .mask = config->root->readonly ? MOUNT_ATTR_RDONLY : 0,
        .value = config->root->readonly ? MOUNT_ATTR_RDONLY : 0,
    };
    const MountAttributes propagation = {
        .propagation = flag == MS_SHARED || flag == MS_UNBINDABLE ? flag : 0,
    };
    int r = mount_attributes_apply(root_fd, &own, false);

    if (r == 0)
        r = mount_attributes_apply(root_fd, &propagation, recursive);
    return r < 0 ? report_result(report, r, "set the flags of the root file system") : 0;
}

int rootfs_enter(int root_fd, int top_fd, const RuntimeConfig *config, Report *report)
{
    if (top_fd >= 0 && (fchdir(top_fd) < 0 || chroot(".") < 0 || mount_attach(root_fd, top_fd) < 0))
        return report_errno(report, "leave the runtime's chroot");

    /* pivot_root(".", ".") stacks the old root on the new one, where "." still names it. */
    if (fchdir(root_fd) < 0 || sys_pivot_root(".", ".") < 0 || umount2(".", MNT_DETACH) < 0 ||
        chdir("/") < 0)
        return report_errno(report, "enter the root file system");

    return set_root_flags(root_fd, config, report);
}

/* A mount of another user namespace cannot be taken away, only covered. */
static int hide_mount(const char *path, Report *report)
{
    _cleanup_close_ int target_fd = -EBADF, fd = -EBADF;
    int r;

    if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
        return 0;
    target_fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (target_fd < 0)
        return errno == ENOENT ? 0 : report_errno(report, "open the host's '", path, "'");
    fd = mount_new("tmpfs", "tmpfs", NULL, MOUNT_ATTR_RDONLY, report);
    if (fd < 0)
        return fd;
    r = mount_attach(fd, target_fd);
    return r < 0 ? report_result(report, r, "cover the host's '", path, "'") : 0;
}

int rootfs_change(int root_fd, const RuntimeConfig *config, const StringList *kernel_mounts,
                  Report *report)
{
    for (size_t i = 0; i < kernel_mounts->count; i++) {
        int r = hide_mount(kernel_mounts->items[i], report);

        if (r < 0)
            return r;
    }
    if (fchdir(root_fd) < 0 || chroot(".") < 0 || chdir("/") < 0)
        return report_errno(report, "change to the root file system");

    return set_root_flags(root_fd, config, report);
}
