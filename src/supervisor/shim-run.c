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
#include "supervisor/shim-private.h"

#define CONFIG_NAME "config.json"

static int create_sandbox(Shim *shim, Error *err)
{
    _cleanup_stdio_ ContainerStdio stdio = { { -EBADF, -EBADF, -EBADF } };
    SandboxOptions options = {
        .bundle_fd = SHIM_FD_BUNDLE,
        .rootfs_fd = shim->rootfs_fd,
        .cache_fd = shim->cache_fd,
        .start_fd = -EBADF,
    };
    int r = runtime_config_read_at(SHIM_FD_BUNDLE, CONFIG_NAME, &shim->config, err);

    if (r < 0)
        return r;
    r = stdio_open(shim, &stdio, err);
    if (r < 0)
        return r;
    memcpy(options.stdio, stdio.fds, sizeof(options.stdio));
    r = sandbox_create(shim->config, &options, &shim->sandbox, err);
    if (r < 0)
        return r;

    /* Kept, they would hold the root file system after the container's end. */
    fd_closep(&shim->rootfs_fd);
    fd_closep(&shim->cache_fd);
    return stdio_adopt_terminal(shim, sandbox_take_terminal(shim->sandbox), err);
}

int run_create(Shim *shim, Error *err)
{
    int r = shim->exec ? exec_create(shim, err) : create_sandbox(shim, err);

    if (r < 0 || shim->exec)
        return r;
    (void)unlinkat(SHIM_FD_BUNDLE, SHIM_EXIT_NAME, 0); /* of an earlier run */
    r = output_watch(shim);
    if (r >= 0)
        r = input_watch(shim);
    return r < 0 ? error_result(err, r, "watch the output of container '%s'", shim->container) : 0;
}

int run_start(Shim *shim, EventFdHandler on_end, Error *err)
{
    int r = shim->exec ? exec_start(shim, err) : sandbox_start(shim->sandbox, err);

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
    if (shim->exec)
        return exec_pid(shim->exec);
    return shim->sandbox ? sandbox_pid(shim->sandbox) : 0;
}

int run_pidfd(const Shim *shim)
{
    if (shim->exec)
        return exec_pidfd(shim->exec);
    return shim->sandbox ? sandbox_pidfd(shim->sandbox) : -EBADF;
}

Cgroup *run_cgroup(const Shim *shim)
{
    return shim->sandbox ? sandbox_cgroup(shim->sandbox) : NULL;
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
}

void run_settle(Shim *shim)
{
    runtime_config_free(TAKE_PTR(shim->config));
}

void run_free(Shim *shim)
{
    if (shim->end)
        event_source_free(TAKE_PTR(shim->end));
    if (shim->sandbox)
        sandbox_free(TAKE_PTR(shim->sandbox));
    if (shim->exec)
        exec_end(shim);
    if (shim->config)
        run_settle(shim);
}
