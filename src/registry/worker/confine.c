/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The order matters: becoming nobody takes rights that are dropped after it, and seccomp forbids
 * every call that the steps before it make.
 */

#include "registry/worker/confine.h"

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/landlock.h"
#include "base/locked-memory.h"
#include "base/privileges.h"
#include "base/syscall-filter.h"
#include "registry/registry-protocol.h"

/* Nobody's, in every distribution: the files of root's are none of this program's business. */
#define NOBODY 65534

#define MAX_DESCRIPTORS 1024

/* What looking up names and checking certificates reads. Private keys are in none of them. */
static const char *const readable[] = {
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/host.conf",
    "/etc/nsswitch.conf",
    "/etc/gai.conf",
    "/etc/services",
    "/etc/localtime",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/ssl/cert.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/certs",
    "/etc/pki/tls/openssl.cnf",
    "/etc/pki/ca-trust/extracted",
    "/etc/crypto-policies",
    "/etc/ca-certificates",
    "/usr/share/ca-certificates",
    "/usr/local/share/ca-certificates",
    "/usr/share/crypto-policies",
    "/run/systemd/resolve",
    "/run/resolvconf",
    "/run/NetworkManager",
};

static const char *const allowed[] = {
    /* connections, and the names of hosts */
    "connect",
    "bind",
    "getsockname",
    "getpeername",
    "getsockopt",
    "setsockopt",
    "sendto",
    "sendmsg",
    "sendmmsg",
    "recvfrom",
    "recvmsg",
    "recvmmsg",
    "shutdown",
    "poll",
    "ppoll",
    "ppoll_time64",
    "ioctl",
    "uname",
    /* how libcurl's threads wake its loop */
    "socketpair",
    "pipe2",
    "eventfd2",
    /* documents, blobs and pipes */
    "read",
    "write",
    "readv",
    "writev",
    "pread64",
    "pwrite64",
    "splice",
    "lseek",
    "_llseek",
    "close",

    "access",
    "faccessat",
    "faccessat2",
    "fcntl",
    "fcntl64",
    "stat",
    "fstat",
    "fstat64",
    "lstat",
    "newfstatat",
    "fstatat64",
    "statx",
    "getdents64",
    "readlink",
    "readlinkat",
    /* threads that look names up */
    "sched_yield",
    "getuid",
    "geteuid",
    "getgid",
    "getegid",
    "getppid",
    "sysinfo",
    "clock_nanosleep",
    "prctl",
    "membarrier",
};

static const char *const open_call[] = { "open" };
static const char *const openat_call[] = { "openat" };
static const char *const socket_call[] = { "socket" };

/* Files are only read: what is written came as a descriptor. */
#define FLAGS_TO_WRITE (O_ACCMODE | O_CREAT | O_TRUNC)

static int limit_resources(Error *err)
{
    static const struct {
        int resource;
        rlim_t limit;
    } limits[] = {
        { RLIMIT_NOFILE, MAX_DESCRIPTORS },
        { RLIMIT_CORE, 0 },
    };

    for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
        struct rlimit limit;

        if (getrlimit(limits[i].resource, &limit) < 0)
            return error_errno(err, "read a resource limit");
        if (limit.rlim_max > limits[i].limit)
            limit.rlim_max = limits[i].limit;
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(limits[i].resource, &limit) < 0)
            return error_errno(err, "set a resource limit");
    }
    return 0;
}

/* No sockets of this machine's services, unix(7): as root, one would do anything for anybody. */
static int filter_syscalls(Error *err)
{
    const SyscallTable tables[] = {
        { SYSCALL_TABLE(allowed) },
        { SYSCALL_TABLE(open_call), .argument = 1, .mask = FLAGS_TO_WRITE, .value = O_RDONLY },
        { SYSCALL_TABLE(openat_call), .argument = 2, .mask = FLAGS_TO_WRITE, .value = O_RDONLY },
        { SYSCALL_TABLE(socket_call), .mask = ~UINT64_C(0), .value = AF_INET },
        { SYSCALL_TABLE(socket_call), .mask = ~UINT64_C(0), .value = AF_INET6 },
        { SYSCALL_TABLE(socket_call), .mask = ~UINT64_C(0), .value = AF_NETLINK },
    };
    const SyscallFilter filter = { tables, ARRAY_SIZE(tables), .has_threads = true };

    return syscall_filter_load(&filter, err);
}

int confine(Error *err)
{
    int r;

    if (close_range(REGISTRY_SOCKET_FD + 1, ~0U, 0) < 0)
        return error_errno(err, "close what was inherited");
    r = limit_resources(err);
    if (r >= 0)
        r = privileges_drop(err);
    if (r < 0)
        return r;
    /* It was forgotten with the change. Who has died meanwhile has closed the socket. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
        return error_errno(err, "die with the client");
    process_hide_memory();
    /* nobody may read little anyway: a kernel without it will do */
    (void)landlock_confine_to_reading(readable, ARRAY_SIZE(readable));
    return filter_syscalls(err);
}
