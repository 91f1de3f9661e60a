/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A copy of the supervisor that turns itself into a container. It runs on the parent's memory,
 * copied: so no allocation, no locks, no stdio, nothing that libc could have half done. What it
 * needs lies in the plan; what goes wrong travels in a Report.
 */

#include "sandbox/init-private.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/netlink.h"
#include "base/path.h"
#include "base/socket.h"
#include "base/syscalls.h"
#include "sandbox/hooks-private.h"
#include "sandbox/launch-private.h"
#include "sandbox/masks-private.h"
#include "sandbox/process-files-private.h"
#include "sandbox/rootfs-private.h"

typedef struct Init {
    SandboxPlan *plan;
    const RuntimeConfig *config;
    InitOptions options;
    int top_fd;         /* see rootfs_find_top() */
    int null_fd;        /* the container's /dev/null, verified */
    int root_target_fd; /* where the root is attached; -EBADF: where no name leads */
    int spare_root_fd; /* the root again, before anything is mounted in it; -EBADF: not asked for */
    int procfs_fd;     /* of our own, seen by nobody else; -EBADF: not needed */
    Launch launch;
} Init;

static int step_protect(Init *init)
{
    return launch_protect(&init->launch);
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

void init_wait_for(int control_fd, char byte)
{
    if (!receive(control_fd, byte))
        _exit(EXIT_FAILURE);
}

static bool is_tied_to_parent(const Init *init)
{
    return init->options.start_fd < 0;
}

static bool answer(int fd, char byte)
{
    return socket_send(fd, &byte, sizeof(byte), NULL, 0) == 0;
}

/* Wait for whoever starts us. From then on reports go to them: the parent may be gone. */
static void wait_for_starter(Init *init)
{
    init->launch.control_fd = fd_close(init->launch.control_fd);
    for (;;) {
        struct pollfd starter = { .fd = init->options.start_fd, .events = POLLIN };
        int fd;

        (void)poll(&starter, 1, -1); /* the socket does not block */
        fd = accept4(init->options.start_fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0 && receive(fd, INIT_CLAIM) && answer(fd, INIT_CLAIM) &&
            receive(fd, INIT_START)) {
            init->launch.control_fd = fd;
            break;
        }
        if (fd < 0 && errno != EINTR && errno != EAGAIN && errno != ECONNABORTED)
            _exit(EXIT_FAILURE);
        (void)fd_close(fd); /* it only looked whether we wait, or was killed */
    }
    init->options.start_fd = fd_close(init->options.start_fd); /* nobody else can start us */
}

/* Before anything else could use up what the cgroup limits, and as whoever the caller is. */
static int step_cgroup(Init *init)
{
    int r = init->options.enters ? cgroup_enter(init->plan->cgroup) : 0;

    return r < 0 ? report_result(&init->launch.report, r, "enter the cgroup") : 0;
}

/* In our own mount namespace by now, and still whoever the caller is: where the root of a user
 * namespace may not go, its runtime may. */
static int open_root_target(Init *init)
{
    const SandboxPlan *plan = init->plan;
    int fd = rootfs_open_target(plan->root_fd, plan->root_path, !plan->root_is_given,
                                &init->launch.report);

    init->root_target_fd = fd;
    return fd < 0 ? fd : 0;
}

static int step_join(Init *init)
{
    int r;

    if (init->options.waits)
        init_wait_for(init->launch.control_fd, INIT_GO_ON);
    r = namespace_plan_join(&init->plan->namespaces, true, &init->launch.report);
    if (r == 0 && init->plan->root_path)
        r = open_root_target(init);
    if (r == 0 && init->plan->has_user)
        r = namespace_become_root(&init->config->process->user, &init->launch.report);
    if (r < 0)
        return r;
    if (init->plan->namespaces.new_cgroup && unshare(CLONE_NEWCGROUP) < 0)
        return report_errno(&init->launch.report, "make a cgroup namespace");
    if (setsid() < 0)
        return report_errno(&init->launch.report, "start a session");
    return 0;
}

static int step_names(Init *init)
{
    const char *host = init->config->hostname, *domain = init->config->domainname;

    if (host && sethostname(host, strlen(host)) < 0)
        return report_errno(&init->launch.report, "set the host name '", host, "'");
    if (domain && setdomainname(domain, strlen(domain)) < 0)
        return report_errno(&init->launch.report, "set the domain name '", domain, "'");
    return init->plan->namespaces.create & CLONE_NEWNET
               ? namespace_raise_loopback(&init->launch.report)
               : 0;
}

static int attach_root(Init *init)
{
    SandboxPlan *plan = init->plan;
    int r = plan->no_pivot ? 0 : rootfs_find_top(&init->top_fd, &init->launch.report);

    if (r == 0)
        r = rootfs_attach(plan->root_fd, init->root_target_fd, init->top_fd, init->config,
                          &init->launch.report);
    if (r < 0 || !plan->keeps_root)
        return r;
    init->spare_root_fd =
        open_tree(plan->root_fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
    return init->spare_root_fd < 0
               ? report_errno(&init->launch.report, "clone the mount of the root file system")
               : 0;
}

static int step_mounts(Init *init)
{
    SandboxPlan *plan = init->plan;
    int r = attach_root(init);

    if (r == 0)
        r = mount_table_make(&plan->mounts, plan->root_fd, &init->launch.report);
    if (r < 0 ||
        (plan->sysctls.count == 0 && !process_attributes_need_procfs(&plan->launch.attributes)))
        return r;

    /* A user namespace may mount procfs only while the host's is still in sight. */
    init->procfs_fd = procfs_open(&init->launch.report);
    return init->procfs_fd < 0 ? init->procfs_fd
                               : process_attributes_open(&plan->launch.attributes, init->procfs_fd,
                                                         &init->launch.report);
}

static int step_devices(Init *init)
{
    SandboxPlan *plan = init->plan;
    int r;

    r = device_table_make(&plan->devices, plan->root_fd, &init->launch.report);
    if (r == 0 && plan->has_own_dev)
        r = device_links_make(plan->root_fd, &init->launch.report);
    if (r < 0)
        return r;

    init->null_fd = device_open_null(plan->root_fd, &init->launch.report);
    return init->null_fd < 0 ? init->null_fd : 0;
}

static int step_terminal(Init *init)
{
    int r;

    if (!init->config->process->terminal)
        return 0;
    r = terminal_open(init->config->process, mount_table_find_fd(&init->plan->mounts, "devpts"),
                      &init->launch.terminal, &init->launch.report);
    return r < 0 ? r
                 : terminal_bind_console(&init->launch.terminal, init->plan->root_fd,
                                         &init->launch.report);
}

static int step_stdio(Init *init)
{
    return launch_open_stdio(&init->launch, init->plan->stdio);
}

/*
 * All mounts are there and the host's names still mean what they meant: hooks of the runtime's run
 * now, in the parent, and then those that run in here, with the root as working directory.
 */
static int step_create_hooks(Init *init)
{
    const RuntimeHookList *hooks = hooks_of_kind(&init->config->hooks, HOOK_CREATE_CONTAINER);
    const Report at_hooks = { .kind = ERROR_NONE };
    _cleanup_close_ int netlink_fd = -EBADF;
    int r;

    if (!init->plan->asks_outside)
        return 0;
    if (init->config->linux_config.net_devices.count > 0) {
        netlink_fd = netlink_open();
        if (netlink_fd < 0)
            return report_result(&init->launch.report, netlink_fd, "open a netlink socket");
    }
    r = report_send(&at_hooks, init->launch.control_fd, &netlink_fd, netlink_fd >= 0 ? 1 : 0);
    if (r < 0)
        _exit(EXIT_FAILURE); /* nobody there to tell */
    init_wait_for(init->launch.control_fd, INIT_GO_ON);

    if (hooks->count > 0 && fchdir(init->plan->root_fd) < 0)
        return report_errno(&init->launch.report, "enter the root file system");
    return hooks_execute(hooks, HOOK_CREATE_CONTAINER, init->plan->creating_fd,
                         &init->launch.report);
}

static int step_directory(Init *init)
{
    return launch_open_directory(&init->launch, true);
}

static int step_masks(Init *init)
{
    const LinuxConfig *settings = &init->config->linux_config;
    int root_fd = init->plan->root_fd;
    int r = readonly_paths_apply(&settings->readonly_paths, root_fd, &init->launch.report);

    if (r == 0)
        r = masked_paths_apply(&settings->masked_paths, root_fd, init->null_fd,
                               &init->launch.report);
    if (r == 0)
        r = mount_table_seal(&init->plan->mounts, &init->launch.report);
    return r;
}

static int step_enter(Init *init)
{
    const SandboxPlan *plan = init->plan;
    int r =
        plan->no_pivot
            ? rootfs_change(plan->root_fd, init->config, &plan->kernel_mounts, &init->launch.report)
            : rootfs_enter(plan->root_fd, init->top_fd, init->config, &init->launch.report);

    if (r == 0)
        r = launch_enter_directory(&init->launch);
    return r < 0 ? r : launch_complete_environment(&init->launch);
}

/* Who starts us later may be told no more than that we have ended. */
static int step_find_program(Init *init)
{
    return is_tied_to_parent(init) ? 0 : launch_find_program(&init->launch);
}

/* The pipes of an engine whose container has a terminal are read to their end before the start. */
static int step_place_stdio(Init *init)
{
    return is_tied_to_parent(init) ? 0 : launch_place_stdio(&init->launch);
}

/* What the parent needs for another run: the root first, then what it has passed. */
static size_t list_spares(const Init *init, int fds[static REPORT_FDS_MAX])
{
    const MountTable *mounts = &init->plan->mounts;
    size_t count = 0;

    if (init->spare_root_fd >= 0)
        fds[count++] = init->spare_root_fd;
    if (mount_table_count_passed(mounts) == 0)
        return count;
    for (size_t i = 0; i < mounts->count; i++)
        if (mounts->items[i].spare_fd >= 0)
            fds[count++] = mounts->items[i].spare_fd;
    return count;
}

static int step_ready(Init *init)
{
    const Report ready = { .kind = ERROR_NONE };
    int fds[REPORT_FDS_MAX];
    size_t n_fds = list_spares(init, fds);

    if (init->launch.terminal.master_fd >= 0)
        fds[n_fds++] = init->launch.terminal.master_fd;
    if (report_send(&ready, init->launch.control_fd, fds, n_fds) < 0)
        _exit(EXIT_FAILURE); /* nobody there to tell */
    init->spare_root_fd = fd_close(init->spare_root_fd);
    init->launch.terminal.master_fd = fd_close(init->launch.terminal.master_fd);
    if (is_tied_to_parent(init))
        init_wait_for(init->launch.control_fd, INIT_START);
    else
        wait_for_starter(init);
    return 0;
}

/* Interfaces that were plugged in meanwhile have sysctls of their own: so not earlier. */
static int step_sysctls(Init *init)
{
    return sysctls_write(init->procfs_fd, &init->plan->sysctls, &init->launch.report);
}

static int step_descriptors(Init *init)
{
    return launch_arrange_descriptors(&init->launch);
}

static int step_credentials(Init *init)
{
    return launch_take_credentials(&init->launch);
}

static int step_check_directory(Init *init)
{
    return launch_check_directory(&init->launch);
}

/*
 * What the container brings along has the container's rights alone, and is behind its filter: where
 * there are such hooks, the filter comes before them and has to allow for more than execve(2).
 */
static int step_start_hooks(Init *init)
{
    const RuntimeHookList *hooks = hooks_of_kind(&init->config->hooks, HOOK_START_CONTAINER);
    Credentials *credentials = &init->plan->launch.credentials;
    int r;

    if (hooks->count == 0)
        return 0;
    r = credentials_apply_filter(credentials, init->launch.control_fd, &init->launch.report);
    if (r < 0)
        return r;
    credentials->filters_late = false; /* done */
    return hooks_execute(hooks, HOOK_START_CONTAINER, init->plan->created_fd, &init->launch.report);
}

static int step_execute(Init *init)
{
    return launch_execute(&init->launch);
}

static int (*const steps[])(Init *init) = {
    step_protect, step_cgroup,      step_join,         step_names,           step_mounts,
    step_devices, step_terminal,    step_stdio,        step_create_hooks,    step_directory,
    step_masks,   step_enter,       step_find_program, step_place_stdio,     step_ready,
    step_sysctls, step_descriptors, step_credentials,  step_check_directory, step_start_hooks,
    step_execute,
};

_Noreturn void init_run(SandboxPlan *plan, const InitOptions *options)
{
    Init init = {
        .plan = plan,
        .config = plan->config,
        .options = *options,
        .top_fd = -EBADF,
        .null_fd = -EBADF,
        .root_target_fd = -EBADF,
        .spare_root_fd = -EBADF,
        .procfs_fd = -EBADF,
        .launch = { LAUNCH_INIT },
    };

    init.launch.plan = &plan->launch;
    init.launch.root_fd = plan->root_fd;
    init.launch.control_fd = options->control_fd;

    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        if (steps[i](&init) < 0) {
            /* To whoever starts us by then. Or they see our end. */
            int fds[REPORT_FDS_MAX];

            (void)report_send(&init.launch.report, init.launch.control_fd, fds,
                              list_spares(&init, fds));
            break;
        }
    }
    _exit(EXIT_FAILURE);
}
