/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The parent's side: lay out a plan, clone, do what can only be done from outside, wait until the
 * child is ready, and later let it go. What exists at a failure is undone by sandbox_free().
 */

#include "sandbox/sandbox.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/socket.h"
#include "sandbox/init-private.h"
#include "sandbox/init-release-private.h"
#include "sandbox/intel-rdt.h"

struct Sandbox {
    Cgroup *cgroup; /* NULL: the configuration names none */
    bool attaches;  /* the child is moved into it from outside, for it could not go by itself */
    pid_t pid;      /* 0: not cloned yet */
    int pidfd;
    int control_fd;
    int terminal_fd;
    const LinuxSeccomp *seccomp; /* the configuration's, until the start */
    char *state;                 /* for a seccomp agent, owned */
    char *id;                    /* owned */
    int rdt_fd;                  /* the file system with its group; -EBADF: it has none */
    LinuxIntelRdt rdt;           /* what its removal takes: closID, owned, and enableMonitoring */
};

static Sandbox *sandbox_new(void)
{
    Sandbox *sandbox = NEW(Sandbox);

    sandbox->pidfd = sandbox->control_fd = sandbox->terminal_fd = sandbox->rdt_fd = -EBADF;
    return sandbox;
}

static void reap(Sandbox *sandbox)
{
    siginfo_t info;

    while (waitid(P_PIDFD, (id_t)sandbox->pidfd, &info, WEXITED) < 0 && errno == EINTR)
        ; /* ECHILD: somebody has reaped it already */
}

void sandbox_detach(Sandbox *sandbox)
{
    cgroup_free(sandbox->cgroup);
    fd_close(sandbox->pidfd);
    fd_close(sandbox->control_fd);
    fd_close(sandbox->terminal_fd);
    fd_close(sandbox->rdt_fd);
    free(sandbox->rdt.clos_id);
    free(sandbox->state);
    free(sandbox->id);
    free(sandbox);
}

void sandbox_free(Sandbox *sandbox)
{
    int saved_errno = errno;

    if (!sandbox)
        return;

    if (sandbox->pid > 0) {
        (void)pidfd_send_signal(sandbox->pidfd, SIGKILL, NULL, 0); /* it may have ended */
        reap(sandbox);
    }
    if (sandbox->cgroup) {
        /* A failure leaves a cgroup that the next start under this name reports. */
        (void)cgroup_kill(sandbox->cgroup, NULL);
        (void)cgroup_remove(sandbox->cgroup, NULL);
    }
    if (sandbox->rdt_fd >= 0)
        (void)intel_rdt_remove(sandbox->rdt_fd, &sandbox->rdt, sandbox->id, NULL);
    sandbox_detach(sandbox);
    errno = saved_errno;
}

/* The child says nothing and is gone: killed, most likely by a limit of its cgroup. */
static int report_silent_end(Sandbox *sandbox, Error *err)
{
    siginfo_t info = {};

    while (waitid(P_PIDFD, (id_t)sandbox->pidfd, &info, WEXITED | WNOWAIT) < 0 && errno == EINTR)
        ;
    if (info.si_code == CLD_EXITED)
        return error_set(err, ERROR_SYSTEM,
                         "the container's first process ended with status %d before it was ready",
                         info.si_status);
    return error_set(err, ERROR_SYSTEM,
                     "the container's first process was killed by signal %d before it was ready",
                     info.si_status);
}

/*
 * Clone, with @cgroup_fd into that cgroup. Signals stay blocked in the child until it executes: no
 * handler of ours may run there.
 */
static pid_t clone_init(Sandbox *sandbox, SandboxPlan *plan, int child_fd, int cgroup_fd)
{
    const InitOptions options = {
        .control_fd = child_fd,
        .start_fd = plan->start_fd,
        .waits = sandbox->attaches || namespace_plan_has_user(&plan->namespaces),
        .enters = sandbox->cgroup && !sandbox->attaches,
    };
    sigset_t all, previous;
    pid_t pid;

    sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, &previous);
    pid = namespace_plan_clone(&plan->namespaces, cgroup_fd, &sandbox->pidfd);
    if (pid == 0) {
        sandbox->control_fd = fd_close(sandbox->control_fd); /* or its end would never be seen */
        init_run(plan, &options);
    }
    (void)sigprocmask(SIG_SETMASK, &previous, NULL);
    return pid;
}

static int start_init(Sandbox *sandbox, SandboxPlan *plan, Error *err)
{
    _cleanup_close_ int child_fd = -EBADF;
    int cgroup_fd = sandbox->cgroup ? cgroup_unified_fd(sandbox->cgroup) : -EBADF, sockets[2];
    pid_t pid;
    int r;

    r = socket_pair(sockets);
    if (r < 0)
        return error_result(err, r, "make a socket pair");
    sandbox->control_fd = sockets[0];
    child_fd = sockets[1];

    pid = clone_init(sandbox, plan, child_fd, cgroup_fd);
    if (pid < 0 && cgroup_fd >= 0) {
        /* Not every cgroup takes a clone (one with threads in it does not): move it in instead. */
        sandbox->attaches = true;
        pid = clone_init(sandbox, plan, child_fd, -EBADF);
    }
    if (pid < 0)
        return error_result(err, pid, "clone a process into its namespaces");
    sandbox->pid = pid;
    return 0;
}

static int send_byte(int control_fd, char byte)
{
    int r = socket_send(control_fd, &byte, sizeof(byte), NULL, 0);

    return r == -EPIPE || r == -ECONNRESET ? 0 : r; /* it died: its report tells more */
}

