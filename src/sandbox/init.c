/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A copy of the supervisor that turns itself into a container. It runs on the parent's memory,
 * copied: so no allocation, no locks, no stdio, nothing that libc could have half done. What it
 * needs lies in the plan; what goes wrong travels in a Report.
 */

#include "sandbox/init-private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/syscalls.h"
#include "sandbox/masks-private.h"
#include "sandbox/process-files-private.h"
#include "sandbox/program-private.h"
#include "sandbox/rootfs-private.h"
#include "sandbox/terminal-private.h"

typedef struct Init {
    SandboxPlan *plan;
    const RuntimeConfig *config;
    InitOptions options;
    int null_fd;   /* the container's /dev/null, verified */
    int procfs_fd; /* of our own, seen by nobody else; -EBADF: not needed */
    int stdio[3];
    int directory_fd; /* the working directory */
    bool has_directory;
    Terminal terminal;
    Report report;
} Init;

/* Nobody may trace us or look through our descriptors while we are half inside: exec ends this. */
static int step_protect(Init *init)
{
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        return report_errno(&init->report, "protect the process from being traced");
    (void)umask(0); /* modes of nodes and mount points are meant as they are written */
    return 0;
}

static bool receive(int fd, char byte)
{
    char received = 0;
    ssize_t n;

    do
        n = recv(fd, &received, 1, 0);
    while (n < 0 && errno == EINTR);
    return n == 1 && received == byte;
}

/* Wait for one particular byte of the parent. Its end is ours. */
static void wait_for(Init *init, char byte)
{
    if (!receive(init->options.control_fd, byte))
        _exit(EXIT_FAILURE);
}

static bool is_tied_to_parent(const Init *init)
{
    return init->options.start_fd < 0;
}

/* Wait for whoever starts us. From then on reports go to them: the parent may be gone. */
static void wait_for_starter(Init *init)
{
    init->options.control_fd = fd_close(init->options.control_fd);
    for (;;) {
        int fd = accept4(init->options.start_fd, NULL, NULL, SOCK_CLOEXEC);

        if (fd >= 0 && receive(fd, INIT_START)) {
            init->options.control_fd = fd;
            break;
        }
        if (fd < 0 && errno != EINTR && errno != ECONNABORTED)
            _exit(EXIT_FAILURE);
        (void)fd_close(fd); /* it only looked whether we wait, or was killed */
    }
    init->options.start_fd = fd_close(init->options.start_fd); /* nobody else can start us */
}

/* Before anything else could use up what the cgroup limits, and as whoever the caller is. */
static int step_cgroup(Init *init)
{
    int r = init->options.enters ? cgroup_enter(init->plan->cgroup) : 0;

    return r < 0 ? report_result(&init->report, r, "enter the cgroup") : 0;
}

static int step_join(Init *init)
{
    int r;

    if (init->options.waits)
        wait_for(init, INIT_GO_ON);
    r = namespace_plan_enter(&init->plan->namespaces, &init->report);
    if (r < 0)
        return r;
    if (init->plan->namespaces.new_cgroup && unshare(CLONE_NEWCGROUP) < 0)
        return report_errno(&init->report, "make a cgroup namespace");
    if (setsid() < 0)
        return report_errno(&init->report, "start a session");
    return 0;
}

static int step_names(Init *init)
{
    const char *host = init->config->hostname, *domain = init->config->domainname;

    if (host && sethostname(host, strlen(host)) < 0)
        return report_errno(&init->report, "set the host name '", host, "'");
    if (domain && setdomainname(domain, strlen(domain)) < 0)
        return report_errno(&init->report, "set the domain name '", domain, "'");
    return init->plan->namespaces.create & CLONE_NEWNET ? namespace_raise_loopback(&init->report)
                                                        : 0;
}

static int step_mounts(Init *init)
{
    SandboxPlan *plan = init->plan;
    int r = rootfs_attach(plan->root_fd, &init->report);

    if (r == 0)
        r = mount_table_make(&plan->mounts, plan->root_fd, &init->report);
    if (r < 0 || plan->sysctls.count == 0)
        return r;

    /* A user namespace may mount procfs only while the host's is still in sight. */
    init->procfs_fd = procfs_open(&init->report);
    return init->procfs_fd < 0 ? init->procfs_fd : 0;
}

