/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Joining takes two processes. A pid namespace is entered by children only, so the first one, the
 * scout, joins everything and clones the second one, which becomes the program and is, thanks to
 * CLONE_PARENT, a child of the caller like the scout itself. Between clone and exec the same holds
 * as for a container's first process: no allocation, no locks, no stdio.
 */

#include "sandbox/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/process.h"
#include "base/socket.h"
#include "base/syscalls.h"
#include "sandbox/init-private.h"
#include "sandbox/init-release-private.h"
#include "sandbox/intel-rdt.h"
#include "sandbox/launch-private.h"
#include "sandbox/mounts-private.h"
#include "sandbox/process-files-private.h"
#include "sandbox/scheduling-private.h"

struct SandboxProcess {
    pid_t pid;
    int pidfd;
    int terminal_fd;
};

/* One that did not become its program is not left behind. */
static void sandbox_process_abandon(SandboxProcess *process)
{
    Process abandoned = { .pid = process->pid, .pidfd = TAKE_FD(process->pidfd) };

    process_done(&abandoned);
    sandbox_process_free(process);
}
DEFINE_CLEANUP(SandboxProcess *, sandbox_process_abandon);

/* All that the two processes need, laid out before the first clone. */
typedef struct ExecPlan {
    const RuntimeProcess *process;
    const SandboxExecOptions *options;
    const LinuxSeccomp *seccomp;    /* the container's profile; NULL: none */
    const LinuxIntelRdt *intel_rdt; /* NULL: none */
    int namespaces;                 /* CLONE_NEW*: those that are not ours already */
    bool attaches;                  /* the scout is moved into the cgroup from outside */
    int procfs_fd; /* the host's, for what is still to be written when that is out of sight */
    LaunchPlan launch;
} ExecPlan;

static void exec_plan_done(ExecPlan *plan)
{
    launch_plan_done(&plan->launch);
    plan->procfs_fd = fd_close(plan->procfs_fd);
}

static const struct {
    const char *file;
    int flag;
} namespace_files[] = {
    { "ns/user", CLONE_NEWUSER },     { "ns/mnt", CLONE_NEWNS },    { "ns/pid", CLONE_NEWPID },
    { "ns/net", CLONE_NEWNET },       { "ns/ipc", CLONE_NEWIPC },   { "ns/uts", CLONE_NEWUTS },
    { "ns/cgroup", CLONE_NEWCGROUP }, { "ns/time", CLONE_NEWTIME },
};

/* setns(2) refuses a user namespace that one is in, so what is the same is left out. */
static int find_namespaces(int own_fd, int other_fd, int *ret)
{
    int found = 0;

    for (size_t i = 0; i < ARRAY_SIZE(namespace_files); i++) {
        struct stat own, other;

        if (fstatat(own_fd, namespace_files[i].file, &own, 0) < 0) {
            if (errno == ENOENT)
                continue; /* the kernel has none of this type */
            return -errno;
        }
        if (fstatat(other_fd, namespace_files[i].file, &other, 0) < 0)
            return -errno;
        if (own.st_dev != other.st_dev || own.st_ino != other.st_ino)
            found |= namespace_files[i].flag;
    }
    *ret = found;
    return 0;
}

static int plan_namespaces(ExecPlan *plan, Error *err)
{
    const SandboxExecOptions *options = plan->options;
    _cleanup_close_ int own_fd = process_files_open(getpid());
    _cleanup_close_ int other_fd = process_files_open(options->container_pid);
    int r = own_fd < 0 ? own_fd : other_fd < 0 ? other_fd : 0;

    if (r == 0)
        r = find_namespaces(own_fd, other_fd, &plan->namespaces);
    /* As long as it lives, its pid is nobody else's: only then what we have read is its own. */
    if (pidfd_send_signal(options->container_pidfd, 0, NULL, 0) < 0 && errno == ESRCH)
        return error_set(err, ERROR_CONFLICT, "the container has ended");
    return r < 0 ? error_result(err, r, "find the container's namespaces") : 0;
}

