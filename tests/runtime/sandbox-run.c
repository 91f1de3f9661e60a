/* SPDX-License-Identifier: Apache-2.0 */

/*
 * sandbox-run BUNDLE: create, start and wait for the container of BUNDLE/config.json, for tests of
 * the sandbox alone. With process.terminal, standard input and the terminal are copied to each
 * other. Options, before BUNDLE:
 *     --started=FD   write "<pid>\n" to FD when the container was created, and wait for a byte from
 *                    it before the start
 *     --rootfs       hand the root over as a detached mount
 *     --no-pivot     change the root by chroot(2)
 *     --cache=DIR    keep compiled filters
 *     --join=PID     execute process of BUNDLE/config.json in the container whose first process is
 *                    PID, instead of making one
 *     --id=ID, --state=JSON, --no-new-keyring, --preserve-fds=N, --listen-fds=N
 *                    as SandboxOptions has them; --join takes all but the last
 *     --start-socket=DIR  start it through the socket DIR/start.sock, as another process would
 *     --systemd      have systemd make the cgroup
 *     --sealed       run from a file that no container can write to, as the supervisor does
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/socket.h"
#include "base/string-list.h"
#include "sandbox/exec.h"
#include "sandbox/hooks.h"
#include "sandbox/sandbox.h"
#include "sandbox/self-exe.h"

#define START_SOCKET "start.sock"

typedef struct Options {
    const char *bundle;
    int started_fd;
    pid_t join_pid;
    bool detached_root;
    bool no_pivot;
    const char *cache;
    bool systemd;
    bool sealed;
    const char *start_directory;
    const char *id;
    const char *state;
    bool no_new_keyring;
    unsigned preserve_fds;
    unsigned listen_fds;
} Options;

static int parse_options(int count, char **arguments, Options *ret)
{
    *ret = (Options) { .started_fd = -EBADF };

    for (int i = 1; i < count; i++) {
        const char *argument = arguments[i];

        if (strncmp(argument, "--started=", 10) == 0)
            ret->started_fd = (int)strtol(argument + 10, NULL, 10);
        else if (strncmp(argument, "--join=", 7) == 0)
            ret->join_pid = (pid_t)strtol(argument + 7, NULL, 10);
        else if (strncmp(argument, "--cache=", 8) == 0)
            ret->cache = argument + 8;
        else if (strncmp(argument, "--start-socket=", 15) == 0)
            ret->start_directory = argument + 15;
        else if (strncmp(argument, "--id=", 5) == 0)
            ret->id = argument + 5;
        else if (strncmp(argument, "--state=", 8) == 0)
            ret->state = argument + 8;
        else if (strncmp(argument, "--preserve-fds=", 15) == 0)
            ret->preserve_fds = (unsigned)strtoul(argument + 15, NULL, 10);
        else if (strncmp(argument, "--listen-fds=", 13) == 0)
            ret->listen_fds = (unsigned)strtoul(argument + 13, NULL, 10);
        else if (strcmp(argument, "--no-new-keyring") == 0)
            ret->no_new_keyring = true;
        else if (strcmp(argument, "--systemd") == 0)
            ret->systemd = true;
        else if (strcmp(argument, "--sealed") == 0)
            ret->sealed = true;
        else if (strcmp(argument, "--no-pivot") == 0)
            ret->no_pivot = true;
        else if (strcmp(argument, "--rootfs") == 0)
            ret->detached_root = true;
        else
            ret->bundle = argument;
    }
    return ret->bundle ? 0 : -EINVAL;
}

/* Copy what there is. Returns false at the end of either side. */
static bool copy_some(int from, int to)
{
    char data[4096];
    ssize_t n = read(from, data, sizeof(data));

    return n > 0 && fd_write_all(to, data, (size_t)n) == 0;
}

static void copy_terminal(int terminal_fd)
{
    struct pollfd fds[] = { { .fd = terminal_fd, .events = POLLIN },
                            { .fd = STDIN_FILENO, .events = POLLIN } };

    while (poll(fds, 2, -1) > 0) {
        if (fds[0].revents && !copy_some(terminal_fd, STDOUT_FILENO))
            break;
        if (fds[1].revents && !copy_some(STDIN_FILENO, terminal_fd))
            fds[1].fd = -1;
    }
}

static int fail(const Error *err)
{
    (void)fprintf(stderr, "%s: %s\n", error_kind_to_string(err->kind), error_message(err));
    switch (err->kind) {
    case ERROR_PROGRAM_MISSING:
        return 127;
    case ERROR_PROGRAM_UNUSABLE:
        return 126;
    default:
        return 125;
    }
}

static void announce(const Options *options, const Sandbox *sandbox)
{
    char go;

    if (options->started_fd < 0)
        return;
    (void)dprintf(options->started_fd, "%d\n", sandbox_pid(sandbox));
    (void)!read(options->started_fd, &go, 1); /* the test's end is as good as a byte */
}

/* The status of a process, or the number of its signal and 128. */
static int wait_for_end(int pidfd, Error *err)
{
    siginfo_t info = {};

    while (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOWAIT) < 0)
        if (errno != EINTR)
            return error_errno(err, "wait");
    return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

