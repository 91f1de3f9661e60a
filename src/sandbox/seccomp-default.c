/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The default profile as a table: groups of system calls, each with what it takes to allow them.
 * What is in no row fails with EPERM. Left out on purpose: io_uring (its operations bypass the
 * filter), keyrings (not namespaced), userfaultfd, kexec, swap, and whatever only a host does.
 */

#include "sandbox/seccomp-default.h"

#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>

#include "base/memory.h"
#include "sandbox/capabilities.h"

/* glibc 2.36 knows neither of these families. */
#ifndef AF_SMC
#define AF_SMC 43
#endif
#ifndef AF_MCTP
#define AF_MCTP 45
#endif

/* What a container without CAP_SYS_ADMIN cannot ask of clone(2). */
#define NAMESPACE_FLAGS                                                                            \
    (CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET |     \
     CLONE_NEWCGROUP)

/* Processors whose kernels have the calls of a row, with their 32-bit modes. */
enum {
    X86 = 1 << 0,
    ARM = 1 << 1,
};

#if defined(__x86_64__)
#define NATIVE X86
static const char *const architectures[] = { "SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32" };
#elif defined(__aarch64__)
#define NATIVE ARM
static const char *const architectures[] = { "SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM" };
#else
#error "this processor has no default seccomp profile"
#endif

/* The first argument must compare with one of @values. */
typedef struct Condition {
    const char *op;
    const uint64_t *values;
    size_t n_values;
} Condition;

typedef struct Row {
    const char *names;          /* separated by spaces */
    uint64_t needs;             /* one of these capabilities, 0: none */
    uint64_t unless;            /* the row is void with this capability */
    unsigned only;              /* on these processors, 0: on all */
    int errnum;                 /* fail with it, 0: allow */
    const Condition *condition; /* NULL: whatever the arguments */
} Row;

static const uint64_t namespace_flags[] = { NAMESPACE_FLAGS };
static const Condition no_new_namespace = { "SCMP_CMP_MASKED_EQ", namespace_flags,
                                            ARRAY_SIZE(namespace_flags) };

/* PER_LINUX and PER_LINUX32, each also with UNAME26; the last one only asks. */
static const uint64_t personalities[] = { 0x0, 0x8, 0x20000, 0x20008, 0xffffffff };
static const Condition usual_personality = { "SCMP_CMP_EQ", personalities,
                                             ARRAY_SIZE(personalities) };

/* AF_UNIX to AF_ROSE as one comparison; AF_UNSPEC makes no socket. */
static const uint64_t first_unwanted_family[] = { 12 };
static const Condition low_family = { "SCMP_CMP_LT", first_unwanted_family,
                                      ARRAY_SIZE(first_unwanted_family) };

/*
 * Not here: AF_ALG (the kernel's cryptography, an attack surface that containers have no use for),
 * AF_VSOCK (reaches the host and other guests past network namespaces), and families that current
 * kernels have dropped.
 */
static const uint64_t families[] = {
    AF_NETBEUI,   AF_SECURITY, AF_KEY,   AF_NETLINK, AF_PACKET,     AF_ASH, AF_RDS,
    AF_SNA,       AF_PPPOX,    AF_LLC,   AF_IB,      AF_MPLS,       AF_CAN, AF_TIPC,
    AF_BLUETOOTH, AF_IUCV,     AF_RXRPC, AF_PHONET,  AF_IEEE802154, AF_NFC, AF_KCM,
    AF_QIPCRTR,   AF_SMC,      AF_XDP,   AF_MCTP,
};
static const Condition known_family = { "SCMP_CMP_EQ", families, ARRAY_SIZE(families) };

#define NEEDS(capability) .needs = CAPABILITY(CAP_##capability)
#define NEEDS_ONE(a, b) .needs = CAPABILITY(CAP_##a) | CAPABILITY(CAP_##b)
#define UNLESS_ADMIN .unless = CAPABILITY(CAP_SYS_ADMIN)