static int exec_plan_make(ExecPlan *plan, const RuntimeConfig *config, Error *err)
{
    const RuntimeProcess *process = plan->process;
    const SandboxExecOptions *options = plan->options;
    const LaunchOptions launch = {
        .id = options->id,
        .state = options->state,
        .cache_fd = options->cache_fd,
        .preserve_fds = options->preserve_fds,
        .no_new_keyring = options->no_new_keyring,
        .dies_with_parent = !options->detaches,
    };
    int r;

    if (process->args.count == 0)
        return error_set(err, ERROR_INVALID, "process.args: there is no program to execute");
    r = plan_namespaces(plan, err);
    if (r < 0)
        return r;
    r = launch_plan_make(&plan->launch, process, &config->linux_config, &launch, err);
    plan->launch.credentials.may_keep_groups = plan->namespaces & CLONE_NEWUSER;
    if (r < 0 || !process_attributes_need_procfs(&plan->launch.attributes))
        return r;
    plan->procfs_fd = procfs_open_host();
    return plan->procfs_fd < 0 ? error_result(err, plan->procfs_fd, "open '/proc'") : 0;
}

/* The container's own devpts, wherever its names lead by now. */
static int open_devpts(int root_fd)
{
    _cleanup_close_ int fd = mount_point_resolve(root_fd, "/dev/pts", O_PATH | O_DIRECTORY);

    if (fd < 0)
        return fd;
    return fd_is_on_fs(fd, DEVPTS_SUPER_MAGIC) ? TAKE_FD(fd) : -ENODEV;
}

static int step_terminal(Launch *launch)
{
    _cleanup_close_ int devpts_fd = -EBADF;

    if (!launch->plan->process->terminal)
        return 0;
    devpts_fd = open_devpts(launch->root_fd);
    if (devpts_fd < 0)
        return report_result(&launch->report, devpts_fd, "open '/dev/pts' in the container");
    return terminal_open(launch->plan->process, devpts_fd, &launch->terminal, &launch->report);
}

/* Tell the caller that it can do its part, and wait for that. */
static int step_ready(Launch *launch)
{
    const Report ready = { .kind = ERROR_NONE };
    int r = report_send(&ready, launch->control_fd, &launch->terminal.master_fd,
                        launch->terminal.master_fd >= 0 ? 1 : 0);

    if (r < 0)
        _exit(EXIT_FAILURE); /* nobody there to tell */
    launch->terminal.master_fd = fd_close(launch->terminal.master_fd);
    init_wait_for(launch->control_fd, INIT_START);
    return 0;
}

static int become_program(Launch *launch, const ExecPlan *plan)
{
    int r;

    init_wait_for(launch->control_fd, INIT_GO_ON); /* until the scout has told of us */
    if (setsid() < 0)
        return report_errno(&launch->report, "start a session");
    launch->root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (launch->root_fd < 0)
        return report_errno(&launch->report, "open the container's root");
    r = process_attributes_open(&launch->plan->attributes, plan->procfs_fd, &launch->report);
    if (r == 0)
        r = step_terminal(launch);
    if (r == 0)
        r = launch_open_stdio(launch, plan->options->stdio);
    if (r == 0)
        r = launch_open_directory(launch, false);
    if (r == 0)
        r = launch_enter_directory(launch);
    if (r == 0)
        r = launch_complete_environment(launch);
    if (r == 0)
        r = step_ready(launch);
    if (r == 0)
        r = launch_arrange_descriptors(launch);
    if (r == 0)
        r = launch_take_credentials(launch);
    if (r == 0)
        r = launch_check_directory(launch);
    return r == 0 ? launch_execute(launch) : r;
}

static int join(Launch *launch, const ExecPlan *plan)
{
    const SandboxExecOptions *options = plan->options;
    int r = launch_protect(launch);

    if (r == 0 && options->cgroup && !plan->attaches) {
        r = cgroup_enter(options->cgroup);
        if (r < 0)
            return report_result(&launch->report, r, "enter the cgroup");
    }
    if (r < 0)
        return r;
    if (plan->attaches)
        init_wait_for(launch->control_fd, INIT_GO_ON);

    if (plan->namespaces && setns(options->container_pidfd, plan->namespaces) < 0)
        return report_errno(&launch->report, "join the container's namespaces");
    return plan->namespaces & CLONE_NEWUSER
               ? namespace_become_root(&plan->process->user, &launch->report)
               : 0;
}