static int step_devices(Init *init)
{
    SandboxPlan *plan = init->plan;
    int r = 0;

    if (plan->has_own_dev)
        r = device_table_make(&plan->devices, plan->root_fd, &init->report);
    if (r == 0 && plan->has_own_dev)
        r = device_links_make(plan->root_fd, &init->report);
    if (r < 0)
        return r;

    init->null_fd = device_open_null(plan->root_fd, &init->report);
    return init->null_fd < 0 ? init->null_fd : 0;
}

static int step_terminal(Init *init)
{
    int r;

    if (!init->config->process->terminal)
        return 0;
    r = terminal_open(init->config->process, mount_table_find_fd(&init->plan->mounts, "devpts"),
                      &init->terminal, &init->report);
    return r < 0 ? r : terminal_bind_console(&init->terminal, init->plan->root_fd, &init->report);
}

static bool is_null_device(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3);
}

/*
 * The host's /dev/null never becomes the container's descriptor: root in there could change its
 * mode for all of the host. The container's own is opened through its handle.
 */
static int open_stdio(Init *init, int source_fd)
{
    char path[32];
    int fd;

    if (source_fd >= 0 && !is_null_device(source_fd))
        fd = fcntl(source_fd, F_DUPFD_CLOEXEC, 3);
    else
        fd = open(path_of_fd(path, init->null_fd), O_RDWR | O_NOCTTY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* A pipe that was made by root cannot be opened again by the user as /dev/stdout otherwise. Files
 * and devices belong to whoever passed them. */
static void give_to_user(int fd, uid_t uid)
{
    struct stat st;

    if (uid != 0 && fstat(fd, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode)))
        (void)!fchown(fd, uid,
                      (gid_t)-1); /* not ours in a user namespace: then it stays as it is */
}

static int step_stdio(Init *init)
{
    bool terminal = init->config->process->terminal;

    for (int i = 0; i < 3; i++) {
        init->stdio[i] =
            open_stdio(init, terminal ? init->terminal.slave_fd : init->plan->stdio[i]);
        if (init->stdio[i] < 0)
            return report_result(&init->report, init->stdio[i], "open standard input and output");
        give_to_user(init->stdio[i], init->config->process->user.uid);
    }
    return 0;
}

/* A magic link (/proc/self/fd/7) as working directory would lead out of the root. */
static int step_directory(Init *init)
{
    const char *path = init->config->process->cwd;
    int fd = path_open_in_root(init->plan->root_fd, path, O_PATH | O_DIRECTORY, 0);

    if (fd == -ENOENT)
        fd = path_make_directories(init->plan->root_fd, path, 0755, 0, 0);
    if (fd == -ENOTDIR)
        return report_set(&init->report, ERROR_INVALID, "working directory '", path,
                          "' is not a directory");
    if (fd == -ELOOP)
        return report_set(&init->report, ERROR_INVALID, "working directory '", path,
                          "' goes through a link that leads nowhere or out of the container");
    if (fd < 0)
        return report_result(&init->report, fd, "open working directory '", path, "'");
    init->directory_fd = fd;
    return 0;
}

static int step_masks(Init *init)
{
    const LinuxConfig *settings = &init->config->linux_config;
    int root_fd = init->plan->root_fd;
    int r = readonly_paths_apply(&settings->readonly_paths, root_fd, &init->report);

    if (r == 0)
        r = masked_paths_apply(&settings->masked_paths, root_fd, init->null_fd, &init->report);
    if (r == 0)
        r = mount_table_seal(&init->plan->mounts, &init->report);
    return r;
}

static int step_enter(Init *init)
{
    int r = rootfs_enter(init->plan->root_fd, init->config, &init->report);

    if (r < 0)
        return r;
    /* As root, like other runtimes: the user needs no right to reach it. A file system that keeps
     * root out (NFS) gets a second chance when we are the user. */
    init->has_directory = fchdir(init->directory_fd) == 0;
    if (!init->has_directory && errno != EACCES)
        return report_errno(&init->report, "enter working directory '", init->config->process->cwd,
                            "'");
    return 0;
}

static int step_ready(Init *init)
{
    const Report ready = { .kind = ERROR_NONE };
    int r = report_send(&ready, init->options.control_fd, &init->terminal.master_fd,
                        init->terminal.master_fd >= 0 ? 1 : 0);

    if (r < 0)
        _exit(EXIT_FAILURE); /* nobody there to tell */
    init->terminal.master_fd = fd_close(init->terminal.master_fd);
    if (is_tied_to_parent(init))
        wait_for(init, INIT_START);
    else
        wait_for_starter(init);
    return 0;
}

/* Interfaces that were plugged in meanwhile have sysctls of their own: so not earlier. */
static int step_sysctls(Init *init)
{
    return sysctls_write(init->procfs_fd, &init->plan->sysctls, &init->report);
}

static int step_descriptors(Init *init)
{
    int r = init->config->process->terminal ? terminal_control(&init->terminal, &init->report) : 0;

    if (r < 0)
        return r;
    for (int i = 0; i < 3; i++)
        if (dup2(init->stdio[i], i) < 0)
            return report_errno(&init->report, "arrange standard input and output");
    /* Whatever our parent was started with and forgot to mark. */
    if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
        return report_errno(&init->report, "mark descriptors close-on-exec");
    return 0;
}

static int step_credentials(Init *init)
{
    struct pollfd parent = { .fd = init->options.control_fd, .events = POLLIN };
    int r = credentials_apply(&init->plan->credentials, &init->report);

    /* A parent that died before we asked for its death signal has left us an end of stream. */
    if (r == 0 && init->plan->credentials.dies_with_parent && poll(&parent, 1, 0) != 0)
        _exit(EXIT_FAILURE);
    return r;
}

static int step_check_directory(Init *init)
{
    const char *path = init->config->process->cwd;
    char current[PATH_MAX];

    if (!init->has_directory) {
        _cleanup_close_ int fd =
            path_open_in_root(init->plan->root_fd, path, O_PATH | O_DIRECTORY, 0);

        if (fd < 0 || fchdir(fd) < 0)
            return report_result(&init->report, fd < 0 ? fd : -errno, "enter working directory '",
                                 path, "'");
    }
    /* The system call, not getcwd(3): that one would search for a name and allocate. */
    if (syscall(SYS_getcwd, current, sizeof(current)) < 0)
        return report_errno(&init->report, "find working directory '", path, "'");
    if (current[0] != '/')
        return report_set(&init->report, ERROR_INVALID, "working directory '", path,
                          "' is outside the container");
    return 0;
}

static int step_execute(Init *init)
{
    sigset_t none;

    for (int signal = 1; signal < NSIG; signal++)
        (void)sys_reset_signal(signal); /* fails for KILL and STOP */
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    return program_execute(init->config->process, &init->plan->candidates, &init->report);
}

static int (*const steps[])(Init *init) = {
    step_protect,         step_cgroup,   step_join,    step_names,       step_mounts,
    step_devices,         step_terminal, step_stdio,   step_directory,   step_masks,
    step_enter,           step_ready,    step_sysctls, step_descriptors, step_credentials,
    step_check_directory, step_execute,
};

_Noreturn void init_run(SandboxPlan *plan, const InitOptions *options)
{
    Init init = {
        .plan = plan,
        .config = plan->config,
        .options = *options,
        .null_fd = -EBADF,
        .procfs_fd = -EBADF,
        .stdio = { -EBADF, -EBADF, -EBADF },
        .directory_fd = -EBADF,
        .terminal = TERMINAL_INIT,
    };

    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        if (steps[i](&init) < 0) {
            (void)report_send(&init.report, options->control_fd, NULL, 0); /* or it sees our end */
            break;
        }
    }
    _exit(EXIT_FAILURE);
}
