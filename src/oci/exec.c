/* SPDX-License-Identifier: Apache-2.0 */

/* `cay-oci exec`: one more process in a container. */

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "oci/commands.h"
#include "oci/container.h"
#include "oci/descriptor-socket.h"
#include "oci/foreground.h"
#include "oci/inherited-fds.h"
#include "oci/pid-file.h"
#include "oci/process-spec.h"
#include "oci/root-directory.h"
#include "sandbox/exec.h"

typedef struct ExecOptions {
    ProcessOptions process;
    char *console_socket;
    char *pidfd_socket;
    char *pid_file;
    char *cgroup;
    int64_t preserve_fds;
    bool detach;
    bool ignore_paused;
    bool no_subreaper;
} ExecOptions;

static void exec_options_done(ExecOptions *options)
{
    process_options_done(&options->process);
    free(options->console_socket);
    free(options->pidfd_socket);
    free(options->pid_file);
    free(options->cgroup);
}

static const Option exec_options[] = {
    { "additional-gids", 'g', .type = OPTION_STRING_LIST, .argument = "gid",
      .offset = offsetof(ExecOptions, process.additional_gids), .help = "Add groups" },
    { "apparmor", .type = OPTION_STRING, .argument = "profile",
      .offset = offsetof(ExecOptions, process.apparmor), .help = "AppArmor profile" },
    { "cap", 'c', .type = OPTION_STRING_LIST, .argument = "capability",
      .offset = offsetof(ExecOptions, process.caps), .help = "Add capabilities" },
    { "cgroup", .type = OPTION_STRING, .argument = "path", .offset = offsetof(ExecOptions, cgroup),
      .help = "Run in a cgroup that exists below the container's" },
    { "console-socket", .type = OPTION_STRING, .argument = "socket",
      .offset = offsetof(ExecOptions, console_socket),
      .help = "Unix socket that gets the master side of the terminal" },
    { "cwd", .type = OPTION_STRING, .argument = "directory",
      .offset = offsetof(ExecOptions, process.cwd), .help = "Working directory" },
    { "detach", 'd', .type = OPTION_BOOL, .offset = offsetof(ExecOptions, detach),
      .help = "Do not wait for the end of the program" },
    { "env", 'e', .type = OPTION_STRING_LIST, .argument = "name=value",
      .offset = offsetof(ExecOptions, process.env), .help = "Add environment variables" },
    { "ignore-paused", .type = OPTION_BOOL, .offset = offsetof(ExecOptions, ignore_paused),
      .help = "Also in a paused container, where it waits" },
    { "no-new-privs", .type = OPTION_BOOL, .offset = offsetof(ExecOptions, process.no_new_privs),
      .help = "Set-user-id programs give no rights" },
    { "no-subreaper", .type = OPTION_BOOL, .offset = offsetof(ExecOptions, no_subreaper),
      .help = "Do not reap processes that the program leaves behind" },
    { "pid-file", .type = OPTION_STRING, .argument = "file",
      .offset = offsetof(ExecOptions, pid_file), .help = "Write the pid to a file" },
    { "pidfd-socket", .type = OPTION_STRING, .argument = "socket",
      .offset = offsetof(ExecOptions, pidfd_socket),
      .help = "Unix socket that gets a pidfd of the process" },
    { "preserve-fds", .type = OPTION_INT64, .argument = "number",
      .offset = offsetof(ExecOptions, preserve_fds),
      .help = "Pass so many more descriptors on, from 3 on" },
    { "process", 'p', .type = OPTION_STRING, .argument = "file",
      .offset = offsetof(ExecOptions, process.file),
      .help = "The process as JSON, instead of a program and all that is said of it" },
    { "process-label", .type = OPTION_STRING, .argument = "label",
      .offset = offsetof(ExecOptions, process.label), .help = "SELinux label" },
    { "tty", 't', .type = OPTION_BOOL, .offset = offsetof(ExecOptions, process.tty),
      .help = "Give it a terminal" },
    { "user", 'u', .type = OPTION_STRING, .argument = "uid[:gid]",
      .offset = offsetof(ExecOptions, process.user), .help = "User and group" },
};

const OptionTable exec_option_table = {
    OPTION_TABLE(exec_options),
    .stop_at_positional = true,
};

/* All that one execution needs and owns. */
typedef struct Execution {
    const ExecOptions *options;
    Container *container;
    RuntimeConfig *config;
    Cgroup *cgroup; /* of --cgroup; NULL: the container's */
    Foreground foreground;
    int container_pidfd;
    int cache_fd;
    int console_fd;
    int pidfd_fd;
    InheritedFds inherited;
} Execution;

static void execution_done(Execution *execution)
{
    container_free(execution->container);
    runtime_config_free(execution->config);
    cgroup_free(execution->cgroup);
    foreground_done(&execution->foreground);
    fd_close(execution->container_pidfd);
    fd_close(execution->cache_fd);
    fd_close(execution->console_fd);
    fd_close(execution->pidfd_fd);
}

static int open_container(const Invocation *invocation, Execution *execution, Error *err)
{
    _cleanup_close_ int root_fd = -EBADF;
    RuntimeStatus status;
    int r = container_open_argument(invocation, &execution->container, err);

    if (r < 0)
        return r;
    status = container_status(execution->container);
    if (status == RUNTIME_STOPPED || status == RUNTIME_CREATING)
        return error_set(err, ERROR_CONFLICT,
                         "cannot exec in a %s container: container not running",
                         runtime_status_to_string(status));
    if (status == RUNTIME_PAUSED && !execution->options->ignore_paused)
        return error_set(err, ERROR_CONFLICT,
                         "cannot exec in a paused container (use --ignore-paused to override)");
    r = container_open_process(execution->container, &execution->container_pidfd, err);
    if (r >= 0)
        r = root_directory_open(invocation->global, &root_fd, err);
    if (r < 0)
        return r;
    execution->cache_fd = root_directory_open_cache(root_fd);
    return container_read_config(execution->container, &execution->config, err);
}

