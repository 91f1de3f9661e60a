/* SPDX-License-Identifier: Apache-2.0 */

/*
 * From one state of a container to the next: created, running, then restarting and running again as
 * its policy wants, ended. Whoever has to know is told here, in the order that lets any of them be
 * killed meanwhile: the record first, the status, the events, then the peers.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/time-format.h"
#include "supervisor/restart-policy.h"
#include "supervisor/shim-exit-private.h"
#include "supervisor/shim-private.h"

/* Below every process that is not protected on purpose: the container is to be killed first. */
#define SHIM_OOM_SCORE "-998"
#define OOM_SCORE_PATH "/proc/self/oom_score_adj"
#define OOM_SCORE_SIZE_MAX 64

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
        r = run_prepare(shim, &err);
    }
    if (r >= 0)
        r = peer_listen(shim, &err);
    if (r < 0) {
        run_free(shim); /* nothing is left when the owner hears of it */
        shim_send_failure(SHIM_FD_SOCKET, &err);
        return r;
    }
    state_write(shim);
    return 0;
}

/* --- the end of a run --- */

/* Fix the record in its file. It is not synced: after a power loss the container is gone whatever
 * it says. */
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

static void set_exit_text(Shim *shim)
{
    free(shim->exit_text);
    shim->exit_text = shim_exit_to_text(&shim->exit);
}

static bool will_restart(const Shim *shim)
{
    const ShimSettings *settings = &shim->settings;
    const RestartCase end = {
        .exit_code = shim->exit.code,
        .is_stopped = shim->exit.is_stopped,
        .is_unhealthy = shim->is_unhealthy,
        .count = shim->exit.restart_count,
    };

    return !settings->auto_remove &&
           restart_policy_applies(settings->restart, settings->restart_maximum, &end);
}

static void report_die(const Shim *shim)
{
    int64_t ran_for = shim->exit.finished_at - shim->exit.started_at;
    _cleanup_free_ char *code = memory_printf("%d", shim->exit.code);
    _cleanup_free_ char *seconds =
        memory_printf("%lld", (long long)(ran_for / NANOSECONDS_PER_SECOND));
    _cleanup_string_map_ StringMap more = {};

    string_map_set(&more, "exitCode", code);
    string_map_set(&more, "execDuration", seconds);
    state_event(shim, "die", &more);
}

/* Nothing will run again. */
static void close_down(Shim *shim)
{
    shim->state = SHIM_ENDED;
    /* Kept, they would hold the root file system after the container's end. */
    fd_closep(&shim->rootfs_fd);
    fd_closep(&shim->cache_fd);
}

/* The state first: whoever finds that nobody listens any more finds there why. */
static void publish(Shim *shim)
{
    state_write(shim);
    if (shim->state == SHIM_ENDED)
        peer_stop_listening(shim);
}

/* The run is over as shim->exit says, for now or for good. */
static void end_run(Shim *shim, bool is_last)
{
    ShimExit *exit = &shim->exit;

    exit->finished_at = time_now();
    exit->is_restarting = !is_last && will_restart(shim);
    shim->last_end = *exit;
    shim->last_end.error = NULL; /* belongs to the other */
    shim->is_paused = false;
    peer_forget_holds(shim);
    control_forget_timeout(shim);
    health_stop(shim);

    if (exit->is_restarting)
        shim->state = SHIM_RESTARTING;
    else
        close_down(shim);
    set_exit_text(shim);
    if (shim->exec)
        exec_record_end(shim);
    else
        write_record(shim);
    publish(shim);
    output_begin_drain(shim);
    input_reset(shim);
}

/* The end of a program that ran, apart from one that could not be executed at all. */
static void report_end(const Shim *shim)
{
    report_die(shim);
    if (shim->state == SHIM_ENDED && shim->is_stopping)
        state_event(shim, "stop", NULL);
}

static void peers_owe_exit(Shim *shim, const Peer *except)
{
    shim->is_told = true;
    for (Peer *peer = shim->peers; peer; peer = peer->next)
        if (peer != except)
            peer_owe(peer, PEER_DEBT_EXIT);
}

/* --- the next run --- */

/* Whatever the shim is made by and makes has a score of its own: the container inherits the first
 * one. Either may be refused. */