/* What only the outside can do, while the child waits. */
static int prepare_from_outside(Sandbox *sandbox, const SandboxPlan *plan, Error *err)
{
    bool has_user = namespace_plan_has_user(&plan->namespaces);
    int r = 0;

    if (has_user)
        r = namespace_write_id_maps(sandbox->pid, &plan->config->linux_config, err);
    if (r >= 0 && sandbox->attaches)
        r = cgroup_attach(sandbox->cgroup, sandbox->pid, err);
    if (r < 0 || (!has_user && !sandbox->attaches))
        return r;

    r = send_byte(sandbox->control_fd, INIT_GO_ON);
    return r < 0 ? error_result(err, r, "talk to the container's first process") : 0;
}

static int wait_until_ready(Sandbox *sandbox, Error *err)
{
    Report report;
    int r = report_receive(&report, sandbox->control_fd, &sandbox->terminal_fd);

    if (r < 0)
        return error_result(err, r, "hear from the container's first process");
    if (r == 0)
        return report_silent_end(sandbox, err);
    return report.kind == ERROR_NONE ? 0 : report_to_error(&report, err);
}

static int create_rdt_group(Sandbox *sandbox, const LinuxIntelRdt *settings, Error *err)
{
    _cleanup_close_ int fd = intel_rdt_open(err);
    int r = fd < 0 ? fd : intel_rdt_create(fd, settings, sandbox->id, err);

    if (r < 0)
        return r;
    sandbox->rdt.clos_id = memory_strdup(settings->clos_id);
    sandbox->rdt.enable_monitoring = settings->enable_monitoring;
    sandbox->rdt_fd = TAKE_FD(fd);
    return 0;
}

int sandbox_create(const RuntimeConfig *config, const SandboxOptions *options, Sandbox **ret,
                   Error *err)
{
    _cleanup_(sandbox_plan_done) SandboxPlan plan = SANDBOX_PLAN_INIT;
    _cleanup_(sandbox_freep) Sandbox *sandbox = sandbox_new();
    const LinuxConfig *settings = &config->linux_config;
    int r;

    if (settings->cgroups_path) {
        const CgroupOptions cgroup = { settings->cgroups_path, options->systemd_cgroup };

        r = cgroup_create(&cgroup, &settings->resources, &sandbox->cgroup, err);
        if (r < 0)
            return r;
    }
    sandbox->seccomp = settings->seccomp;
    sandbox->state = memory_strdup(options->state);
    sandbox->id = memory_strdup(options->id);
    r = settings->intel_rdt ? create_rdt_group(sandbox, settings->intel_rdt, err) : 0;
    if (r >= 0)
        r = sandbox_plan_make(&plan, config, options, sandbox->cgroup, err);
    if (r >= 0)
        r = start_init(sandbox, &plan, err);
    if (r >= 0)
        r = prepare_from_outside(sandbox, &plan, err);
    if (r >= 0)
        r = wait_until_ready(sandbox, err);
    if (r >= 0 && sandbox->cgroup)
        cgroup_settle(sandbox->cgroup); /* the child is in it */
    if (r >= 0)
        r = process_attributes_set(sandbox->pid, config->process, err);
    if (r >= 0 && settings->intel_rdt)
        r = intel_rdt_attach(sandbox->rdt_fd, settings->intel_rdt, sandbox->id, sandbox->pid, err);
    if (r < 0)
        return r;

    *ret = TAKE_PTR(sandbox);
    return 0;
}

pid_t sandbox_pid(const Sandbox *sandbox)
{
    return sandbox->pid;
}

int sandbox_pidfd(const Sandbox *sandbox)
{
    return sandbox->pidfd;
}

int sandbox_take_terminal(Sandbox *sandbox)
{
    return TAKE_FD(sandbox->terminal_fd);
}

Cgroup *sandbox_cgroup(const Sandbox *sandbox)
{
    return sandbox->cgroup;
}

/* Closes @control_fd, on which the first process waits. */
static int start_through(int control_fd, const SeccompListener *listener, Error *err)
{
    _cleanup_close_ int fd = control_fd;

    return init_release(fd, listener, err);
}

int sandbox_start(Sandbox *sandbox, Error *err)
{
    const SeccompListener listener = {
        .profile = sandbox->seccomp,
        .state = sandbox->state,
        .container_pid = sandbox->pid,
        .pid = sandbox->pid,
        .pidfd = sandbox->pidfd,
    };

    return start_through(TAKE_FD(sandbox->control_fd), &listener, err);
}

int sandbox_start_notified_at(int dir_fd, const char *name, const SandboxNotified *notified,
                              Error *err)
{
    const SeccompListener listener = {
        .profile = notified->seccomp,
        .state = notified->state,
        .container_pid = notified->pid,
        .pid = notified->pid,
        .pidfd = notified->pidfd,
    };
    int fd = socket_connect_at(dir_fd, name);

    if (fd == -ENOENT || fd == -ECONNREFUSED)
        return error_set(err, ERROR_CONFLICT, "the container does not wait for its start");
    if (fd < 0)
        return error_result(err, fd, "reach the container's first process");
    return start_through(fd, &listener, err);
}

int sandbox_start_at(int dir_fd, const char *name, Error *err)
{
    const SandboxNotified nobody = { .pidfd = -EBADF };

    return sandbox_start_notified_at(dir_fd, name, &nobody, err);
}

bool sandbox_is_waiting_at(int dir_fd, const char *name)
{
    /* The first process takes note of a caller that leaves without a word, and goes on waiting. */
    _cleanup_close_ int fd = socket_connect_at(dir_fd, name);

    return fd >= 0;
}
