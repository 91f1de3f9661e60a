/* SPDX-License-Identifier: Apache-2.0 */

/* Tables of names become a filter. */

#include "base/syscall-filter.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>

#include "base/cleanup.h"

static const char *const allowed[] = {
    "munmap",         "mremap",        "madvise",         "brk",
    "futex",          "futex_time64",  "set_robust_list", "rseq",
    "getrandom",      "clock_gettime", "clock_gettime64", "sched_getaffinity",
    "getpid",         "gettid",        "tgkill",          "rt_sigaction",
    "rt_sigprocmask", "rt_sigreturn",  "sigaltstack",     "restart_syscall",
    "exit",           "exit_group",
};

/* Memory, but none that code could be run from. */
static const char *const allowed_without_exec[] = { "mmap", "mmap2", "mprotect" };

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

static const SyscallTable common[] = {
    { SYSCALL_TABLE(allowed) },
    { SYSCALL_TABLE(allowed_without_exec), .argument = 2, .mask = PROT_EXEC, .value = 0 },
    { SYSCALL_TABLE(deadly), .action = SYSCALL_KILL },
};

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

static const char *const clone_names[] = { "clone" };
static const char *const clone3_names[] = { "clone3" };

/* clone3(2) keeps its flags where no filter sees them: without it, libc takes the older call. */
static const SyscallTable threads[] = {
    { SYSCALL_TABLE(clone3_names), .action = SYSCALL_FAIL, .errnum = ENOSYS },
    { SYSCALL_TABLE(clone_names), .argument = CLONE_FLAGS_ARGUMENT,
      .mask = THREAD_FLAGS | NAMESPACE_FLAGS, .value = THREAD_FLAGS },
};

static void filter_release(scmp_filter_ctx *filter)
{
    if (*filter)
        seccomp_release(*filter);
}

static uint32_t action_of(const SyscallTable *table)
{
    if (table->action == SYSCALL_KILL)
        return SCMP_ACT_KILL_PROCESS;
    return table->action == SYSCALL_FAIL ? SCMP_ACT_ERRNO((uint32_t)table->errnum) : SCMP_ACT_ALLOW;
}

static int add_table(scmp_filter_ctx filter, const SyscallTable *table)
{
    struct scmp_arg_cmp condition =
        SCMP_CMP(table->argument, SCMP_CMP_MASKED_EQ, table->mask, table->value);

    for (size_t i = 0; i < table->n_names; i++) {
        int number = seccomp_syscall_resolve_name(table->names[i]);
        int r;

        if (number < 0)
            continue;
        r = seccomp_rule_add_array(filter, action_of(table), number, table->mask ? 1 : 0,
                                   &condition);
        if (r < 0)
            return r;
    }
    return 0;
}

static int add_tables(scmp_filter_ctx filter, const SyscallTable *tables, size_t n_tables)
{
    for (size_t i = 0; i < n_tables; i++) {
        int r = add_table(filter, &tables[i]);

        if (r < 0)
            return r;
    }
    return 0;
}

int syscall_filter_load(const SyscallFilter *what, Error *err)
{
    _cleanup_(filter_release) scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    int r;

    if (!filter)
        return error_set(err, ERROR_EXHAUSTED, "prepare the system call filter: out of memory");
    r = add_tables(filter, common, ARRAY_SIZE(common));
    if (r >= 0)
        r = add_tables(filter, what->tables, what->n_tables);
    if (r >= 0 && what->has_threads)
        r = add_tables(filter, threads, ARRAY_SIZE(threads));
    if (r >= 0)
        r = seccomp_load(filter);
    if (r < 0)
        return error_set(err, ERROR_UNSUPPORTED, "this host cannot confine programs with seccomp");
    return 0;
}