/* The scout: join, clone the one that stays, hand its pidfd over, and be gone. */
static _Noreturn void scout_run(ExecPlan *plan, int control_fd)
{
    Launch launch = { LAUNCH_INIT };
    int pidfd = -EBADF;
    struct clone_args arguments = { .flags = CLONE_PARENT | CLONE_PIDFD,
                                    .pidfd = (uint64_t)(uintptr_t)&pidfd };
    const Report found = { .kind = ERROR_NONE };
    pid_t pid = -1;

    launch.plan = &plan->launch;
    launch.control_fd = control_fd;
    if (join(&launch, plan) == 0) {
        pid = sys_clone3(&arguments);
        if (pid == 0)
            (void)become_program(&launch, plan);
        else if (pid < 0)
            (void)report_errno(&launch.report, "clone a process into the container");
    }
    if (pid > 0)
        (void)report_send(&found, control_fd, &pidfd, 1);
    else
        (void)report_send(&launch.report, control_fd, NULL, 0); /* or it sees our end */
    _exit(EXIT_FAILURE);
}

static pid_t clone_scout(ExecPlan *plan, const int sockets[2], int cgroup_fd, int *ret_pidfd)
{
    const NamespacePlan none = {};
    sigset_t all, previous;
    pid_t pid;

    sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, &previous);
    pid = namespace_plan_clone(&none, 0, cgroup_fd, ret_pidfd);
    if (pid == 0) {
        (void)fd_close(sockets[0]); /* or its end would never be seen */
        scout_run(plan, sockets[1]);
    }
    (void)sigprocmask(SIG_SETMASK, &previous, NULL);
    return pid;
}

static int send_byte(int control_fd, char byte, Error *err)
{
    int r = socket_send(control_fd, &byte, sizeof(byte), NULL, 0);

    /* Where it died, its report tells more. */
    return r < 0 && r != -EPIPE && r != -ECONNRESET ? error_result(err, r, "talk to the process")
                                                    : 0;
}

/* Returns 1 with a message of success, 0 at the end of all messages. */
static int receive_success(int control_fd, int *ret_fd, Error *err)
{
    Report report;
    int r = report_receive(&report, control_fd, ret_fd);

    if (r < 0)
        return error_result(err, r, "hear from the process");
    if (r > 0 && report.kind != ERROR_NONE)
        return report_to_error(&report, err);
    return r;
}

/* One that must be there: the process is killed by the kernel at most, by a limit of the cgroup. */
static int receive_progress(int control_fd, int *ret_fd, Error *err)
{
    int r = receive_success(control_fd, ret_fd, err);

    if (r == 0)
        return error_set(err, ERROR_SYSTEM, "the process was killed before it was ready");
    return r < 0 ? r : 0;
}

/* The pid of @pidfd in our pid namespace (proc_pid_fdinfo(5)). */
static int read_pid(int pidfd, pid_t *ret, Error *err)
{
    _cleanup_close_ int own_fd = process_files_open(getpid());
    _cleanup_free_ char *text = NULL;
    char name[32];
    const char *line;
    int r;

    (void)snprintf(name, sizeof(name), "fdinfo/%d", pidfd); /* fits any int */
    r = own_fd < 0 ? own_fd : file_read_at(own_fd, name, 4096, &text, NULL);
    line = r < 0 ? NULL : strstr(text, "\nPid:");
    if (r == 0 && !line)
        r = -ENODATA;
    if (r < 0)
        return error_result(err, r, "find the pid of the process");
    *ret = (pid_t)strtol(line + strlen("\nPid:"), NULL, 10);
    return *ret > 0 ? 0 : error_set(err, ERROR_SYSTEM, "the process ended before it was ready");
}

static int attach_scout(const ExecPlan *plan, pid_t scout, int control_fd, Error *err)
{
    int r = cpu_affinity_apply(scout, plan->process->exec_cpu_affinity.initial, "initial", err);

    if (r >= 0 && plan->options->cgroup)
        r = cgroup_attach(plan->options->cgroup, scout, err);
    return r < 0 ? r : send_byte(control_fd, INIT_GO_ON, err);
}