static const Row rows[] = {
    /* Files: opening, reading, writing. */
    { "open openat openat2 creat close close_range read readv pread64 preadv preadv2 readahead "
      "write writev pwrite64 pwritev pwritev2 lseek _llseek dup dup2 dup3 pipe pipe2 fcntl fcntl64 "
      "ioctl flock fadvise64 fadvise64_64 fallocate truncate truncate64 ftruncate ftruncate64 "
      "fsync fdatasync sync syncfs sync_file_range copy_file_range sendfile sendfile64 splice "
      "vmsplice tee cachestat memfd_create memfd_secret" },
    { "io_setup io_submit io_getevents io_pgetevents io_pgetevents_time64 io_cancel io_destroy" },
    /* Files: names, attributes, directories. */
    { "stat stat64 lstat lstat64 fstat fstat64 fstatat64 newfstatat statx statfs statfs64 fstatfs "
      "fstatfs64 access faccessat faccessat2 readlink readlinkat getdents getdents64 getcwd chdir "
      "fchdir mkdir mkdirat rmdir mknod mknodat link linkat symlink symlinkat unlink unlinkat "
      "rename renameat renameat2 umask name_to_handle_at listmount statmount" },
    { "chmod fchmod fchmodat fchmodat2 chown chown32 fchown fchown32 lchown lchown32 fchownat "
      "utime utimes utimensat utimensat_time64 futimesat" },
    { "getxattr lgetxattr fgetxattr getxattrat setxattr lsetxattr fsetxattr setxattrat listxattr "
      "llistxattr flistxattr listxattrat removexattr lremovexattr fremovexattr removexattrat" },
    /* Waiting for things to happen. */
    { "poll ppoll ppoll_time64 select _newselect pselect6 pselect6_time64 epoll_create "
      "epoll_create1 epoll_ctl epoll_ctl_old epoll_wait epoll_wait_old epoll_pwait epoll_pwait2 "
      "eventfd eventfd2 signalfd signalfd4 inotify_init inotify_init1 inotify_add_watch "
      "inotify_rm_watch fanotify_mark" },
    /* Memory. */
    { "brk mmap mmap2 munmap mprotect mremap madvise mincore msync mlock mlock2 mlockall munlock "
      "munlockall membarrier mseal map_shadow_stack remap_file_pages pkey_alloc pkey_free "
      "pkey_mprotect" },
    /* Processes and threads. */
    { "fork vfork execve execveat exit exit_group wait4 waitid waitpid getpid getppid gettid "
      "getpgid "
      "getpgrp setpgid getsid setsid prctl set_tid_address set_thread_area get_thread_area "
      "set_robust_list get_robust_list rseq futex futex_time64 futex_waitv futex_wait futex_wake "
      "futex_requeue pidfd_open pidfd_send_signal process_mrelease seccomp landlock_create_ruleset "
      "landlock_add_rule landlock_restrict_self uretprobe" },
    /* What ptrace could change about a filtered call is filtered again since Linux 4.8. */
    { "ptrace process_vm_readv process_vm_writev" },
    { "sched_yield sched_getaffinity sched_setaffinity sched_getattr sched_setattr sched_getparam "
      "sched_setparam sched_getscheduler sched_setscheduler sched_get_priority_min "
      "sched_get_priority_max sched_rr_get_interval sched_rr_get_interval_time64 getpriority "
      "setpriority ioprio_get ioprio_set getcpu getrlimit ugetrlimit setrlimit prlimit64 getrusage "
      "times sysinfo uname getrandom" },
    /* Users, groups, capabilities: the kernel itself checks these. */
    { "getuid getuid32 geteuid geteuid32 getgid getgid32 getegid getegid32 getresuid getresuid32 "
      "getresgid getresgid32 getgroups getgroups32 setuid setuid32 setgid setgid32 setreuid "
      "setreuid32 setregid setregid32 setresuid setresuid32 setresgid setresgid32 setgroups "
      "setgroups32 setfsuid setfsuid32 setfsgid setfsgid32 capget capset" },
    /* Signals. */
    { "kill tkill tgkill pause restart_syscall sigaltstack sigprocmask sigreturn rt_sigaction "
      "rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait "
      "rt_sigtimedwait_time64 rt_tgsigqueueinfo" },
    /* Time. Setting it fails without CAP_SYS_TIME, reading through adjtimex does not need it. */
    { "time gettimeofday nanosleep clock_gettime clock_gettime64 clock_getres clock_getres_time64 "
      "clock_nanosleep clock_nanosleep_time64 clock_adjtime clock_adjtime64 adjtimex alarm "
      "getitimer setitimer timer_create timer_delete timer_getoverrun timer_gettime "
      "timer_gettime64 timer_settime timer_settime64 timerfd_create timerfd_gettime "
      "timerfd_gettime64 timerfd_settime timerfd_settime64" },
    /* Sockets. The arguments of socketcall are behind a pointer: its families go unchecked. */
    { "bind connect listen accept accept4 socketpair socketcall shutdown getsockname getpeername "
      "getsockopt setsockopt send sendto sendmsg sendmmsg recv recvfrom recvmsg recvmmsg "
      "recvmmsg_time64" },
    { "socket", .condition = &low_family },
    { "socket", .condition = &known_family },
    /* System V and POSIX IPC. */
    { "ipc msgget msgsnd msgrcv msgctl semget semop semtimedop semtimedop_time64 semctl shmget "
      "shmat shmdt shmctl mq_open mq_unlink mq_notify mq_getsetattr mq_timedsend "
      "mq_timedsend_time64 mq_timedreceive mq_timedreceive_time64" },
    { "personality", .condition = &usual_personality },

    /* One kind of processor. */
    { "arch_prctl modify_ldt", .only = X86 },
    { "arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls",
      .only = ARM },

    /* New namespaces only for an administrator; clone3 hides its flags, so callers must fall back
     * to clone. */
    { "clone", UNLESS_ADMIN, .condition = &no_new_namespace },
    { "clone3", UNLESS_ADMIN, .errnum = ENOSYS },
    { "clone clone3 unshare setns mount umount umount2 mount_setattr move_mount open_tree fsopen "
      "fsconfig fsmount fspick fanotify_init quotactl quotactl_fd sethostname setdomainname "
      "lookup_dcookie lsm_get_self_attr lsm_set_self_attr lsm_list_modules",
      NEEDS(SYS_ADMIN) },

    /* Other capabilities. */
    { "bpf", NEEDS_ONE(SYS_ADMIN, BPF) },
    { "perf_event_open", NEEDS_ONE(SYS_ADMIN, PERFMON) },
    { "syslog", NEEDS_ONE(SYS_ADMIN, SYSLOG) },
    { "open_by_handle_at", NEEDS(DAC_READ_SEARCH) },
    { "reboot", NEEDS(SYS_BOOT) },
    { "chroot", NEEDS(SYS_CHROOT) },
    { "init_module finit_module delete_module", NEEDS(SYS_MODULE) },
    { "get_mempolicy set_mempolicy set_mempolicy_home_node mbind", NEEDS(SYS_NICE) },
    { "acct", NEEDS(SYS_PACCT) },
    { "kcmp pidfd_getfd process_madvise", NEEDS(SYS_PTRACE) },
    { "iopl ioperm", NEEDS(SYS_RAWIO) },
    { "settimeofday stime clock_settime clock_settime64", NEEDS(SYS_TIME) },
    { "vhangup", NEEDS(SYS_TTY_CONFIG) },
};

