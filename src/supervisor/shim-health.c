/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Health checks: one at a time, each by a checker of its own (health-checker.h), and the next one
 * an interval after its end. Nothing here waits for the container. A checker's end is the end of
 * its connection; one that does not end although its check was to be stopped is killed.
 *
 * A paused container is not checked, and the time of a check that was caught by the pause does not
 * run out.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/random-id.h"
#include "base/socket.h"
#include "base/time-format.h"
#include "supervisor/health-checker.h"
#include "supervisor/health-log.h"
#include "supervisor/health-state.h"
#include "supervisor/shim-private.h"

#define EXEC_ID_LENGTH 64
#define READ_SIZE 4096
#define FAILED_CODE (-1)

struct ShimHealth {
    Health health;
    EventSource *timer; /* the next check, or the limit of the one that runs */

    /* the check that runs */
    Process checker; /* pid 0: none does */
    int control_fd;
    int output_fd;
    EventSource *control;
    EventSource *output;
    char exec_id[EXEC_ID_LENGTH + 1];
    int64_t started_at;
    int32_t code;
    bool is_late; /* it was told to end, its time being over */
    bool is_cut;
    size_t size;
    char *text; /* HEALTH_OUTPUT_MAX bytes */
};

static const ShimHealthcheck *wanted(const Shim *shim)
{
    return shim->settings.healthcheck;
}

static int on_timer(EventSource *source, void *data);

static void arm(Shim *shim, int64_t delay)
{
    ShimHealth *health = shim->health;

    if (health->timer)
        event_source_free(TAKE_PTR(health->timer));
    /* Without a descriptor for a clock there are no more checks: the container is not to end. */
    (void)event_loop_add_timer(shim->loop, time_monotonic() + delay, on_timer, shim,
                               &health->timer);
}

static int64_t age_of(const Shim *shim, int64_t time)
{
    return time - shim->exit.started_at;
}

/* --- the check that runs --- */

/* More than is kept is read all the same, or the check would wait for us. Returns false when there
 * is nothing now. */
static bool read_output(ShimHealth *health)
{
    size_t room = HEALTH_OUTPUT_MAX - health->size, size;
    char data[READ_SIZE];
    ssize_t n = read(health->output_fd, data, sizeof(data));

    if (n == 0 && health->output)
        event_source_free(TAKE_PTR(health->output));
    if (n <= 0)
        return false;
    size = (size_t)n < room ? (size_t)n : room;
    health->is_cut |= (size_t)n > room;
    memcpy(health->text + health->size, data, size);
    health->size += size;
    return true;
}

static int on_output(EventSource *source, int fd, uint32_t events, void *data)
{
    (void)source;
    (void)fd;
    (void)events;
    (void)read_output(data);
    return 0;
}

/* Whatever still runs of it ends. */
static void drop_check(ShimHealth *health)
{
    if (health->control)
        event_source_free(TAKE_PTR(health->control));
    if (health->output)
        event_source_free(TAKE_PTR(health->output));
    fd_closep(&health->control_fd);
    fd_closep(&health->output_fd);
    process_done(&health->checker);
    free(TAKE_PTR(health->text));
}

static char *make_output(const Shim *shim)
{
    ShimHealth *health = shim->health;

    for (size_t i = 0; i < health->size; i++)
        if (health->text[i] == '\0')
            health->text[i] = ' ';
    return memory_printf("%.*s%s", (int)health->size, health->text, health->is_cut ? "..." : "");
}

static void record(Shim *shim)
{
    const ShimHealth *health = shim->health;
    double limit = (double)wanted(shim)->timeout / NANOSECONDS_PER_SECOND;
    _cleanup_free_ char *output = make_output(shim);
    _cleanup_free_ char *late =
        memory_printf("Health check exceeded timeout (%gs): %s", limit, output);
    const HealthResult result = {
        .start = health->started_at,
        .end = time_now(),
        .exit_code = health->code,
        .output = health->is_late ? late : output,
    };

    (void)health_log_add(SHIM_FD_RUNTIME, &result); /* a full disk is not the container's fault */
}

static void tell_state(Shim *shim)
{
    _cleanup_free_ char *action =
        memory_printf("health_status: %s", health_state_to_string(shim->health->health.state));

    shim_event(shim, action, NULL);
}

static void finish_check(Shim *shim)
{
    ShimHealth *health = shim->health;
    int64_t age = age_of(shim, health->started_at);
    bool has_changed;

    /* What it has started may go on writing: of that, as much as is kept. */
    while (health->size < HEALTH_OUTPUT_MAX && read_output(health))
        ;
    if (health->is_late)
        health->code = FAILED_CODE;
    shim_event_exec_end(shim, health->exec_id, health->code);
    record(shim);
    drop_check(health);
    has_changed = health_take_result(&health->health, wanted(shim), health->code == 0, age);
    state_write(shim);
    if (has_changed)
        tell_state(shim);
    arm(shim, health_delay(&health->health, wanted(shim), age_of(shim, time_now())));
    if (has_changed && health->health.state == HEALTH_UNHEALTHY)
        shim_restart_unhealthy(shim);
}

