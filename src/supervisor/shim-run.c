/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One run of the container: the sandbox, its standard descriptors, and how its first process ended.
 * What is decided about it, and who is told, is the lifecycle's business.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "sandbox/hooks.h"
#include "supervisor/shim-private.h"

#define CONFIG_NAME "config.json"

static int create_sandbox(Shim *shim, Error *err)
{
    _cleanup_free_ char *bundle = NULL;
    _cleanup_stdio_ ContainerStdio stdio = { { -EBADF, -EBADF, -EBADF } };
    _cleanup_close_ int next_root_fd = -EBADF;
    SandboxOptions options = {
        .bundle_fd = SHIM_FD_BUNDLE,
        .rootfs_fd = shim->rootfs_fd,
        .cache_fd = shim->cache_fd,
        .start_fd = -EBADF,
        .ret_root_fd = shim->settings.auto_remove ? NULL : &next_root_fd,
    };
    int r = runtime_config_read_at(SHIM_FD_BUNDLE, CONFIG_NAME, &shim->config, err);

    if (r < 0)
        return r;
    r = stdio_open(shim, &stdio, err);
    if (r < 0)
        return r;
    memcpy(options.stdio, stdio.fds, sizeof(options.stdio));
    if (hooks_exist(shim->config)) {
        options.id = shim->container;
        options.bundle = bundle = path_of_directory(SHIM_FD_BUNDLE);
    }
    r = sandbox_create(shim->config, &options, &shim->sandbox, err);
    if (r >= 0 || next_root_fd >= 0) { /* that one is used */
        fd_close(shim->rootfs_fd);
        shim->rootfs_fd = TAKE_FD(next_root_fd);
    }
    return r < 0 ? r : stdio_adopt_terminal(shim, sandbox_take_terminal(shim->sandbox), err);
}

/* Told each time, not only in the end: what is killed may be one process of many. */
static int on_oom(EventSource *source, int fd, uint32_t events, void *data)
{
    Shim *shim = data;
    int r = cgroup_oom_watch_read(shim->oom_watch);

    (void)fd;
    (void)events;
    if (r > 0)
        shim_event(shim, "oom", NULL);
    if (r < 0) {
        event_source_free(source);
        shim->oom_source = NULL;
    }
    return 0;
}

/* Without a memory controller nothing runs out, and nothing is told. */
static void watch_oom(Shim *shim)
{
    Cgroup *cgroup = run_cgroup(shim);

    if (!cgroup || cgroup_oom_watch_new(cgroup, &shim->oom_watch, NULL) < 0)
        return;
    if (event_loop_add_fd(shim->loop, cgroup_oom_watch_fd(shim->oom_watch), EPOLLIN, on_oom, shim,
                          &shim->oom_source) < 0)
        cgroup_oom_watch_free(TAKE_PTR(shim->oom_watch));
}

static void forget_oom(Shim *shim)
{
    if (shim->oom_source)
        event_source_free(TAKE_PTR(shim->oom_source));
    if (shim->oom_watch)
        cgroup_oom_watch_free(TAKE_PTR(shim->oom_watch));
}

static int start_sandbox(Shim *shim, Error *err)
{
    return sandbox_start(shim->sandbox, err);
}

static pid_t pid_of_sandbox(const Shim *shim)
{
    return shim->sandbox ? sandbox_pid(shim->sandbox) : 0;
}

static int pidfd_of_sandbox(const Shim *shim)
{
    return shim->sandbox ? sandbox_pidfd(shim->sandbox) : -EBADF;
}

static Cgroup *cgroup_of_sandbox(const Shim *shim)
{
    return shim->sandbox ? sandbox_cgroup(shim->sandbox) : NULL;
}

static void free_sandbox(Shim *shim)
{
    if (shim->sandbox)
        sandbox_free(TAKE_PTR(shim->sandbox));
}

const RunKind sandbox_run = {
    .create = create_sandbox,
    .start = start_sandbox,
    .pid = pid_of_sandbox,
    .pidfd = pidfd_of_sandbox,
    .cgroup = cgroup_of_sandbox,
    .free = free_sandbox,
};

static const RunKind *kind_of(const Shim *shim)
{
    if (shim->exec)
        return &exec_run;
    return shim->settings.runtime ? &oci_run : &sandbox_run;
}

int run_create(Shim *shim, Error *err)
{
    return kind_of(shim)->create(shim, err);
}

int run_prepare(Shim *shim, Error *err)
{
    int r;

    if (shim->exec)
        return 0; /* there is nothing yet */
    r = output_watch(shim);
    (void)unlinkat(SHIM_FD_BUNDLE, SHIM_EXIT_NAME, 0); /* of an earlier run */
    if (r >= 0)
        r = input_watch(shim);
    watch_oom(shim);
    return r < 0 ? error_result(err, r, "watch the output of container '%s'", shim->container) : 0;
}

int run_start(Shim *shim, EventFdHandler on_end, Error *err)
{
    int r = kind_of(shim)->start(shim, err);

    if (r < 0)
        return r;
    r = event_loop_add_fd(shim->loop, run_pidfd(shim), EPOLLIN, on_end, shim, &shim->end);
    return r < 0 ? error_result(err, r, "watch the container's first process") : 0;
}

void run_set_window(Shim *shim, const ShimWindow *window)
{
    const struct winsize size = { .ws_row = window->rows, .ws_col = window->columns };

    if (shim->terminal_fd >= 0)
        (void)ioctl(shim->terminal_fd, TIOCSWINSZ, &size); /* of a terminal: cannot fail */
    else if (shim->exec)
        exec_set_window(shim->exec, window);
}

pid_t run_pid(const Shim *shim)
{
    return kind_of(shim)->pid(shim);
}

int run_pidfd(const Shim *shim)
{
    return kind_of(shim)->pidfd(shim);
}

Cgroup *run_cgroup(const Shim *shim)
{
    return kind_of(shim)->cgroup(shim);
}

void run_reap(Shim *shim)
{
    const Cgroup *cgroup = run_cgroup(shim);
    siginfo_t info = {};
    int r;

    do
        r = waitid(P_PIDFD, (id_t)run_pidfd(shim), &info, WEXITED);
    while (r < 0 && errno == EINTR);
    if (r < 0) {
        shim->exit.code = 128 + SIGKILL;
        shim->exit.error = memory_printf("wait for the container: %s", strerror(errno));
        return;
    }
    shim->exit.code = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
    shim->exit.oom_killed = cgroup && cgroup_oom_kills(cgroup) > 0;
    if (shim->oom_source) /* it may be the end of this round that tells */
        (void)on_oom(shim->oom_source, -EBADF, 0, shim);
}

void run_settle(Shim *shim)
{
    runtime_config_free(TAKE_PTR(shim->config));
}

void run_free(Shim *shim)
{
    plug_cancel(shim);
    if (shim->end)
        event_source_free(TAKE_PTR(shim->end));
    forget_oom(shim);
    kind_of(shim)->free(shim);
    if (shim->config)
        run_settle(shim);
}

void run_close(Shim *shim)
{
    output_done(shim);
    fd_closep(&shim->terminal_fd);
}