static bool row_applies(const Row *row, uint64_t capabilities)
{
    if (row->needs && !(row->needs & capabilities))
        return false;
    if (row->unless & capabilities)
        return false;
    return row->only == 0 || row->only & NATIVE;
}

/* A row makes one rule, or one for each value of its condition: conditions of one rule must all
 * hold. */
static size_t row_rules(const Row *row)
{
    return row->condition ? row->condition->n_values : 1;
}

static void fill_rule(const Row *row, size_t value, LinuxSeccompSyscall *rule)
{
    string_list_split(&rule->names, row->names, ' ');
    rule->action = memory_strdup(row->errnum ? "SCMP_ACT_ERRNO" : "SCMP_ACT_ALLOW");
    if (row->errnum)
        rule->errno_ret = (OptionalUint64) { true, (uint64_t)row->errnum };
    if (row->condition) {
        rule->args.items = NEW(LinuxSeccompArg);
        rule->args.count = 1;
        rule->args.items[0].value = row->condition->values[value];
        rule->args.items[0].op = memory_strdup(row->condition->op);
    }
}

LinuxSeccomp *seccomp_default_new(uint64_t capabilities)
{
    LinuxSeccomp *profile = NEW(LinuxSeccomp);
    size_t count = 0;

    profile->default_action = memory_strdup("SCMP_ACT_ERRNO");
    profile->default_errno_ret = (OptionalUint64) { true, EPERM };
    for (size_t i = 0; i < ARRAY_SIZE(architectures); i++)
        string_list_add(&profile->architectures, architectures[i]);
    /* Filtered programs are no more prone to speculation than others; the mitigation that seccomp
     * would switch on costs them dearly. */
    string_list_add(&profile->flags, "SECCOMP_FILTER_FLAG_SPEC_ALLOW");

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (row_applies(&rows[i], capabilities))
            count += row_rules(&rows[i]);
    }
    profile->syscalls.items = NEW_ARRAY(LinuxSeccompSyscall, count);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (!row_applies(&rows[i], capabilities))
            continue;
        for (size_t value = 0; value < row_rules(&rows[i]); value++)
            fill_rule(&rows[i], value, &profile->syscalls.items[profile->syscalls.count++]);
    }
    return profile;
}
