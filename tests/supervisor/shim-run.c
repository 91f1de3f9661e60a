/* SPDX-License-Identifier: Apache-2.0 */

/*
 * shim-run [-i] [-t] [-s] [-d] [-o PROGRAM] [-r RUNTIME_DIR] SHIM BUNDLE
 *
 * Runs the container of an OCI bundle under a shim, as cay does but with nothing else: the test
 * suite's hand on shim-client.h. The last line of standard error is the exit record or the error,
 * as "code=0 oom=0 started=1 error=".
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/parse.h"
#include "base/path.h"
#include "supervisor/shim-client.h"

/* Exit statuses of our own, as cay's. */
#define STATUS_FAILED 125
#define STATUS_LOST 124

typedef struct Arguments {
    bool open_stdin, proxy_signals, terminal, detach, attach;
    int signal;
    const char *on_exit;
    const char *runtime;
    const char *shim;
    const char *bundle;
} Arguments;

static int parse_arguments(Arguments *arguments, int argc, char **argv)
{
    int option;

    while ((option = getopt(argc, argv, "itsdaS:o:r:")) != -1) {
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
    (void)fprintf(stderr, "code=%d oom=%d started=%d error=%s\n", exit.code, exit.oom_killed,
                  exit.started_at > 0 && exit.started_at <= exit.finished_at,
                  exit.error ? exit.error : "");
    return exit.code;
}

static int attach(const Arguments *arguments, int runtime_fd)
{
    _cleanup_(shim_client_freep) ShimClient *client = NULL;
    _cleanup_error_ Error err = {};

    if (shim_client_connect(runtime_fd, &client, &err) < 0)
        return fail(&err);
    if (arguments->signal)
        return shim_client_signal(client, arguments->signal, &err) < 0 ? fail(&err) : 0;
    return relay(arguments, client);
}

static int run(const Arguments *arguments, int bundle_fd, int runtime_fd)
{
    _cleanup_(shim_client_freep) ShimClient *client = NULL;
    _cleanup_error_ Error err = {};
    _cleanup_close_ int lock_fd = openat(runtime_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    const char *on_exit[] = { arguments->on_exit, arguments->bundle, NULL };
    const ShimOptions options = {
        .program = arguments->shim,
        .container = "test",
        .bundle_fd = bundle_fd,
        .runtime_fd = runtime_fd,
        .rootfs_fd = -EBADF,
        .cache_fd = -EBADF,
        .lock_fd = lock_fd,
        .events_fd = -EBADF,
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
    if (shim_client_start(client, &err) < 0) {
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
                      "usage: shim-run [-aidst] [-S SIGNAL] [-o PROGRAM] [-r DIR] SHIM BUNDLE\n");
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