static int on_control(EventSource *source, int fd, uint32_t events, void *data)
{
    Shim *shim = data;
    HealthReport report;
    ssize_t n = socket_receive(fd, &report, sizeof(report), NULL, 0);

    (void)source;
    (void)events;
    if (n == -EAGAIN)
        return 0;
    if (!wanted(shim)) /* changed settings have taken it away */
        health_stop(shim);
    else if (n == sizeof(report) && report.type == HEALTH_REPORT_STARTED)
        shim_event_exec(shim, shim->health->exec_id, &wanted(shim)->arguments, true);
    else if (n == sizeof(report) && report.type == HEALTH_REPORT_ENDED)
        shim->health->code = report.code;
    else
        finish_check(shim);
    shim_advance(shim);
    return 0;
}

static int start_check(Shim *shim)
{
    ShimHealth *health = shim->health;
    const HealthCheckerOptions options = {
        .bundle_fd = SHIM_FD_BUNDLE,
        .cache_fd = shim->cache_fd,
        .container_pid = run_pid(shim),
        .container_pidfd = run_pidfd(shim),
        .oom_score = shim->oom_score,
        .arguments = &wanted(shim)->arguments,
    };
    int r =
        health_checker_fork(&options, &health->checker, &health->control_fd, &health->output_fd);

    if (r < 0)
        return r;
    health->text = NEW_ARRAY(char, HEALTH_OUTPUT_MAX);
    r = event_loop_add_fd(shim->loop, health->control_fd, EPOLLIN, on_control, shim,
                          &health->control);
    if (r >= 0)
        r = event_loop_add_fd(shim->loop, health->output_fd, EPOLLIN, on_output, health,
                              &health->output);
    return r;
}

static void begin_check(Shim *shim)
{
    ShimHealth *health = shim->health;

    health->started_at = time_now();
    health->code = FAILED_CODE;
    health->is_late = health->is_cut = false;
    health->size = 0;
    random_hex(health->exec_id, EXEC_ID_LENGTH);
    if (start_check(shim) < 0) { /* no process, no descriptor: that says nothing of the container */
        drop_check(health);
        arm(shim, wanted(shim)->interval);
        return;
    }
    shim_event_exec(shim, health->exec_id, &wanted(shim)->arguments, false);
    arm(shim, wanted(shim)->timeout);
}

/* The first time the check is told to end, and the program is killed; the second time the checker
 * has not come out of the container, and its end is that of its connection. */
static void end_check(Shim *shim)
{
    ShimHealth *health = shim->health;

    if (health->is_late)
        (void)process_signal(&health->checker, SIGKILL);
    else
        (void)shutdown(health->control_fd, SHUT_WR);
    health->is_late = true;
    arm(shim, wanted(shim)->timeout);
}

static int on_timer(EventSource *source, void *data)
{
    Shim *shim = data;
    ShimHealth *health = shim->health;

    event_source_free(source);
    health->timer = NULL;
    if (!wanted(shim))
        health_stop(shim);
    else if (shim->is_paused) /* until health_resume() */
        return 0;
    else if (health->checker.pid > 0)
        end_check(shim);
    else
        begin_check(shim);
    shim_advance(shim);
    return 0;
}

/* --- for the lifecycle --- */

void health_start(Shim *shim)
{
    ShimHealth *health;

    health_log_remove(SHIM_FD_RUNTIME);
    if (!wanted(shim))
        return;
    health = shim->health = NEW(ShimHealth);
    health->checker = PROCESS_INIT;
    health->control_fd = health->output_fd = -EBADF;
    arm(shim, health_delay(&health->health, wanted(shim), 0));
}

void health_stop(Shim *shim)
{
    ShimHealth *health = shim->health;

    if (!health)
        return;
    if (health->timer)
        event_source_free(health->timer);
    drop_check(health);
    free(TAKE_PTR(shim->health));
}

void health_resume(Shim *shim)
{
    const ShimHealth *health = shim->health;

    if (!health || health->timer || !wanted(shim))
        return;
    arm(shim, health->checker.pid > 0
                  ? wanted(shim)->timeout
                  : health_delay(&health->health, wanted(shim), age_of(shim, time_now())));
}

const char *health_name(const Shim *shim)
{
    return shim->health ? health_state_to_string(shim->health->health.state) : NULL;
}

int64_t health_failing_streak(const Shim *shim)
{
    return shim->health ? shim->health->health.failing_streak : 0;
}