static int join(const Options *options, const RuntimeConfig *config, Error *err)
{
    _cleanup_(sandbox_process_freep) SandboxProcess *process = NULL;
    _cleanup_(cgroup_freep) Cgroup *cgroup = NULL;
    _cleanup_close_ int pidfd = pidfd_open(options->join_pid, 0), terminal_fd = -EBADF;
    SandboxExecOptions exec = {
        .container_pid = options->join_pid,
        .container_pidfd = pidfd,
        .stdio = { 0, 1, 2 },
        .cache_fd = -EBADF,
        .id = options->id,
        .state = options->state,
        .no_new_keyring = options->no_new_keyring,
        .preserve_fds = options->preserve_fds,
    };
    int r;

    if (config->linux_config.cgroups_path) {
        r = cgroup_open(config->linux_config.cgroups_path, &cgroup, err);
        if (r < 0)
            return r;
        exec.cgroup = cgroup;
    }
    r = sandbox_exec(config, config->process, &exec, &process, err);
    if (r < 0)
        return r;
    terminal_fd = sandbox_process_take_terminal(process);
    if (terminal_fd >= 0)
        copy_terminal(terminal_fd);
    return wait_for_end(sandbox_process_pidfd(process), err);
}

static int start_at(int dir_fd, const Options *options, const RuntimeConfig *config,
                    const Sandbox *sandbox, Error *err)
{
    const SandboxNotified notified = { .seccomp = config->linux_config.seccomp,
                                       .state = options->state,
                                       .pid = sandbox_pid(sandbox),
                                       .pidfd = sandbox_pidfd(sandbox) };

    return sandbox_start_notified_at(dir_fd, START_SOCKET, &notified, err);
}

static int poststart(const RuntimeConfig *config, const SandboxOptions *create,
                     const Sandbox *sandbox, Error *err)
{
    const RuntimeState state = { .id = create->id,
                                 .pid = sandbox_pid(sandbox),
                                 .bundle = create->bundle,
                                 .annotations = &config->annotations };

    return hooks_run(config, HOOK_POSTSTART, &state, err);
}

static void finish(const RuntimeConfig *config, const SandboxOptions *create)
{
    const RuntimeState state = { .id = create->id,
                                 .bundle = create->bundle,
                                 .annotations = &config->annotations };
    _cleanup_error_ Error err = {};

    if (hooks_run(config, HOOK_POSTSTOP, &state, &err) < 0)
        (void)fprintf(stderr, "warning: %s\n", error_message(&err));
}

static int run(const Options *options, const RuntimeConfig *config, SandboxOptions *create,
               Error *err)
{
    _cleanup_close_ int cache_fd =
        options->cache ? open(options->cache, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -EBADF;
    _cleanup_close_ int root_fd = -EBADF;
    _cleanup_(sandbox_freep) Sandbox *sandbox = NULL;
    _cleanup_close_ int terminal_fd = -EBADF, start_dir_fd = -EBADF, start_fd = -EBADF;
    int r;

    create->cache_fd = cache_fd;
    if (options->start_directory) {
        start_dir_fd = open(options->start_directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
        start_fd = socket_listen_at(start_dir_fd, START_SOCKET, 1);
        if (start_fd < 0)
            return error_errno(err, "listen for the start");
        create->start_fd = start_fd;
    }
    if (options->detached_root) {
        root_fd = open_tree(create->bundle_fd, config->root->path,
                            OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
        create->rootfs_fd = root_fd;
    }
    r = sandbox_create(config, create, &sandbox, err);
    if (r < 0)
        return r;
    terminal_fd = sandbox_take_terminal(sandbox);
    announce(options, sandbox);
    r = options->start_directory ? start_at(start_dir_fd, options, config, sandbox, err)
                                 : sandbox_start(sandbox, err);
    if (r >= 0)
        r = poststart(config, create, sandbox, err);
    if (r < 0)
        return r;

    if (terminal_fd >= 0)
        copy_terminal(terminal_fd);
    return wait_for_end(sandbox_pidfd(sandbox), err);
}

/* From the configuration to its last hooks, whatever happens in between. */
static int run_whole(const Options *options, const RuntimeConfig *config, int bundle_fd, Error *err)
{
    _cleanup_free_ char *bundle = path_of_directory(bundle_fd);
    SandboxOptions create = { .bundle_fd = bundle_fd,
                              .rootfs_fd = -EBADF,
                              .start_fd = -EBADF,
                              .stdio = { 0, 1, 2 },
                              .no_pivot = options->no_pivot,
                              .id = options->id,
                              .bundle = bundle,
                              .state = options->state,
                              .no_new_keyring = options->no_new_keyring,
                              .preserve_fds = options->preserve_fds,
                              .listen_fds = options->listen_fds,
                              .systemd_cgroup = options->systemd };
    int r = run(options, config, &create, err);

    finish(config, &create);
    return r;
}

/* Execute ourselves once more, without the option. Returns only on failure. */
static int execute_sealed(int count, char **arguments, Error *err)
{
    _cleanup_string_list_ StringList others = {};
    _cleanup_close_ int fd = -EBADF;
    int r = self_exe_open_sealed("/proc/self/exe", &fd, err);

    if (r < 0)
        return r;
    for (int i = 0; i < count; i++)
        if (strcmp(arguments[i], "--sealed") != 0)
            string_list_add(&others, arguments[i]);
    (void)execveat(fd, "", others.items, environ, AT_EMPTY_PATH);
    return error_errno(err, "execute ourselves");
}

int main(int count, char **arguments)
{
    _cleanup_(runtime_config_freep) RuntimeConfig *config = NULL;
    _cleanup_close_ int bundle_fd = -EBADF;
    _cleanup_error_ Error err = {};
    Options options;
    int r;

    if (parse_options(count, arguments, &options) < 0) {
        (void)fputs("usage: sandbox-run [OPTIONS] BUNDLE\n", stderr);
        return 125;
    }
    if (options.sealed) {
        (void)execute_sealed(count, arguments, &err);
        return fail(&err);
    }
    bundle_fd = open(options.bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);
    r = runtime_config_read_at(bundle_fd, "config.json", &config, &err);
    if (r >= 0)
        r = options.join_pid > 0 ? join(&options, config, &err)
                                 : run_whole(&options, config, bundle_fd, &err);
    return r < 0 ? fail(&err) : r;
}
