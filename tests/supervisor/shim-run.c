/* SPDX-License-Identifier: Apache-2.0 */

/*
 * shim-run [-i] [-t] [-s] [-d] [-e DIR] [-m ROOTFS] [-o PROGRAM] [-r RUNTIME_DIR] SHIM BUNDLE
 * shim-run -a [-i] [-t] [-s] [-S SIGNAL] [-c COMMAND] [-r RUNTIME_DIR] SHIM BUNDLE
 *
 * Runs the container of an OCI bundle under a shim, as cay does but with nothing else: the test
 * suite's hand on shim-client.h. The last line of standard error is the exit record or the error,
 * as "code=0 oom=0 started=1 restarts=0 again=0 stopped=0 error=".
 *
 * COMMAND: stop[:SIGNAL[:TIMEOUT]] kill:SIGNAL pause unpause reload wait. stop waits as well.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/parse.h"
#include "base/path.h"
#include "supervisor/shim-client.h"
#include "supervisor/shim-protocol.h"

/* Exit statuses of our own, as cay's. */
#define STATUS_FAILED 125
#define STATUS_LOST 124

typedef struct Arguments {
    bool open_stdin, proxy_signals, terminal, detach, attach;
    int signal;
    const char *command;
    const char *events;
    const char *mount;
    const char *on_exit;
    const char *runtime;
    const char *shim;
    const char *bundle;
} Arguments;

static int parse_arguments(Arguments *arguments, int argc, char **argv)
{
    int option;

    while ((option = getopt(argc, argv, "itsdaS:c:e:m:o:r:")) != -1) {
        switch (option) {
        case 'i':
            arguments->open_stdin = true;
            break;
        case 't':
            arguments->terminal = true;
            break;
        case 's':
            arguments->proxy_signals = true;
            break;
        case 'd':
            arguments->detach = true;
            break;
        case 'a':
            arguments->attach = true;
            break;
        case 'S':
            if (parse_signal(optarg, &arguments->signal) < 0)
                return -EINVAL;
            break;
        case 'c':
            arguments->command = optarg;
            break;
        case 'e':
            arguments->events = optarg;
            break;
        case 'm':
            arguments->mount = optarg;
            break;
        case 'o':
            arguments->on_exit = optarg;
            break;
        case 'r':
            arguments->runtime = optarg;
            break;
        default:
            return -EINVAL;
        }
    }
    if (optind != argc - 2)
        return -EINVAL;
    arguments->shim = argv[optind];
    arguments->bundle = argv[optind + 1];
    return 0;
}

static int fail(const Error *err)
{
    (void)fprintf(stderr, "error=%s kind=%s\n", error_message(err),
                  error_kind_to_string(err->kind));
    return err->kind == ERROR_UNAVAILABLE ? STATUS_LOST : STATUS_FAILED;
}

static int tell(const ShimExit *exit)
{
    (void)fprintf(stderr, "code=%d oom=%d started=%d restarts=%lld again=%d stopped=%d error=%s\n",
                  exit->code, exit->oom_killed,
                  exit->started_at > 0 && exit->started_at <= exit->finished_at,
                  (long long)exit->restart_count, exit->is_restarting, exit->is_stopped,
                  exit->error ? exit->error : "");
    return exit->code;
}

static int relay(const Arguments *arguments, ShimClient *client)
{
    RelayOptions options = {
        .stdio = { arguments->open_stdin ? STDIN_FILENO : -EBADF, STDOUT_FILENO, STDERR_FILENO },
        .terminal = arguments->terminal,
        .proxy_signals = arguments->proxy_signals,
    };
    _cleanup_shim_exit_ ShimExit exit = {};
    _cleanup_error_ Error err = {};

    if (shim_client_relay(client, &options, &exit, &err) < 0 || shim_client_wait(client, &err) < 0)
        return fail(&err);
    return tell(&exit);
}

static int command_stop(ShimClient *client, const char *argument, Error *err)
{
    int signal = 0, timeout = SHIM_STOP_DEFAULT;

    if (argument)
        (void)sscanf(argument, "%d:%d", &signal, &timeout);
    return shim_client_stop(client, signal, timeout, err);
}

static int command_kill(ShimClient *client, const char *argument, Error *err)
{
    int signal;

    if (!argument || parse_signal(argument, &signal) < 0)
        return error_set(err, ERROR_INVALID, "kill what?");
    return shim_client_kill(client, signal, err);
}

static int command_pause(ShimClient *client, const char *argument, Error *err)
{
    (void)argument;
    return shim_client_set_paused(client, true, err);
}

static int command_unpause(ShimClient *client, const char *argument, Error *err)
{
    (void)argument;
    return shim_client_set_paused(client, false, err);
}

