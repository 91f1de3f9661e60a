/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Tables of names: allowed and deadly. Names that an architecture does not have are skipped.
 */

#include "image/worker/syscall-filter.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>

#include "base/cleanup.h"

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
    /* memory, randomness for its allocator, time, the end */
    "munmap",
    "mremap",
    "madvise",
    "brk",
    "futex",
    "futex_time64",
    "set_robust_list",
    "rseq",
    "getrandom",
    "clock_gettime",
    "clock_gettime64",
    "sched_getaffinity",
    "getpid",
    "gettid",
    "tgkill",
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "sigaltstack",
    "restart_syscall",
    "exit",
    "exit_group",
};

/* Whoever unpacks also makes, names and removes files, and gives them what they carry. */
static const char *const allowed_to_write[] = {
    "sync_file_range", "ftruncate",    "ftruncate64",  "fdatasync", "syncfs",           "mkdirat",
    "mknodat",         "symlinkat",    "linkat",       "renameat2", "unlinkat",         "fchown",
    "fchownat",        "fchmod",       "fchmodat",     "utimensat", "utimensat_time64", "fsetxattr",
    "lsetxattr",       "fremovexattr", "lremovexattr",
};

/* Memory, but none that code could be run from. */
static const char *const allowed_without_exec[] = { "mmap", "mmap2", "mprotect" };

/* A thread shares everything with who makes it; anything else that clone(2) makes is a process. */
#define THREAD_FLAGS (CLONE_THREAD | CLONE_VM | CLONE_SIGHAND | CLONE_FS | CLONE_FILES)
#define NAMESPACE_FLAGS                                                                            \
    (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |  \
     CLONE_NEWNET)

/* Which of clone(2)'s arguments they are (man page, "C library/kernel differences"). */
#ifdef __s390__
#define CLONE_FLAGS_ARGUMENT 1
#else
#define CLONE_FLAGS_ARGUMENT 0
#endif

static const char *const deadly[] = {
    "execve",
    "execveat",
    "fork",
    "vfork",
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "pidfd_getfd",
    "kcmp",
    "mount",
    "umount2",
    "move_mount",
    "open_tree",
    "fsopen",
    "fsmount",
    "fsconfig",
    "fspick",
    "mount_setattr",
    "pivot_root",
    "chroot",
    "setns",
    "unshare",
    "socket",
    "socketpair",
    "connect",
    "bind",
    "listen",
    "accept4",
    "bpf",
    "perf_event_open",
    "userfaultfd",
    "io_uring_setup",
    "open_by_handle_at",
    "init_module",
    "finit_module",
    "delete_module",
    "kexec_load",
    "kexec_file_load",
    "add_key",
    "request_key",
    "keyctl",
    "reboot",
    "swapon",
    "swapoff",
    "acct",
    "quotactl",
    "iopl",
    "ioperm",
    "setuid",
    "setgid",
    "setresuid",
    "setresgid",
    "setgroups",
    "capset",
};

static void filter_release(scmp_filter_ctx *filter)
{
    if (*filter)
        seccomp_release(*filter);
}

static int add_rules(scmp_filter_ctx filter, const char *const *names, size_t n_names,
                     uint32_t action)
{
    for (size_t i = 0; i < n_names; i++) {
        int number = seccomp_syscall_resolve_name(names[i]);
        int r;

        if (number < 0)
            continue;
        r = seccomp_rule_add(filter, action, number, 0);
        if (r < 0)
            return r;
    }
    return 0;
}

static int add_memory_rules(scmp_filter_ctx filter)
{
    for (size_t i = 0; i < ARRAY_SIZE(allowed_without_exec); i++) {
        int number = seccomp_syscall_resolve_name(allowed_without_exec[i]);
        int r;

        if (number < 0)
            continue;
        r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 1,
                             SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
        if (r < 0)
            return r;
    }
    return 0;
}

/* clone3(2) keeps its flags where no filter sees them: without it, libc takes the older call. */
static int add_thread_rules(scmp_filter_ctx filter)
{
    int r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);

    if (r < 0)
        return r;
    return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                            SCMP_CMP(CLONE_FLAGS_ARGUMENT, SCMP_CMP_MASKED_EQ,
                                     THREAD_FLAGS | NAMESPACE_FLAGS, THREAD_FLAGS));
}

int syscall_filter_load(bool only_reads, Error *err)
{
    _cleanup_(filter_release) scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    int r;

    if (!filter)
        return error_set(err, ERROR_EXHAUSTED, "prepare the system call filter: out of memory");
    r = add_rules(filter, allowed, ARRAY_SIZE(allowed), SCMP_ACT_ALLOW);
    if (r >= 0 && !only_reads)
        r = add_rules(filter, allowed_to_write, ARRAY_SIZE(allowed_to_write), SCMP_ACT_ALLOW);
    if (r >= 0)
        r = add_memory_rules(filter);
    if (r >= 0 && !only_reads)
        r = add_thread_rules(filter);
    if (r >= 0)
        r = add_rules(filter, deadly, ARRAY_SIZE(deadly), SCMP_ACT_KILL_PROCESS);
    if (r >= 0)
        r = seccomp_load(filter);
    if (r < 0)
        return error_set(err, ERROR_UNSUPPORTED,
                         "this host cannot confine the image worker with seccomp");
    return 0;
}
