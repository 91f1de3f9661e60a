/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The parent's side: lay out a plan, clone, do what can only be done from outside, wait until the
 * child is ready, and later let it go. What exists at a failure is undone by sandbox_free().
 */

#include "sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/socket.h"
#include "sandbox/hooks-private.h"
#include "sandbox/init-private.h"
#include "sandbox/init-release-private.h"
#include "sandbox/intel-rdt.h"
#include "sandbox/namespace-stage-private.h"
#include "sandbox/net-devices-private.h"
#include "sandbox/process-files-private.h"
#include "sandbox/user-namespace-private.h"

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

/* What exists only while one is made. */
typedef struct Making {
    Sandbox *sandbox;
    SandboxPlan *plan;
    const SandboxOptions *options;
    bool waits;                 /* the child does nothing before INIT_GO_ON */
    int child_fd;               /* the child's end of control_fd; borrowed */
    NetDeviceMove *net_devices; /* moved back unless all goes well */
} Making;

static void making_done(Making *making)
{
    if (making->net_devices)
        net_devices_free(making->net_devices);
}

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

static int send_byte(int control_fd, char byte)
{
    int r = socket_send(control_fd, &byte, sizeof(byte), NULL, 0);

    return r == -EPIPE || r == -ECONNRESET ? 0 : r; /* it died: its report tells more */
}

/*
 * Clone, with @cgroup_fd into that cgroup. Signals stay blocked in the child until it executes: no
 * handler of ours may run there.
 */
static pid_t clone_init(Making *making, uint64_t flags, int cgroup_fd, int *ret_pidfd)
{
    Sandbox *sandbox = making->sandbox;
    NamespacePlan *namespaces = &making->plan->namespaces;
    const InitOptions options = {
        .control_fd = making->child_fd,
        .start_fd = making->plan->start_fd,
        .waits = making->waits || sandbox->attaches,
        .enters = sandbox->cgroup && !sandbox->attaches,
    };
    sigset_t all, previous;
    pid_t pid;

    sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, &previous);
    pid = namespace_plan_clone(namespaces, flags, cgroup_fd, ret_pidfd);
    if (pid == 0) {
        sandbox->control_fd = fd_close(sandbox->control_fd); /* or its end would never be seen */
        init_run(making->plan, &options);
    }
    (void)sigprocmask(SIG_SETMASK, &previous, NULL);
    return pid;
}

static int clone_directly(Making *making, Error *err)
{
    Sandbox *sandbox = making->sandbox;
    int cgroup_fd = sandbox->cgroup ? cgroup_unified_fd(sandbox->cgroup) : -EBADF;
    pid_t pid = clone_init(making, 0, cgroup_fd, &sandbox->pidfd);

    if (pid < 0 && cgroup_fd >= 0) {
        /* Not every cgroup takes a clone (one with threads in it does not): move it in instead. */
        sandbox->attaches = true;
        pid = clone_init(making, 0, -EBADF, &sandbox->pidfd);
    }
    if (pid < 0)
        return error_result(err, pid, "clone a process into its namespaces");
    sandbox->pid = pid;
    return 0;
}

/* While its files in /proc are still the user's own, which those of the first process are not. */
static int write_stage_maps(void *data, pid_t pid, Error *err)
{
    const Making *making = data;
    const RuntimeProcess *process = making->plan->config->process;
    int r = user_namespace_write_maps(pid, &making->plan->config->linux_config, err);

    if (r >= 0 && making->plan->namespaces.is_ordinary && process->oom_score_adj.is_set)
        r = process_set_oom_score(pid, process->oom_score_adj.value, err);
    return r;
}

/* Where the caller may not clone mounts, a mount namespace of the new user namespace is the one in
 * which that is allowed; the names in it are the same. */
static int open_as_ordinary(Making *making, Error *err)
{
    SandboxPlan *plan = making->plan;
    SandboxOptions options = *making->options;
    _cleanup_free_ char *bundle = path_of_directory(options.bundle_fd);
    _cleanup_close_ int bundle_fd = -EBADF;

    if (plan->namespaces.create & CLONE_NEWNS) {
        if (unshare(CLONE_NEWNS) < 0)
            return error_errno(err, "make a mount namespace");
        plan->namespaces.create &= ~(uint64_t)CLONE_NEWNS;
    }
    bundle_fd = bundle ? open(bundle, O_PATH | O_DIRECTORY | O_CLOEXEC) : -EBADF;
    if (bundle_fd < 0)
        return error_errno(err, "open the bundle again");
    options.bundle_fd = bundle_fd;
    return sandbox_plan_open(plan, &options, err);
}

