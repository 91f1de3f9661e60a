/* SPDX-License-Identifier: Apache-2.0 */

/*
 * cay-shim ID [--stdin] [--keep-stdin] [-- PROGRAM [ARGUMENT...]]
 *
 * Supervises one container from its creation to its exit record, for the clients that connect
 * (shim-protocol.h). It is started by cay with the descriptors of ShimFd, has no terminal and no
 * diagnostics of its own: what goes wrong is told to the owner or stands in the exit record.
 * PROGRAM is executed in the shim's place when a container has ended and its owner is gone.
 *
 * Stray signals (HUP, INT, TERM, PIPE) are ignored: a shim's life is its container's. If it is
 * killed, its container dies with it.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/socket.h"
#include "base/time-format.h"
#include "supervisor/shim-exit-private.h"
#include "supervisor/shim-private.h"

#define CONFIG_NAME "config.json"

/* Below every process that is not protected on purpose: the container is to be killed first. */
#define SHIM_OOM_SCORE "-998"

static const int ignored_signals[] = { SIGHUP, SIGINT, SIGTERM, SIGPIPE };

static void shim_done(Shim *shim)
{
    while (shim->peers)
        peer_drop(shim->peers);
    peer_stop_listening(shim);
    if (shim->sandbox)
        sandbox_free(TAKE_PTR(shim->sandbox));
    output_done(shim);
    input_close(shim);
    if (shim->config)
        runtime_config_free(TAKE_PTR(shim->config));
    if (shim->loop)
        event_loop_free(TAKE_PTR(shim->loop));
    fd_closep(&shim->terminal_fd);
    shim_exit_done(&shim->exit);
    free(TAKE_PTR(shim->exit_text));
}

static bool shim_parse_arguments(Shim *shim, int argc, char **argv)
{
    if (argc < 2)
        return false;
    shim->container = argv[1];
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--stdin") == 0) {
            shim->open_stdin = true;
        } else if (strcmp(argv[i], "--keep-stdin") == 0) {
            shim->keep_stdin = true;
        } else if (strcmp(argv[i], "--") == 0 && i + 1 < argc) {
            shim->on_exit = argv + i + 1;
            break;
        } else {
            return false;
        }
    }
    return true;
}

/* Must come before anything is opened: a missing descriptor's number is free to be taken. */
static bool shim_adopt_fds(Shim *shim)
{
    if (fd_set_cloexec(SHIM_FD_ROOTFS, true) >= 0)
        shim->rootfs_fd = SHIM_FD_ROOTFS;
    if (fd_set_cloexec(SHIM_FD_CACHE, true) >= 0)
        shim->cache_fd = SHIM_FD_CACHE;
    (void)fd_set_cloexec(SHIM_FD_LOCK, true); /* not used: it is held by being open */
    (void)fd_set_cloexec(SHIM_FD_EVENTS, true);
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

/* Everything up to the container's first process waiting in its namespaces. */
static int shim_create(Shim *shim, Error *err)
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
    return stdio_adopt_terminal(shim, err);
}

/* What the start can be prepared with while the owner does its own part of it. */
static int shim_prepare(Shim *shim, Error *err)
{
    int r;

    (void)unlinkat(SHIM_FD_BUNDLE, SHIM_EXIT_NAME, 0); /* of an earlier run */
    runtime_config_free(TAKE_PTR(shim->config));
    r = output_watch(shim);
    if (r >= 0)
        r = input_watch(shim);
    if (r < 0)
        return error_result(err, r, "watch the output of container '%s'", shim->container);
    return peer_listen(shim, err);
}

static void shim_send_failure(int fd, const Error *err)
{
    ShimMessage message = {
        .type = SHIM_MESSAGE_FAILED,
        .failure = { .kind = (int32_t)err->kind, .errnum = err->errnum },
        .tail = error_message(err),
        .tail_size = strlen(error_message(err)),
    };

    (void)shim_message_send(fd, &message); /* a dead owner needs no answer */
}

/* The container is over: fix the record, and let nobody connect any more. */
static void shim_record_end(Shim *shim)
{
    int r;

    shim->state = SHIM_ENDED;
    shim->exit.finished_at = time_now();
    shim->exit_text = shim_exit_to_text(&shim->exit);
    /* Not synced: after a power loss the container is gone whatever the record says. */
    r = file_write_at(SHIM_FD_BUNDLE, SHIM_EXIT_NAME, shim->exit_text, strlen(shim->exit_text),
                      0600, 0);
    if (r < 0 && r != -ENOENT && !shim->exit.error) { /* ENOENT: the container was removed */
        shim->exit.error = memory_printf("write '%s': %s", SHIM_EXIT_NAME, strerror(-r));
        free(shim->exit_text);
        shim->exit_text = shim_exit_to_text(&shim->exit);
    }
    peer_stop_listening(shim);
    output_begin_drain(shim);
}

