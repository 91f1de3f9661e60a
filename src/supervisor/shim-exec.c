/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One more process in a container that runs, with a shim of its own: that of the container, which
 * has to answer for it, is neither asked nor woken. The container is known by a pidfd alone.
 *
 * When this shim is killed the process dies with it, as a container does with its own. One that
 * has executed a set-user-id program, with which the kernel forgets that, goes on unattended until
 * its container ends.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/parse.h"
#include "base/path.h"
#include "supervisor/container-join.h"
#include "supervisor/exec-request.h"
#include "supervisor/shim-private.h"

#define CONFIG_NAME "config.json"

struct ShimExec {
    const char *id;
    pid_t container_pid;
    ExecRequest request;     /* the arguments until the end, for events */
    ShimWindow window;       /* of a terminal that is not there yet */
    SandboxProcess *process; /* NULL: not started, or gone */
};

int exec_new(Shim *shim, const char *id, const char *pid)
{
    ShimExec *exec = NEW(ShimExec);

    exec->id = id;
    shim->exec = exec;
    return path_is_name(id) ? parse_i32(pid, &exec->container_pid) : -EINVAL;
}

void exec_free(Shim *shim)
{
    if (!shim->exec)
        return;
    exec_request_done(&shim->exec->request);
    free(TAKE_PTR(shim->exec));
}

/* What the settings say of the container is not said of this process: only names are the same. */
static void narrow_settings(Shim *shim)
{
    ShimSettings *settings = &shim->settings;
    ShimSettings narrow = {
        .name = TAKE_PTR(settings->name),
        .image = TAKE_PTR(settings->image),
        .labels = settings->labels,
        .open_stdin = shim->exec->request.open_stdin,
        .stdin_once = true,
    };

    settings->labels = (StringMap) {};
    shim_settings_done(settings);
    *settings = narrow;
}

int exec_create(Shim *shim, Error *err)
{
    ShimExec *exec = shim->exec;
    int r = exec_request_read(SHIM_FD_RUNTIME, &exec->request, err);

    if (r >= 0)
        r = runtime_config_read_at(SHIM_FD_BUNDLE, CONFIG_NAME, &shim->config, err);
    if (r >= 0)
        r = exec_request_apply(&exec->request, shim->config, err);
    if (r < 0)
        return r;
    narrow_settings(shim);
    shim_event_exec(shim, exec->id, &exec->request.arguments, false);
    return 0;
}

static void apply_window(const ShimExec *exec, RuntimeProcess *process)
{
    if (!process->terminal || exec->window.rows == 0)
        return;
    if (!process->console_size)
        process->console_size = NEW(RuntimeConsoleSize);
    *process->console_size =
        (RuntimeConsoleSize) { .height = exec->window.rows, .width = exec->window.columns };
}

static int execute(Shim *shim, Error *err)
{
    _cleanup_stdio_ ContainerStdio stdio = { { -EBADF, -EBADF, -EBADF } };
    ShimExec *exec = shim->exec;
    SandboxExecOptions options = {
        .container_pid = exec->container_pid,
        .container_pidfd = SHIM_FD_CONTAINER,
        .cache_fd = shim->cache_fd,
    };
    int r = stdio_open(shim, &stdio, err);

    if (r < 0)
        return r;
    memcpy(options.stdio, stdio.fds, sizeof(options.stdio));
    apply_window(exec, shim->config->process);
    return container_join(shim->config, &options, &exec->process, err);
}

int exec_start(Shim *shim, Error *err)
{
    int r = execute(shim, err);

    /* A working directory that is none is the program's failure, as Docker's exit codes have it. */
    if (r < 0 && (err->kind == ERROR_NOT_FOUND || err->kind == ERROR_INVALID))
        err->kind = ERROR_PROGRAM_UNUSABLE;
    if (r < 0)
        return r;
    (void)close(SHIM_FD_CONTAINER); /* has served */
    fd_closep(&shim->cache_fd);
    shim_event_exec(shim, shim->exec->id, &shim->exec->request.arguments, true);
    r = stdio_adopt_terminal(shim, sandbox_process_take_terminal(shim->exec->process), err);
    if (r >= 0)
        r = output_watch(shim);
    if (r >= 0)
        r = input_watch(shim);
    return r < 0 ? error_result(err, r, "watch the output of the process") : 0;
}

void exec_set_window(ShimExec *exec, const ShimWindow *window)
{
    exec->window = *window;
}

pid_t exec_pid(const ShimExec *exec)
{
    return exec->process ? sandbox_process_pid(exec->process) : 0;
}

int exec_pidfd(const ShimExec *exec)
{
    return exec->process ? sandbox_process_pidfd(exec->process) : -EBADF;
}

/* Its directory may have been removed with the container's. */
static void remove_directory(ShimExec *exec)
{
    _cleanup_close_ int parent_fd = openat(SHIM_FD_RUNTIME, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (parent_fd >= 0)
        (void)path_remove_tree(parent_fd, exec->id);
}

void exec_record_end(Shim *shim)
{
    remove_directory(shim->exec);
    shim_event_exec_end(shim, shim->exec->id, shim->exit.code);
}

void exec_end(Shim *shim)
{
    ShimExec *exec = shim->exec;

    if (exec->process) {
        /* Fails for one that was reaped; what was not is the init process's once we end. */
        (void)pidfd_send_signal(exec_pidfd(exec), SIGKILL, NULL, 0);
        sandbox_process_free(TAKE_PTR(exec->process));
    }
    if (shim->state != SHIM_ENDED)
        remove_directory(exec);
}
