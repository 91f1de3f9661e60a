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
#include "supervisor/oci-runtime.h"
#include "supervisor/shim-private.h"

#define CONFIG_NAME "config.json"
#define OCI_PROCESS_NAME "oci-process.json"

struct ShimExec {
    const char *id;
    pid_t container_pid;
    ExecRequest request;     /* the arguments until the end, for events */
    ShimWindow window;       /* of a terminal that is not there yet */
    SandboxProcess *process; /* NULL: not started, or gone, or another runtime's */
    Process other;           /* the latter; .pid 0: likewise */
    char *runtime;           /* of its container, if that is another one; NULL: ours */
};

int exec_new(Shim *shim, const char *id, const char *pid)
{
    ShimExec *exec = NEW(ShimExec);

    exec->id = id;
    exec->other = PROCESS_INIT;
    shim->exec = exec;
    return path_is_name(id) ? parse_i32(pid, &exec->container_pid) : -EINVAL;
}

void exec_free(Shim *shim)
{
    if (!shim->exec)
        return;
    exec_request_done(&shim->exec->request);
    free(shim->exec->runtime);
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
    shim->exec->runtime = TAKE_PTR(settings->runtime);
    shim_settings_done(settings);
    *settings = narrow;
}

static int exec_create(Shim *shim, Error *err)
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

static int execute_in_sandbox(Shim *shim, const ContainerStdio *stdio, int *ret_terminal,
                              Error *err)
{
    ShimExec *exec = shim->exec;
    SandboxExecOptions options = {
        .container_pid = exec->container_pid,
        .container_pidfd = SHIM_FD_CONTAINER,
        .cache_fd = shim->cache_fd,
    };
    int r;

    memcpy(options.stdio, stdio->fds, sizeof(options.stdio));
    r = container_join(shim->config, &options, &exec->process, err);
    if (r >= 0)
        *ret_terminal = sandbox_process_take_terminal(exec->process);
    return r;
}

static int write_process(const RuntimeProcess *process, Error *err)
{
    _cleanup_json_ json_t *json = json_struct_write(&runtime_process_json, process);
    _cleanup_free_ char *text = json_to_text(json);
    int r = file_write_at(SHIM_FD_RUNTIME, OCI_PROCESS_NAME, text, strlen(text), 0600, 0);

    return r < 0 ? error_result(err, r, "write the runtime's '%s'", OCI_PROCESS_NAME) : 0;
}

/* What is no namespace that one could join is the business of whoever has made the container. */
static int execute_by_runtime(Shim *shim, const ContainerStdio *stdio, int *ret_terminal,
                              Error *err)
{
    _cleanup_free_ char *own = path_of_directory(SHIM_FD_RUNTIME);
    _cleanup_free_ char *directory = memory_printf("%s/../..", own ? own : "");
    _cleanup_string_list_ StringList arguments = {};
    const RuntimeProcess *process = shim->config->process;
    const OciRuntime runtime = { shim->exec->runtime, directory, -EBADF };
    const OciCall call = {
        .arguments = &arguments,
        .stdio = process->terminal ? NULL : stdio->fds,
        .printed_fd = process->terminal ? -EBADF : shim->output.streams[1].fd,
        .container_program = process->args.items[0],
    };
    int r = write_process(process, err);

    if (r < 0)
        return r;
    string_list_add(&arguments, "exec");
    string_list_add(&arguments, "--detach");
    string_list_add(&arguments, "--process");
    string_list_printf(&arguments, "%s/" OCI_PROCESS_NAME, own);
    string_list_add(&arguments, shim->container);
    return oci_runtime_call_for_process(&runtime, &call, SHIM_FD_RUNTIME, &shim->exec->other,
                                        process->terminal ? ret_terminal : NULL, err);
}

static int execute(Shim *shim, int *ret_terminal, Error *err)
{
    _cleanup_stdio_ ContainerStdio stdio = { { -EBADF, -EBADF, -EBADF } };
    int r = stdio_open(shim, &stdio, err);

    if (r < 0)
        return r;
    apply_window(shim->exec, shim->config->process);
    return shim->exec->runtime ? execute_by_runtime(shim, &stdio, ret_terminal, err)
                               : execute_in_sandbox(shim, &stdio, ret_terminal, err);
}

static int exec_start(Shim *shim, Error *err)
{
    int terminal_fd = -EBADF, r = execute(shim, &terminal_fd, err);

    /* A working directory that is none is the program's failure, as Docker's exit codes have it. */
    if (r < 0 && (err->kind == ERROR_NOT_FOUND || err->kind == ERROR_INVALID))
        err->kind = ERROR_PROGRAM_UNUSABLE;
    if (r < 0)
        return r;
    (void)close(SHIM_FD_CONTAINER); /* has served */
    fd_closep(&shim->cache_fd);
    shim_event_exec(shim, shim->exec->id, &shim->exec->request.arguments, true);
    r = stdio_adopt_terminal(shim, terminal_fd, err);
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

static pid_t exec_pid(const Shim *shim)
{
    const ShimExec *exec = shim->exec;

    return exec->process ? sandbox_process_pid(exec->process) : exec->other.pid;
}

static int exec_pidfd(const Shim *shim)
{
    const ShimExec *exec = shim->exec;

    return exec->process ? sandbox_process_pidfd(exec->process) : exec->other.pidfd;
}

/* Its container's is not its own. */
static Cgroup *exec_cgroup(const Shim *shim)
{
    (void)shim;
    return NULL;
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

static void exec_end(Shim *shim)
{
    ShimExec *exec = shim->exec;

    if (exec->process) {
        /* Fails for one that was reaped; what was not is the init process's once we end. */
        (void)pidfd_send_signal(exec_pidfd(shim), SIGKILL, NULL, 0);
        sandbox_process_free(TAKE_PTR(exec->process));
    }
    process_done(&exec->other);
    if (shim->state != SHIM_ENDED)
        remove_directory(exec);
}

const RunKind exec_run = {
    .create = exec_create,
    .start = exec_start,
    .pid = exec_pid,
    .pidfd = exec_pidfd,
    .cgroup = exec_cgroup,
    .free = exec_end,
};
