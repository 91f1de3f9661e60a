/* SPDX-License-Identifier: Apache-2.0 */

/*
 * From one state of a container to the next: created, running, ended. Whoever has to know is told
 * here, in the order that lets any of them be killed meanwhile: the record first, then the peers.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/time-format.h"
#include "supervisor/shim-exit-private.h"
#include "supervisor/shim-private.h"

/* Below every process that is not protected on purpose: the container is to be killed first. */
#define SHIM_OOM_SCORE "-998"

void shim_send_failure(int fd, const Error *err)
{
    ShimMessage message = {
        .type = SHIM_MESSAGE_FAILED,
        .failure = { .kind = (int32_t)err->kind, .errnum = err->errnum },
        .tail = error_message(err),
        .tail_size = strlen(error_message(err)),
    };

    (void)shim_message_send(fd, &message); /* a dead owner needs no answer */
}

int shim_create(Shim *shim)
{
    _cleanup_error_ Error err = {};
    int r = shim_settings_read(SHIM_FD_BUNDLE, &shim->settings, &err);

    if (r >= 0)
        r = log_open(shim, &err);
    if (r >= 0)
        r = run_create(shim, &err);
    if (r >= 0) {
        (void)shim_message_send(
            SHIM_FD_SOCKET, /* if the owner is gone, the loop will see it */
            &(ShimMessage) { .type = SHIM_MESSAGE_CREATED, .pid = run_pid(shim) });
        r = peer_listen(shim, &err);
    }
    if (r < 0) {
        run_free(shim); /* nothing is left when the owner hears of it */
        shim_send_failure(SHIM_FD_SOCKET, &err);
    }
    return r;
}

/* Not synced: after a power loss the container is gone whatever the record says. */
static void write_record(Shim *shim)
{
    int r = file_write_at(SHIM_FD_BUNDLE, SHIM_EXIT_NAME, shim->exit_text, strlen(shim->exit_text),
                          0600, 0);

    if (r < 0 && r != -ENOENT && !shim->exit.error) { /* ENOENT: the container was removed */
        shim->exit.error = memory_printf("write '%s': %s", SHIM_EXIT_NAME, strerror(-r));
        free(shim->exit_text);
        shim->exit_text = shim_exit_to_text(&shim->exit);
    }
}

/* The container is over: fix the record, and let nobody connect any more. */
static void shim_record_end(Shim *shim)
{
    shim->state = SHIM_ENDED;
    shim->exit.finished_at = time_now();
    shim->exit_text = shim_exit_to_text(&shim->exit);
    peer_stop_listening(shim);
    if (shim->exec)
        exec_record_end(shim);
    else
        write_record(shim);
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
    if (shim->state == SHIM_RUNNING && !shim->peers && !output_is_flowing(shim)) {
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

static int shim_on_end(EventSource *source, int fd, uint32_t events, void *data)
{
    Shim *shim = data;

    (void)source;
    (void)fd;
    (void)events;
    event_source_free(TAKE_PTR(shim->end));
    run_reap(shim);
    shim_record_end(shim);
    /* The owner goes on with its part while we take the cgroup down. */
    shim_advance(shim);
    run_free(shim);
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
    run_free(shim);
    shim_record_end(shim);

    shim->is_told = true;
    shim_send_failure(shim->owner->fd, err);
    peers_owe_exit(shim, shim->owner);
}

void shim_start(Shim *shim)
{
    _cleanup_error_ Error err = {};

    if (run_start(shim, shim_on_end, &err) < 0) {
        shim_fail_start(shim, &err);
        return;
    }
    shim->state = SHIM_RUNNING;
    shim->exit.started_at = time_now();
    (void)shim_message_send(
        shim->owner->fd, /* if it has gone, the loop will see it */
        &(ShimMessage) { .type = SHIM_MESSAGE_STARTED, .time = shim->exit.started_at });

    (void)file_poke_at(AT_FDCWD, "/proc/self/oom_score_adj", SHIM_OOM_SCORE); /* may be refused */
    run_settle(shim);
    memory_release();
}

void shim_abort(Shim *shim, int r)
{
    if (shim->state != SHIM_RUNNING)
        return;
    shim->exit.code = 128 + SIGKILL;
    shim->exit.error = memory_printf("supervise the container: %s", strerror(-r));
    run_free(shim);
    shim_record_end(shim);
}
