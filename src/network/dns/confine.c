/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The order matters: becoming nobody takes rights that are dropped after it, and seccomp forbids
 * every call that the steps before it make.
 */

#include "network/dns/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/landlock.h"
#include "base/locked-memory.h"
#include "base/privileges.h"
#include "base/syscall-filter.h"
#include "network/dns-protocol.h"
#include "network/dns/upstreams.h"

/* Where resolv.conf is, and where it leads to with those who make it: also where they are not at
 * work yet. */
static const char *const readable[] = {
    "/etc", "/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager", "/run/connman",
};

static const char *const allowed[] = {
    /* the loop */
    "epoll_create1",
    "epoll_wait",
    "epoll_pwait",
    "epoll_ctl",
    "timerfd_create",
    "timerfd_settime",
    /* sockets */
    "accept4",
    "connect",
    "getsockopt",
    "recvfrom",
    "recvmsg",
    "recv",
    "sendto",
    "sendmsg",
    "send",
    "ioctl", /* the number of a link */
    /* resolv.conf, and the log */
    "read",
    "write",
    "writev",
    "close",
    "fcntl",
    "fcntl64",
    "stat",
    "fstat",
    "fstat64",
    "newfstatat",
    "fstatat64",
    "statx",
    "lseek",
    "_llseek",
    "geteuid",
};

static const char *const open_call[] = { "open" };
static const char *const openat_call[] = { "openat" };
static const char *const socket_call[] = { "socket" };
static const char *const limit_call[] = { "prlimit64" };

/* Files are only read: the log came as a descriptor. */
#define FLAGS_TO_WRITE (O_ACCMODE | O_CREAT | O_TRUNC)

static int limit_resources(Error *err)
{
    static const struct rlimit no_core = {};
    struct rlimit files;

    /* A container has three descriptors here, and there may be thousands. */
    if (getrlimit(RLIMIT_NOFILE, &files) < 0)
        return error_errno(err, "read a resource limit");
    files.rlim_cur = files.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &files) < 0 || setrlimit(RLIMIT_CORE, &no_core) < 0)
        return error_errno(err, "set a resource limit");
    return 0;
}

/* The directory that it leads to now; NULL: it is not there. The caller frees it. */
static char *find_actual_directory(void)
{
    char *path = realpath(RESOLV_CONF_PATH, NULL), *slash = path ? strrchr(path, '/') : NULL;

    if (slash && slash > path)
        *slash = '\0';
    return path;
}

static int restrict_paths(void)
{
    _cleanup_free_ char *actual = find_actual_directory();
    const char *paths[ARRAY_SIZE(readable) + 1];

    memcpy(paths, readable, sizeof(readable));
    paths[ARRAY_SIZE(readable)] = actual;
    return landlock_confine_to_reading(paths, ARRAY_SIZE(readable) + (actual ? 1 : 0));
}

static int filter_syscalls(Error *err)
{
    const SyscallTable tables[] = {
        { SYSCALL_TABLE(allowed) },
        { SYSCALL_TABLE(open_call), .argument = 1, .mask = FLAGS_TO_WRITE, .value = O_RDONLY },
        { SYSCALL_TABLE(openat_call), .argument = 2, .mask = FLAGS_TO_WRITE, .value = O_RDONLY },
        { SYSCALL_TABLE(limit_call), .argument = 2, .mask = ~UINT64_C(0) }, /* none is set */
        { SYSCALL_TABLE(socket_call), .mask = ~UINT64_C(0), .value = AF_INET },
        { SYSCALL_TABLE(socket_call), .mask = ~UINT64_C(0), .value = AF_INET6 },
    };
    const SyscallFilter filter = { tables, ARRAY_SIZE(tables) };

    return syscall_filter_load(&filter, err);
}

int confine(Error *err)
{
    int r;

    if (close_range(DNS_CONNECTION_FD + 1, ~0U, 0) < 0)
        return error_errno(err, "close what was inherited");
    r = limit_resources(err);
    if (r >= 0)
        r = privileges_drop(err);
    if (r < 0)
        return r;
    process_hide_memory();
    (void)restrict_paths(); /* nobody may read little anyway: a kernel without it will do */
    return filter_syscalls(err);
}