static pid_t clone_in_stage(void *data, int *ret_pidfd, Error *err)
{
    Making *making = data;
    int r = making->plan->namespaces.is_ordinary ? open_as_ordinary(making, err) : 0;
    pid_t pid;

    if (r < 0)
        return r;
    pid = clone_init(making, CLONE_PARENT, -EBADF, ret_pidfd);
    return pid < 0 ? error_result(err, pid, "clone a process into its namespaces") : pid;
}

static int clone_staged(Making *making, Error *err)
{
    Sandbox *sandbox = making->sandbox;
    const NamespaceStage stage = {
        .plan = &making->plan->namespaces,
        .parent_fd = sandbox->control_fd,
        .stage_fd = making->child_fd,
        .data = making,
        .write_maps = write_stage_maps,
        .clone = clone_in_stage,
    };

    sandbox->attaches = sandbox->cgroup;
    return namespace_stage_run(&stage, &sandbox->pid, &sandbox->pidfd, err);
}

static int start_init(Making *making, Error *err)
{
    const NamespacePlan *namespaces = &making->plan->namespaces;
    bool is_staged = namespace_plan_is_staged(namespaces);
    _cleanup_close_ int child_fd = -EBADF;
    int sockets[2], r;

    r = socket_pair(sockets);
    if (r < 0)
        return error_result(err, r, "make a socket pair");
    making->sandbox->control_fd = sockets[0];
    making->child_fd = child_fd = sockets[1];
    making->waits = is_staged || namespace_plan_makes_user(namespaces);
    return is_staged ? clone_staged(making, err) : clone_directly(making, err);
}

static int fill_state(Making *making, int state_fd, HookKind kind, Error *err)
{
    const RuntimeState state = {
        .id = making->options->id,
        .pid = making->sandbox->pid,
        .bundle = making->options->bundle,
        .annotations = &making->plan->config->annotations,
    };
    int r = state_fd < 0 ? 0 : hook_state_fill(state_fd, kind, &state);

    return r < 0 ? error_result(err, r, "write the container's state for its hooks") : 0;
}

static int let_go_on(const Sandbox *sandbox, Error *err)
{
    int r = send_byte(sandbox->control_fd, INIT_GO_ON);

    return r < 0 ? error_result(err, r, "talk to the container's first process") : 0;
}

/* What only the outside can do, while the child waits. */
static int prepare_from_outside(Making *making, Error *err)
{
    Sandbox *sandbox = making->sandbox;
    const SandboxPlan *plan = making->plan;
    int r = fill_state(making, plan->creating_fd, HOOK_CREATE_CONTAINER, err);

    if (r >= 0)
        r = fill_state(making, plan->created_fd, HOOK_START_CONTAINER, err);
    if (r >= 0 && namespace_plan_makes_user(&plan->namespaces) &&
        !namespace_plan_is_staged(&plan->namespaces))
        r = user_namespace_write_maps(sandbox->pid, &plan->config->linux_config, err);
    if (r >= 0 && sandbox->attaches)
        r = cgroup_attach(sandbox->cgroup, sandbox->pid, err);
    if (r < 0 || (!making->waits && !sandbox->attaches))
        return r;
    return let_go_on(sandbox, err);
}

/* The child is in it, and has not executed its program. */
static int settle_cgroup(const Making *making, Error *err)
{
    Cgroup *cgroup = making->sandbox->cgroup;
    uid_t uid;
    gid_t gid;

    cgroup_settle(cgroup);
    if (geteuid() != 0 || !cgroup_wants_delegation(making->plan->config, &uid, &gid))
        return 0;
    return cgroup_delegate(cgroup, uid, gid, err);
}