static int check_terminal(const Execution *execution, Error *err)
{
    const ExecOptions *options = execution->options;
    bool has_terminal = execution->config->process->terminal;

    if (has_terminal && options->detach && !options->console_socket)
        return error_set(err, ERROR_INVALID,
                         "nobody holds the terminal: use --console-socket with --detach");
    if (!has_terminal && options->console_socket)
        return error_set(err, ERROR_INVALID, "--console-socket: there is no terminal: use --tty");
    return 0;
}

static int connect_sockets(Execution *execution, Error *err)
{
    const ExecOptions *options = execution->options;
    int r = descriptor_socket_connect("console-socket", options->console_socket,
                                      &execution->console_fd, err);

    if (r >= 0)
        r = descriptor_socket_connect("pidfd-socket", options->pidfd_socket, &execution->pidfd_fd,
                                      err);
    return r;
}

/* --cgroup: below the container's own, and nowhere else. */
static int open_cgroup(Execution *execution, Error *err)
{
    const char *path = execution->options->cgroup, *base = execution->container->record.cgroup_path;
    _cleanup_free_ char *clean = path ? path_clean(path) : NULL, *whole = NULL;
    int r;

    if (!path)
        return 0;
    if (strchr(path, ':'))
        return error_set(err, ERROR_UNSUPPORTED,
                         "--cgroup '%s': one controller alone is not supported", path);
    if (!base)
        return error_set(err, ERROR_CONFLICT, "--cgroup '%s': the container has no cgroup", path);
    whole = memory_printf("%s%s", base, strcmp(clean, "/") == 0 ? "" : clean);
    r = cgroup_open(whole, &execution->cgroup, err);
    return r < 0 ? error_wrap(err, r, "--cgroup '%s'", path) : 0;
}

static int prepare(const Invocation *invocation, Execution *execution, Error *err)
{
    const ExecOptions *options = execution->options;
    int r = inherited_fds_take(options->preserve_fds, false, &execution->inherited, err);

    if (r >= 0)
        r = open_container(invocation, execution, err);
    if (r >= 0)
        r = process_spec_apply(execution->config, &options->process, invocation->arguments + 1,
                               err);
    if (r >= 0)
        r = check_terminal(execution, err);
    if (r >= 0)
        r = connect_sockets(execution, err);
    if (r >= 0)
        r = open_cgroup(execution, err);
    if (r >= 0 && !options->detach)
        r = foreground_prepare(&execution->foreground, !options->no_subreaper, err);
    return r;
}

static int execute(Execution *execution, SandboxProcess **ret, Error *err)
{
    Container *container = execution->container;
    _cleanup_free_ char *state = container_state_text(container, RUNTIME_RUNNING);
    Cgroup *cgroup = NULL;
    int r = container_open_cgroup(container, &cgroup, err);

    if (r < 0)
        return r;

    const SandboxExecOptions options = {
        .container_pid = container->record.pid,
        .container_pidfd = execution->container_pidfd,
        .cgroup = execution->cgroup ? execution->cgroup : cgroup,
        .stdio = { STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO },
        .cache_fd = execution->cache_fd,
        .id = container->record.id,
        .state = container->record.has_agent ? state : NULL,
        .preserve_fds = execution->inherited.count,
        .detaches = execution->options->detach,
    };
    if (!execution->options->detach && execution->console_fd < 0)
        foreground_set_console_size(execution->config->process);
    return sandbox_exec(execution->config, execution->config->process, &options, ret, err);
}

/* What the engine waits for. */
static int announce(const Execution *execution, SandboxProcess *process, Error *err)
{
    int r = 0;

    if (execution->console_fd >= 0) {
        _cleanup_close_ int terminal_fd = sandbox_process_take_terminal(process);

        r = descriptor_socket_send_terminal(execution->console_fd, terminal_fd, err);
    }
    if (r >= 0 && execution->pidfd_fd >= 0)
        r = descriptor_socket_send_pidfd(execution->pidfd_fd, sandbox_process_pidfd(process), err);
    if (r >= 0)
        r = pid_file_write(execution->options->pid_file, sandbox_process_pid(process), err);
    return r;
}

static int run(Execution *execution, Error *err)
{
    _cleanup_(sandbox_process_freep) SandboxProcess *process = NULL;
    int r = execute(execution, &process, err);

    if (r < 0)
        return r;
    r = announce(execution, process, err);
    if (r < 0) {
        (void)pidfd_send_signal(sandbox_process_pidfd(process), SIGKILL, NULL, 0); /* or it ended */
        return r;
    }
    if (execution->options->detach)
        return 0;
    return foreground_wait(&execution->foreground, sandbox_process_pid(process),
                           sandbox_process_pidfd(process), sandbox_process_take_terminal(process),
                           err);
}

int oci_exec(Invocation *invocation, Error *err)
{
    _cleanup_(exec_options_done) ExecOptions options = {};
    _cleanup_(execution_done) Execution execution = {
        .options = &options,
        .foreground = FOREGROUND_INIT,
        .container_pidfd = -EBADF,
        .cache_fd = -EBADF,
        .console_fd = -EBADF,
        .pidfd_fd = -EBADF,
    };
    int r = invocation_parse(invocation, &options, err);

    if (r >= 0)
        r = prepare(invocation, &execution, err);
    return r < 0 ? r : run(&execution, err);
}