static int command_reload(ShimClient *client, const char *argument, Error *err)
{
    (void)argument;
    return shim_client_reload(client, err);
}

static const struct {
    const char *name;
    int (*run)(ShimClient *client, const char *argument, Error *err);
    bool waits;
} commands[] = {
    { "stop", command_stop, true },      { "kill", command_kill, false },
    { "pause", command_pause, false },   { "unpause", command_unpause, false },
    { "reload", command_reload, false }, { "wait", NULL, true },
};

static int execute(ShimClient *client, const char *command)
{
    size_t length = strcspn(command, ":");
    const char *argument = command[length] ? command + length + 1 : NULL;
    _cleanup_shim_exit_ ShimExit exit = {};
    _cleanup_error_ Error err = {};

    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        if (strncmp(commands[i].name, command, length) != 0 || commands[i].name[length])
            continue;
        (void)fprintf(stderr, "%s\n", command); /* the shim has greeted us */
        if (commands[i].run && commands[i].run(client, argument, &err) < 0)
            return fail(&err);
        if (!commands[i].waits)
            return 0;
        (void)fprintf(stderr, "done\n");
        return shim_client_await_exit(client, &exit, &err) < 0 ? fail(&err) : tell(&exit);
    }
    (void)error_set(&err, ERROR_INVALID, "no such command: '%s'", command);
    return fail(&err);
}

static int attach(const Arguments *arguments, int runtime_fd)
{
    _cleanup_(shim_client_freep) ShimClient *client = NULL;
    _cleanup_error_ Error err = {};

    if (shim_client_connect(runtime_fd, &client, &err) < 0)
        return fail(&err);
    if (arguments->command)
        return execute(client, arguments->command);
    if (arguments->signal)
        return shim_client_signal(client, arguments->signal, &err) < 0 ? fail(&err) : 0;
    return relay(arguments, client);
}

static int run(const Arguments *arguments, int bundle_fd, int runtime_fd)
{
    _cleanup_(shim_client_freep) ShimClient *client = NULL;
    _cleanup_error_ Error err = {};
    _cleanup_close_ int lock_fd = openat(runtime_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    _cleanup_close_ int events_fd =
        arguments->events ? open(arguments->events, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -EBADF;
    _cleanup_close_ int mount_fd = arguments->mount ? open_tree(AT_FDCWD, arguments->mount,
                                                                OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)
                                                    : -EBADF;
    const char *on_exit[] = { arguments->on_exit, arguments->bundle, NULL };
    const ShimOptions options = {
        .program = arguments->shim,
        .container = "test",
        .bundle_fd = bundle_fd,
        .runtime_fd = runtime_fd,
        .rootfs_fd = mount_fd,
        .cache_fd = -EBADF,
        .lock_fd = lock_fd,
        .events_fd = events_fd,
        .terminal_fd = STDIN_FILENO,
        .on_exit = arguments->on_exit ? on_exit : NULL,
    };

    if (lock_fd < 0 || flock(lock_fd, LOCK_EX | LOCK_NB) < 0) {
        (void)error_errno(&err, "lock the container");
        return fail(&err);
    }
    if (shim_client_spawn(&options, &client, &err) < 0)
        return fail(&err);
    (void)fprintf(stderr, "shim=%d container=%d\n", shim_client_shim_pid(client),
                  shim_client_container_pid(client));
    if (arguments->signal)
        (void)raise(arguments->signal); /* between CREATED and START */
    if (shim_client_start(client, true, &err) < 0) {
        (void)shim_client_wait(client, NULL);
        return fail(&err);
    }
    return arguments->detach ? 0 : relay(arguments, client);
}

int main(int argc, char **argv)
{
    Arguments arguments = {};
    _cleanup_close_ int bundle_fd = -EBADF, runtime_fd = -EBADF;

    if (parse_arguments(&arguments, argc, argv) < 0) {
        (void)fprintf(stderr,
                      "usage: shim-run [-aidst] [-S SIGNAL] [-c COMMAND] [-e DIR] [-m ROOTFS] "
                      "[-o PROGRAM] [-r DIR] SHIM BUNDLE\n");
        return STATUS_FAILED;
    }
    bundle_fd = open(arguments.bundle, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    runtime_fd = open(arguments.runtime ? arguments.runtime : arguments.bundle,
                      O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (bundle_fd < 0 || runtime_fd < 0) {
        perror(arguments.bundle);
        return STATUS_FAILED;
    }
    return arguments.attach ? attach(&arguments, runtime_fd)
                            : run(&arguments, bundle_fd, runtime_fd);
}