static void protect(Shim *shim)
{
    if (!shim->oom_score)
        (void)file_read_at(AT_FDCWD, OOM_SCORE_PATH, OOM_SCORE_SIZE_MAX, &shim->oom_score, NULL);
    (void)file_poke_at(AT_FDCWD, OOM_SCORE_PATH, SHIM_OOM_SCORE);
}

static void unprotect(const Shim *shim)
{
    if (shim->oom_score)
        (void)file_poke_at(AT_FDCWD, OOM_SCORE_PATH, shim->oom_score);
}

static int on_restart(EventSource *source, void *data);

/* What a run leaves behind ends here, so that it cannot be taken for the next one's. */
static void plan_restart(Shim *shim)
{
    int64_t ran_for =
        shim->exit.started_at > 0 ? shim->exit.finished_at - shim->exit.started_at : 0;

    shim->restart_delay = restart_delay(shim->restart_delay, ran_for);
    if (event_loop_add_timer(shim->loop, time_monotonic() + shim->restart_delay, on_restart, shim,
                             &shim->restart_timer) < 0)
        shim->exit.is_stopped = true; /* without a clock there is no next time: shim_advance() */
}

/* It was stopped while it waited: the end that was told already is the last one. */
static void end_wait(Shim *shim)
{
    if (shim->restart_timer)
        event_source_free(TAKE_PTR(shim->restart_timer));
    shim->exit.is_restarting = false;
    close_down(shim);
    set_exit_text(shim);
    write_record(shim);
    publish(shim);
    if (shim->is_stopping)
        state_event(shim, "stop", NULL);
    shim->is_told = false;
}

static void has_started(Shim *shim)
{
    shim->state = SHIM_RUNNING;
    shim->exit.started_at = time_now();
    health_start(shim);
    state_write(shim);
    state_event(shim, "start", NULL);
}

static int on_end(EventSource *source, int fd, uint32_t events, void *data);

static const struct {
    ErrorKind kind;
    int code;
} start_codes[] = { { ERROR_PROGRAM_MISSING, 127 }, { ERROR_PROGRAM_UNUSABLE, 126 } };

/* The exit record of a run that came to nothing. */
static void fail_run(Shim *shim, const Error *err)
{
    shim->exit.code = 128;
    for (size_t i = 0; i < ARRAY_SIZE(start_codes); i++)
        if (start_codes[i].kind == err->kind)
            shim->exit.code = start_codes[i].code;
    shim->exit.error = memory_strdup(error_message(err));
    run_free(shim);
    end_run(shim, shim->state == SHIM_CREATED);
}

static void forget_run(Shim *shim)
{
    int64_t count = shim->exit.restart_count;

    run_close(shim);
    shim_exit_done(&shim->exit);
    shim->exit.restart_count = count + 1;
    shim->is_told = shim->is_unhealthy = false;
    shim->last_signal = 0;
}

/* The run is made, or @r says that it could not be: execute its program. */
static void start_again(Shim *shim, int r, Error *err)
{
    if (r >= 0)
        r = run_start(shim, on_end, err);
    if (r < 0) {
        fail_run(shim, err);
        report_die(shim);
        if (shim->state == SHIM_RESTARTING)
            plan_restart(shim);
        return;
    }
    run_settle(shim);
    has_started(shim);
}

static void on_plugged(Shim *shim, int r, Error *err)
{
    start_again(shim, r, err);
    shim_advance(shim);
}

static void restart(Shim *shim)
{
    _cleanup_error_ Error err = {};
    int r;

    forget_run(shim);
    unprotect(shim);
    r = run_create(shim, &err);
    if (r >= 0 && plug_is_wanted(shim))
        r = plug_begin(shim, on_plugged, &err);
    protect(shim);
    if (r >= 0)
        r = run_prepare(shim, &err);
    if (r < 0 || !shim->plug)
        start_again(shim, r, &err);
}

/* It was stopped while its networks were made: the end that was told already is the last one. */
static void abandon_run(Shim *shim)
{
    int64_t count = shim->exit.restart_count;

    run_free(shim);
    shim_exit_done(&shim->exit);
    shim->exit = shim->last_end;
    shim->exit.restart_count = count;
    shim->exit.is_stopped = true;
    output_begin_drain(shim);
    input_reset(shim);
}

