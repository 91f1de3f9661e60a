/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The order matters: a root of its own needs rights that are dropped after it, Landlock needs "no
 * new privileges", and seccomp forbids every call that the steps before it make.
 */

#include "image/worker/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/landlock.h"
#include "base/syscall-filter.h"
#include "base/syscalls.h"

#if defined(__SANITIZE_ADDRESS__)
#define HAS_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ADDRESS_SANITIZER 1
#endif
#endif

/* Deep trees are removed with one descriptor per level: more than the deepest name that is allowed.
 */
#define MAX_DESCRIPTORS 4096
#define MAX_ADDRESS_SPACE ((rlim_t)1 << 30)

static const struct {
    int resource;
    rlim_t limit;
} resource_limits[] = {
    { RLIMIT_NOFILE, MAX_DESCRIPTORS },
    { RLIMIT_CORE, 0 },
#ifndef HAS_ADDRESS_SANITIZER /* whose shadow memory alone is terabytes of addresses */
    { RLIMIT_AS, MAX_ADDRESS_SPACE },
#endif
};

#define CAPABILITY(name) (UINT64_C(1) << (name))

#define CAPABILITIES_UNPACK                                                                        \
    (CAPABILITY(CAP_CHOWN) | CAPABILITY(CAP_DAC_OVERRIDE) | CAPABILITY(CAP_FOWNER) |               \
     CAPABILITY(CAP_FSETID) | CAPABILITY(CAP_MKNOD) | CAPABILITY(CAP_SETFCAP))
#define CAPABILITIES_PACK CAPABILITY(CAP_DAC_READ_SEARCH)

#define ATTRIBUTES_READ_ONLY                                                                       \
    (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

static const char *const allowed[] = {
    /* input and output, files of the tree, the reply */
    "read",
    "write",
    "lseek",
    "_llseek",
    "close",
    "openat",
    "openat2",
    "fcntl",
    "fcntl64",
    "fstat",
    "fstat64",
    "newfstatat",
    "fstatat64",
    "statx",
    "fstatfs",
    "fstatfs64",
    "getdents64",
    "readlinkat",
    "fchdir",
    /* waiting for input, or for being told to stop */
    "poll",
    "ppoll",
    "ppoll_time64",
    "eventfd2",
    /* what they carry */
    "fgetxattr",
    "lgetxattr",
    "flistxattr",
    "llistxattr",
};

/* Whoever unpacks also makes, names and removes files, and gives them what they carry. */
static const char *const allowed_to_write[] = {
    "sync_file_range", "ftruncate",        "ftruncate64", "fdatasync", "syncfs",
    "mkdirat",         "mknodat",          "symlinkat",   "linkat",    "renameat2",
    "unlinkat",        "fchown",           "fchownat",    "fchmod",    "fchmodat",
    "utimensat",       "utimensat_time64", "fsetxattr",   "lsetxattr", "fremovexattr",
    "lremovexattr",    "geteuid",          "geteuid32",   "getegid",   "getegid32",
};

/* Nothing here has a use for a network. */
static const char *const deadly[] = {
    "socket", "socketpair", "connect", "bind", "listen", "accept4",
};

static int filter_syscalls(bool only_reads, Error *err)
{
    const SyscallTable tables[] = {
        { SYSCALL_TABLE(allowed) },
        { SYSCALL_TABLE(deadly), .action = SYSCALL_KILL },
        { SYSCALL_TABLE(allowed_to_write) },
    };
    const SyscallFilter filter = {
        .tables = tables,
        .n_tables = ARRAY_SIZE(tables) - (only_reads ? 1 : 0),
        .has_threads = !only_reads,
    };

    return syscall_filter_load(&filter, err);
}

static int limit_resources(Error *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(resource_limits); i++) {
        struct rlimit limit;

        if (getrlimit(resource_limits[i].resource, &limit) < 0)
            return error_errno(err, "read a resource limit");
        if (limit.rlim_max > resource_limits[i].limit)
            limit.rlim_max = resource_limits[i].limit;
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(resource_limits[i].resource, &limit) < 0)
            return error_errno(err, "set a resource limit");
    }
    return 0;
}