static void peers_owe_exit(Shim *shim, const Peer *except)
{
    for (Peer *peer = shim->peers; peer; peer = peer->next)
        if (peer != except)
            peer_owe(peer, PEER_DEBT_EXIT);
}

void shim_advance(Shim *shim)
{
    if (shim->state == SHIM_RUNNING && !shim->peers) {
        output_forget(shim);
        memory_release();
    }
    if (shim->state == SHIM_RUNNING || (shim->state == SHIM_CREATED && shim->owner))
        return;
    if (shim->state == SHIM_ENDED) {
        if (!output_drain(shim))
            return;
        if (!shim->is_told) {
            shim->is_told = true;
            peers_owe_exit(shim, NULL);
        }
        if (shim->owner && !shim->is_taken)
            return;
        for (const Peer *peer = shim->peers; peer; peer = peer->next)
            if (peer->debts)
                return;
    }
    event_loop_quit(shim->loop, 0);
}

static void shim_reap(Shim *shim)
{
    siginfo_t info = {};
    int r;

    do
        r = waitid(P_PIDFD, (id_t)sandbox_pidfd(shim->sandbox), &info, WEXITED);
    while (r < 0 && errno == EINTR);
    if (r < 0) {
        shim->exit.code = 128 + SIGKILL;
        shim->exit.error = memory_printf("wait for the container: %s", strerror(errno));
        return;
    }
    shim->exit.code = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
    shim->exit.oom_killed = cgroup_oom_kills(sandbox_cgroup(shim->sandbox)) > 0;
}

static int shim_on_exit(EventSource *source, int fd, uint32_t events, void *data)
{
    Shim *shim = data;

    (void)fd;
    (void)events;
    event_source_free(source);
    shim_reap(shim);
    shim_record_end(shim);
    /* The owner goes on with its part while we take the cgroup down. */
    shim_advance(shim);
    sandbox_free(TAKE_PTR(shim->sandbox));
    return 0;
}

static void shim_fail_start(Shim *shim, const Error *err)
{
    static const struct {
        ErrorKind kind;
        int code;
    } codes[] = { { ERROR_PROGRAM_MISSING, 127 }, { ERROR_PROGRAM_UNUSABLE, 126 } };

    shim->exit.code = 128;
    for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
        if (codes[i].kind == err->kind)
            shim->exit.code = codes[i].code;
    shim->exit.error = memory_strdup(error_message(err));
    sandbox_free(TAKE_PTR(shim->sandbox));
    shim_record_end(shim);

    shim->is_told = true;
    shim_send_failure(shim->owner->fd, err);
    peers_owe_exit(shim, shim->owner);
}

void shim_start(Shim *shim)
{
    _cleanup_error_ Error err = {};
    int r = sandbox_start(shim->sandbox, &err);

    if (r >= 0) {
        r = event_loop_add_fd(shim->loop, sandbox_pidfd(shim->sandbox), EPOLLIN, shim_on_exit, shim,
                              NULL);
        if (r < 0)
            (void)error_result(&err, r, "watch the container's first process");
    }
    if (r < 0) {
        shim_fail_start(shim, &err);
        return;
    }

    shim->state = SHIM_RUNNING;
    shim->exit.started_at = time_now();
    (void)shim_message_send(
        shim->owner->fd, /* if it has gone, the loop will see it */
        &(ShimMessage) { .type = SHIM_MESSAGE_STARTED, .time = shim->exit.started_at });

    (void)file_poke_at(AT_FDCWD, "/proc/self/oom_score_adj", SHIM_OOM_SCORE); /* may be refused */
    memory_release();
}

/* The loop itself has failed: nobody supervises the container any more, so it must not go on. */
static void shim_abort(Shim *shim, int r)
{
    if (shim->state != SHIM_RUNNING)
        return;
    shim->exit.code = 128 + SIGKILL;
    shim->exit.error = memory_printf("supervise the container: %s", strerror(-r));
    sandbox_free(TAKE_PTR(shim->sandbox));
    shim_record_end(shim);
}

/* Returns whether the program for an end that nobody took note of is to be executed. */
static bool shim_run(Shim *shim)
{
    _cleanup_error_ Error err = {};
    int r = shim_add_owner(shim, &err);

    if (r >= 0)
        r = shim_create(shim, &err);
    if (r >= 0) {
        (void)shim_message_send(
            SHIM_FD_SOCKET, /* if the owner is gone, the loop will see it */
            &(ShimMessage) { .type = SHIM_MESSAGE_CREATED, .pid = sandbox_pid(shim->sandbox) });
        r = shim_prepare(shim, &err);
    }
    if (r < 0) {
        if (shim->sandbox)
            sandbox_free(TAKE_PTR(shim->sandbox)); /* nothing is left when the owner hears of it */
        shim_send_failure(SHIM_FD_SOCKET, &err);
        return false;
    }

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