static int on_restart(EventSource *source, void *data)
{
    Shim *shim = data;

    event_source_free(source);
    shim->restart_timer = NULL; /* from here on it is due: shim_advance() */
    shim_advance(shim);
    return 0;
}

/* --- every event's end --- */

/* Whoever is attached has heard the end of what it is attached to. */
static bool attached_have_heard(const Shim *shim)
{
    for (const Peer *peer = shim->peers; peer; peer = peer->next)
        if (peer->debts && peer->streams)
            return false;
    return true;
}

static bool all_have_heard(const Shim *shim)
{
    for (const Peer *peer = shim->peers; peer; peer = peer->next)
        if (peer->debts)
            return false;
    return true;
}

/* Deliver what the run has left. True when all who are attached have it. */
static bool deliver_end(Shim *shim)
{
    if (!output_drain(shim))
        return false;
    if (!shim->is_told)
        peers_owe_exit(shim, NULL);
    return attached_have_heard(shim);
}

static void advance_restarting(Shim *shim)
{
    bool is_stopped = shim->exit.is_stopped;

    if (is_stopped && shim->plug)
        abandon_run(shim);
    if (is_stopped)
        end_wait(shim);
    else if (!shim->plug && deliver_end(shim) && !shim->restart_timer)
        restart(shim);
}

/* True when there is nothing left to do. */
static bool advance_ended(Shim *shim)
{
    return deliver_end(shim) && (!shim->owner || shim->is_taken) && all_have_heard(shim);
}

/* Nobody takes its output: until somebody does, or it ends, there is nothing to be kept. */
static void rest(Shim *shim)
{
    if (shim->state != SHIM_RUNNING && shim->state != SHIM_RESTARTING)
        return;
    for (const Peer *peer = shim->peers; peer; peer = peer->next)
        if (peer->streams)
            return;
    if (output_is_flowing(shim))
        return;
    output_forget(shim);
    memory_release();
}

void shim_advance(Shim *shim)
{
    if (shim->state == SHIM_RESTARTING)
        advance_restarting(shim);
    if ((shim->state == SHIM_CREATED && !shim->owner) ||
        (shim->state == SHIM_ENDED && advance_ended(shim)))
        event_loop_quit(shim->loop, 0);
    rest(shim);
}

/* A signal that ends a program by its default action was meant to, where nothing says otherwise. */
static bool was_killed(const Shim *shim)
{
    return shim->last_signal > 0 && shim->settings.stop_signal == 0 &&
           shim->exit.code == 128 + shim->last_signal;
}

static int on_end(EventSource *source, int fd, uint32_t events, void *data)
{
    Shim *shim = data;

    (void)source;
    (void)fd;
    (void)events;
    event_source_free(TAKE_PTR(shim->end));
    run_reap(shim);
    if (was_killed(shim))
        shim->exit.is_stopped = true;
    end_run(shim, false);
    report_end(shim);
    if (shim->state == SHIM_RESTARTING) {
        run_free(shim); /* who hears of this end finds nothing of it */
        plan_restart(shim);
    }
    /* The owner goes on with its part while we take the cgroup down. */
    shim_advance(shim);
    run_free(shim);
    rest(shim);
    return 0;
}

void shim_start(Shim *shim)
{
    _cleanup_error_ Error err = {};

    if (run_start(shim, on_end, &err) < 0) {
        fail_run(shim, &err);
        shim_send_failure(shim->owner->fd, &err);
        peers_owe_exit(shim, shim->owner);
        return;
    }
    has_started(shim);
    (void)shim_message_send(
        shim->owner->fd, /* if it has gone, the loop will see it */
        &(ShimMessage) { .type = SHIM_MESSAGE_STARTED, .time = shim->exit.started_at });

    protect(shim);
    run_settle(shim);
    memory_release();
}

void shim_abort(Shim *shim, int r)
{
    if (shim->state != SHIM_RUNNING && shim->state != SHIM_RESTARTING)
        return;
    if (shim->state == SHIM_RUNNING) {
        shim->exit.code = 128 + SIGKILL;
        shim->exit.error = memory_printf("supervise the container: %s", strerror(-r));
    }
    run_free(shim);
    end_run(shim, true);
}