/*
 * A mount of the directory that can be made the root. One that is detached already is that itself:
 * before Linux 6.15 it cannot be cloned.
 */
static int open_own_mount(int target_fd, const ConfineOptions *options)
{
    unsigned recursive = options->with_mounts ? AT_RECURSIVE : 0;
    struct mount_attr attributes = { .attr_set = ATTRIBUTES_READ_ONLY };
    _cleanup_close_ int fd =
        open_tree(target_fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | recursive);

    if (fd < 0 && errno == EINVAL)
        fd = fcntl(target_fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (options->only_reads &&
        mount_setattr(fd, "", AT_EMPTY_PATH | recursive, &attributes, sizeof(attributes)) < 0)
        return -errno;
    return TAKE_FD(fd);
}

/*
 * Make a copy of the mount below @target_fd the root, in new namespaces where nothing else is
 * mounted. Returns the root's handle, or -errno (-EPERM without CAP_SYS_ADMIN).
 */
static int enter_own_root(int target_fd, const ConfineOptions *options)
{
    /* Before unshare(2): afterwards the handle belongs to a mount of another namespace. */
    _cleanup_close_ int tree_fd = open_own_mount(target_fd, options);
    int fd;

    if (tree_fd < 0)
        return tree_fd;
    if (unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) < 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        move_mount(tree_fd, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0 || fchdir(tree_fd) < 0)
        return -errno;

    /* The old root ends up on top of the new one and is taken off (pivot_root(2), NOTES). It has
     * no parent to be moved from when it is an initramfs: then only chroot(2) is left. */
    if (sys_pivot_root(".", ".") == 0) {
        if (umount2(".", MNT_DETACH) < 0)
            return -errno;
    } else if (chroot(".") < 0) {
        return -errno;
    }
    if (chdir("/") < 0)
        return -errno;
    fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int drop_capabilities(const ConfineOptions *options, Error *err)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct data[2] = {};
    uint64_t kept = options->only_reads ? CAPABILITIES_PACK : CAPABILITIES_UNPACK;

    if (options->needs_trusted_xattrs)
        kept |= CAPABILITY(CAP_SYS_ADMIN);

    /* The bounding set can only be lowered by who has CAP_SETPCAP; without it there is nothing to
     * gain from it either, because nothing is executed any more. */
    for (unsigned i = 0; prctl(PR_CAPBSET_READ, i, 0, 0, 0) >= 0; i++)
        if (!(kept >> i & 1))
            (void)prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); /* cannot fail since 4.3 */

    if (syscall(SYS_capget, &header, data) < 0)
        return error_errno(err, "read capabilities");
    for (size_t i = 0; i < ARRAY_SIZE(data); i++) {
        data[i].permitted &= (uint32_t)(kept >> (32 * i));
        data[i].effective = data[i].permitted;
        data[i].inheritable = 0;
    }
    if (syscall(SYS_capset, &header, data) < 0)
        return error_errno(err, "drop capabilities");
    return 0;
}

int confine(int *target_fd, const ConfineOptions *options, Error *err)
{
    LandlockRule rule = { .may_change = !options->only_reads };
    LandlockOptions landlock = { .rules = &rule, .n_rules = 1 };
    bool has_own_root;
    int fd, r;

    if (close_range(options->close_from, ~0U, 0) < 0)
        return error_errno(err, "close what was inherited");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return error_errno(err, "forbid new privileges");
    r = limit_resources(err);
    if (r < 0)
        return r;

    fd = enter_own_root(*target_fd, options);
    has_own_root = fd >= 0;
    if (has_own_root) {
        fd_close(*target_fd);
        *target_fd = fd;
    }

    rule.fd = *target_fd;
    r = landlock_confine(&landlock);
    if (r < 0 && !has_own_root)
        return error_set(err, ERROR_UNSUPPORTED,
                         "this host cannot confine the image worker: it needs root, or Landlock "
                         "(Linux 5.19)");
    r = drop_capabilities(options, err);
    if (r < 0)
        return r;
    return filter_syscalls(options->only_reads, err);
}