/* The next word of the child's, with descriptors that may come along. */
static int wait_for_report(Sandbox *sandbox, int *ret_fds, size_t max_fds, Error *err)
{
    Report report;
    int r = report_receive_fds(&report, sandbox->control_fd, ret_fds, max_fds);

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

static int move_net_devices(Making *making, int netlink_fd, Error *err)
{
    const LinuxConfig *config = &making->plan->config->linux_config;
    _cleanup_close_ int process_fd = -EBADF, namespace_fd = -EBADF;

    if (config->net_devices.count == 0)
        return 0;
    process_fd = process_files_open(making->sandbox->pid);
    if (process_fd >= 0)
        namespace_fd = openat(process_fd, "ns/net", O_RDONLY | O_CLOEXEC);
    if (namespace_fd < 0)
        return error_result(err, process_fd < 0 ? process_fd : -errno,
                            "linux.netDevices: open the container's network namespace");
    return net_devices_move(config, netlink_fd, namespace_fd, &making->net_devices, err);
}

/* The child has made its mounts and waits with the host's root still in place. */
static int act_before_root(Making *making, Error *err)
{
    const SandboxPlan *plan = making->plan;
    const RuntimeHooks *hooks = &plan->config->hooks;
    _cleanup_close_ int netlink_fd = -EBADF;
    Report report;
    int r = wait_for_report(making->sandbox, &netlink_fd, 1, err);

    if (r >= 0)
        r = move_net_devices(making, netlink_fd, err);
    if (r < 0)
        return r;
    r = hooks_execute(&hooks->prestart, HOOK_PRESTART, plan->creating_fd, &report);
    if (r >= 0)
        r = hooks_execute(&hooks->create_runtime, HOOK_CREATE_RUNTIME, plan->creating_fd, &report);
    return r < 0 ? report_to_error(&report, err) : let_go_on(making->sandbox, err);
}

/* Put the mounts in @fds where those were that the caller has passed. Those of a child that has
 * failed are missing, or all there. */
static void restore_passed(const MountTable *mounts, int *fds)
{
    if (mount_table_count_passed(mounts) == 0)
        return;
    for (size_t i = 0; i < mounts->count; i++) {
        if (mounts->items[i].passed_fd < 0)
            continue;
        if (*fds >= 0)
            (void)dup3(*fds, mounts->items[i].passed_fd, O_CLOEXEC); /* both are open */
        *fds = fd_close(*fds);
        fds++;
    }
}

/* The child waits for its start, or has failed. It sends the root first, the terminal last. */
static int wait_until_ready(Making *making, Error *err)
{
    Sandbox *sandbox = making->sandbox;
    const MountTable *mounts = &making->plan->mounts;
    size_t n_roots = making->plan->keeps_root;
    int fds[REPORT_FDS_MAX];
    int r;

    for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
        fds[i] = -EBADF;
    r = wait_for_report(sandbox, fds, ARRAY_SIZE(fds), err);
    if (n_roots > 0)
        *making->options->ret_root_fd = fds[0];
    restore_passed(mounts, fds + n_roots);
    sandbox->terminal_fd = fds[n_roots + mount_table_count_passed(mounts)];
    return r;
}

static int make_sandbox(Making *making, Error *err)
{
    SandboxPlan *plan = making->plan;
    Sandbox *sandbox = making->sandbox;
    const RuntimeConfig *config = plan->config;
    const LinuxIntelRdt *rdt = config->linux_config.intel_rdt;
    int r = 0;

    if (!plan->namespaces.is_ordinary)
        r = sandbox_plan_open(plan, making->options, err);
    if (r >= 0)
        r = start_init(making, err);
    if (r >= 0)
        r = prepare_from_outside(making, err);
    if (r >= 0 && plan->asks_outside)
        r = act_before_root(making, err);
    if (r >= 0)
        r = wait_until_ready(making, err);
    if (r >= 0 && sandbox->cgroup)
        r = settle_cgroup(making, err);
    if (r >= 0)
        r = process_attributes_set(sandbox->pid, config->process, err);
    if (r >= 0 && rdt)
        r = intel_rdt_attach(sandbox->rdt_fd, rdt, sandbox->id, sandbox->pid, err);
    return r;
}

int sandbox_create(const RuntimeConfig *config, const SandboxOptions *options, Sandbox **ret,
                   Error *err)
{
    _cleanup_(sandbox_plan_done) SandboxPlan plan = SANDBOX_PLAN_INIT;
    _cleanup_(sandbox_freep) Sandbox *sandbox = sandbox_new();
    _cleanup_(making_done) Making making = { sandbox, &plan, options, .child_fd = -EBADF };
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
        r = make_sandbox(&making, err);
    if (r < 0)
        return r;

    if (making.net_devices)
        net_devices_commit(making.net_devices);
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

/* Of several who would start it one is answered; the connections of the others end. */
static int claim_start(int control_fd, Error *err)
{
    const char byte = INIT_CLAIM;
    char answer = 0;
    ssize_t n = socket_send(control_fd, &byte, sizeof(byte), NULL, 0);

    if (n >= 0)
        n = socket_receive(control_fd, &answer, sizeof(answer), NULL, 0);
    if (n == 1 && answer == INIT_CLAIM)
        return 0;
    if (n >= 0 || n == -EPIPE || n == -ECONNRESET)
        return error_set(err, ERROR_CONFLICT, "the container does not wait for its start");
    return error_result(err, (int)n, "talk to the container's first process");
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
    _cleanup_close_ int fd = socket_connect_at(dir_fd, name);
    int r;

    if (fd == -ENOENT || fd == -ECONNREFUSED)
        return error_set(err, ERROR_CONFLICT, "the container does not wait for its start");
    if (fd < 0)
        return error_result(err, fd, "reach the container's first process");
    r = claim_start(fd, err);
    return r < 0 ? r : start_through(TAKE_FD(fd), &listener, err);
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