static int start_scout(ExecPlan *plan, int *ret_control_fd, Process *scout, Error *err)
{
    Cgroup *cgroup = plan->options->cgroup;
    int cgroup_fd = cgroup ? cgroup_unified_fd(cgroup) : -EBADF, sockets[2];
    _cleanup_close_ int control_fd = -EBADF, child_fd = -EBADF;
    int r = socket_pair(sockets);

    if (r < 0)
        return error_result(err, r, "make a socket pair");
    control_fd = sockets[0];
    child_fd = sockets[1];

    /* The initial affinity is for a process outside, which the cgroup's CPUs may exclude. */
    if (plan->process->exec_cpu_affinity.initial) {
        plan->attaches = true;
        cgroup_fd = -EBADF;
    }
    scout->pid = clone_scout(plan, sockets, cgroup_fd, &scout->pidfd);
    if (scout->pid < 0 && cgroup_fd >= 0) {
        /* Not every cgroup takes a clone (one with threads in it does not): move it in instead. */
        plan->attaches = true;
        scout->pid = clone_scout(plan, sockets, -EBADF, &scout->pidfd);
    }
    if (scout->pid < 0)
        return error_result(err, scout->pid, "clone a process");
    if (plan->attaches) {
        r = attach_scout(plan, scout->pid, control_fd, err);
        if (r < 0)
            return r;
    }

    *ret_control_fd = TAKE_FD(control_fd);
    return 0;
}

static int attach_rdt_group(const ExecPlan *plan, pid_t pid, Error *err)
{
    _cleanup_close_ int fd = intel_rdt_open(err);

    return fd < 0 ? fd : intel_rdt_attach(fd, plan->intel_rdt, plan->options->id, pid, err);
}

/* From the scout's message to execve(2). */
static int accompany(const ExecPlan *plan, int control_fd, SandboxProcess *process, Error *err)
{
    SeccompListener listener = { .profile = plan->seccomp,
                                 .state = plan->options->state,
                                 .container_pid = plan->options->container_pid };
    int r = receive_progress(control_fd, &process->pidfd, err);

    if (r >= 0)
        r = read_pid(process->pidfd, &process->pid, err);
    if (r >= 0)
        r = send_byte(control_fd, INIT_GO_ON, err);
    if (r >= 0)
        r = receive_progress(control_fd, &process->terminal_fd, err);
    if (r >= 0)
        r = process_attributes_set(process->pid, plan->process, err);
    if (r >= 0)
        r = cpu_affinity_apply(process->pid, plan->process->exec_cpu_affinity.final, "final", err);
    if (r >= 0 && plan->intel_rdt)
        r = attach_rdt_group(plan, process->pid, err);
    if (r < 0)
        return r;
    listener.pid = process->pid;
    listener.pidfd = process->pidfd;
    return init_release(control_fd, &listener, err);
}

int sandbox_exec(const RuntimeConfig *config, const RuntimeProcess *process,
                 const SandboxExecOptions *options, SandboxProcess **ret, Error *err)
{
    _cleanup_(exec_plan_done) ExecPlan plan = { .process = process,
                                                .options = options,
                                                .seccomp = config->linux_config.seccomp,
                                                .intel_rdt = config->linux_config.intel_rdt,
                                                .procfs_fd = -EBADF,
                                                .launch = LAUNCH_PLAN_INIT };
    _cleanup_(sandbox_process_abandonp) SandboxProcess *result = NEW(SandboxProcess);
    _cleanup_process_ Process scout = PROCESS_INIT;
    _cleanup_close_ int control_fd = -EBADF;
    int r;

    result->pidfd = result->terminal_fd = -EBADF;
    r = exec_plan_make(&plan, config, err);
    if (r >= 0)
        r = start_scout(&plan, &control_fd, &scout, err);
    if (r >= 0)
        r = accompany(&plan, control_fd, result, err);
    if (r < 0)
        return r;

    *ret = TAKE_PTR(result);
    return 0;
}

pid_t sandbox_process_pid(const SandboxProcess *process)
{
    return process->pid;
}

int sandbox_process_pidfd(const SandboxProcess *process)
{
    return process->pidfd;
}

int sandbox_process_take_terminal(SandboxProcess *process)
{
    return TAKE_FD(process->terminal_fd);
}

void sandbox_process_free(SandboxProcess *process)
{
    fd_close(process->pidfd);
    fd_close(process->terminal_fd);
    free(process);
}
