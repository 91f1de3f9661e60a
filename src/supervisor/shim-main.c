/* SPDX-License-Identifier: Apache-2.0 */

/*
 * cay-shim ID [--exec EXEC_ID PID] [-- PROGRAM [ARGUMENT...]]
 *
 * Supervises one container from its creation to its exit record, for the clients that connect
 * (shim-protocol.h). It is started by cay with the descriptors of ShimFd, has no terminal and no
 * diagnostics of its own: what goes wrong is told to the owner or stands in the exit record.
 * PROGRAM is executed in the shim's place when a container has ended and its owner is gone.
 * With --exec it is one more process in a container that runs, with PID for its first process.
 *
 * Stray signals (HUP, INT, TERM, PIPE) are ignored: a shim's life is its container's. If it is
 * killed, its container dies with it.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "supervisor/shim-private.h"

static const int ignored_signals[] = { SIGHUP, SIGINT, SIGTERM, SIGPIPE };

static void shim_done(Shim *shim)
{
    while (shim->peers)
        peer_drop(shim->peers);
    peer_stop_listening(shim);
    run_free(shim);
    run_close(shim);
    input_close(shim);
    if (shim->log)
        log_writer_free(TAKE_PTR(shim->log));
    if (shim->loop)
        event_loop_free(TAKE_PTR(shim->loop));
    shim_exit_done(&shim->exit);
    free(TAKE_PTR(shim->exit_text));
    free(TAKE_PTR(shim->oom_score));
    shim_settings_done(&shim->settings);
    exec_free(shim);
}

static bool shim_parse_arguments(Shim *shim, int argc, char **argv)
{
    if (argc < 2)
        return false;
    shim->container = argv[1];
    if (argc == 2)
        return true;
    if (argc == 5 && strcmp(argv[2], "--exec") == 0)
        return exec_new(shim, argv[3], argv[4]) >= 0;
    shim->on_exit = argv + 3;
    return argc > 3 && strcmp(argv[2], "--") == 0;
}

/* Must come before anything is opened: a missing descriptor's number is free to be taken. */
static bool shim_adopt_fds(Shim *shim)
{
    if (fd_set_cloexec(SHIM_FD_ROOTFS, true) >= 0)
        shim->rootfs_fd = SHIM_FD_ROOTFS;
    if (fd_set_cloexec(SHIM_FD_CACHE, true) >= 0)
        shim->cache_fd = SHIM_FD_CACHE;
    (void)fd_set_cloexec(SHIM_FD_LOCK, true);
    (void)fd_set_cloexec(SHIM_FD_EVENTS, true);
    (void)fd_set_cloexec(SHIM_FD_CONTAINER, true);
    (void)close_range(SHIM_FD_CONFIG, SHIM_FD_CONFIG + SHIM_CONFIG_FDS_MAX - 1,
                      CLOSE_RANGE_CLOEXEC);
    return fd_set_cloexec(SHIM_FD_SOCKET, true) >= 0 && fd_set_cloexec(SHIM_FD_BUNDLE, true) >= 0 &&
           fd_set_cloexec(SHIM_FD_RUNTIME, true) >= 0;
}

static void shim_detach_from_caller(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(ignored_signals); i++)
        (void)signal(ignored_signals[i], SIG_IGN); /* cannot fail for these */
    (void)prctl(PR_SET_NAME, "cay-shim"); /* we are executed through a nameless descriptor */
    (void)!chdir("/");                    /* pin nobody's mount */
    memory_prepare();
}

/* The owner's connection, as a peer that is attached for everything. */
static int shim_add_owner(Shim *shim, Error *err)
{
    int r = event_loop_new(&shim->loop);

    if (r >= 0)
        r = fd_set_nonblock(SHIM_FD_SOCKET, true);
    if (r >= 0)
        r = peer_add(shim, SHIM_FD_SOCKET, &shim->owner);
    if (r < 0)
        return error_result(err, r, "supervise container '%s'", shim->container);

    shim->owner->streams = SHIM_STREAM_INPUT | SHIM_STREAM_OUTPUT;
    return 0;
}

/* Returns whether the program for an end that nobody took note of is to be executed. */
static bool shim_run(Shim *shim)
{
    _cleanup_error_ Error err = {};
    int r = shim_add_owner(shim, &err);

    if (r < 0)
        shim_send_failure(SHIM_FD_SOCKET, &err);
    if (r < 0 || shim_create(shim) < 0)
        return false;

    r = event_loop_run(shim->loop);
    if (r < 0)
        shim_abort(shim, r);
    return shim->state == SHIM_ENDED && !shim->is_taken;
}

int main(int argc, char **argv)
{
    Shim shim = {
        .rootfs_fd = -EBADF,
        .cache_fd = -EBADF,
        .terminal_fd = -EBADF,
        .listen_fd = -EBADF,
        .input = { .fd = -EBADF },
        .output = { .streams = { { .fd = -EBADF }, { .fd = -EBADF } } },
    };
    bool is_orphaned;

    if (!shim_adopt_fds(&shim) || !shim_parse_arguments(&shim, argc, argv)) {
        (void)fprintf(stderr, "cay-shim: is started by cay, one for each container\n");
        return EXIT_FAILURE;
    }
    shim_detach_from_caller();
    is_orphaned = shim_run(&shim);
    shim_done(&shim);

    if (is_orphaned && shim.on_exit) {
        for (size_t i = 0; i < ARRAY_SIZE(ignored_signals); i++)
            (void)signal(ignored_signals[i], SIG_DFL);
        (void)execv(shim.on_exit[0], shim.on_exit);
        return EXIT_FAILURE; /* the next cay command finds the exit record */
    }
    return EXIT_SUCCESS;
}
