/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What clients have done to a container that runs: signals, its end, pauses, other settings. Each
 * returns 0 or the -errno that its caller is answered with: -ESRCH where there is nothing any more
 * to do it to.
 */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>

#include "base/time-format.h"
#include "supervisor/restart-policy.h"
#include "supervisor/shim-private.h"

/* What is longer is for ever. */
#define TIMEOUT_MAX INT32_MAX

/* Those that ask for the end where the container names no signal of its own for it. */
static const int ending_signals[] = { SIGTERM, SIGINT, SIGQUIT };

static int stop_signal(const Shim *shim)
{
    return shim->settings.stop_signal > 0 ? shim->settings.stop_signal : SIGTERM;
}

/* Does whoever sends it want the container to be over? Others, a HUP, are for the program. */
static bool is_ending(const Shim *shim, int signal)
{
    if (signal == SIGKILL || shim->settings.stop_signal > 0)
        return signal == SIGKILL || signal == shim->settings.stop_signal;
    for (size_t i = 0; i < ARRAY_SIZE(ending_signals); i++)
        if (ending_signals[i] == signal)
            return true;
    return false;
}

int control_signal(Shim *shim, int signal)
{
    if (shim->state != SHIM_CREATED && shim->state != SHIM_RUNNING)
        return -ESRCH;
    if (signal < 1)
        return -EINVAL; /* 0 would only ask */
    return pidfd_send_signal(run_pidfd(shim), signal, NULL, 0) < 0 ? -errno : 0;
}

static int set_paused(Shim *shim, bool is_paused)
{
    Cgroup *cgroup = run_cgroup(shim);
    int r;

    if (!cgroup)
        return -EOPNOTSUPP;
    r = is_paused ? cgroup_freeze(cgroup, NULL) : cgroup_thaw(cgroup, NULL);
    if (r < 0)
        return r;
    shim->is_paused = is_paused;
    if (!is_paused) {
        health_resume(shim);
        peer_forget_holds(shim);
    }
    state_write(shim);
    state_event(shim, is_paused ? "pause" : "unpause", NULL);
    return 0;
}

/* A zombie takes signals too, until the loop comes to reap it. */
static bool has_ended(const Shim *shim)
{
    struct pollfd process = { .fd = run_pidfd(shim), .events = POLLIN };

    return poll(&process, 1, 0) > 0;
}

/* A signal that is to end the container, which could not act on it while it is frozen. */
static int send_ending(Shim *shim, int signal)
{
    int r = has_ended(shim) ? -ESRCH : control_signal(shim, signal);

    if (r >= 0)
        state_event_signal(shim, signal);
    if (shim->is_paused && r >= 0)
        (void)set_paused(shim, false); /* else SIGKILL at the end of the timeout may still do it */
    return r;
}

/* The rest of its cgroup is killed with the first process: run_free(). */
static int on_timeout(EventSource *source, void *data)
{
    Shim *shim = data;

    (void)source;
    control_forget_timeout(shim);
    if (shim->state == SHIM_RUNNING)
        (void)send_ending(shim, SIGKILL); /* it may be ending just now */
    shim_advance(shim);
    return 0;
}

void control_forget_timeout(Shim *shim)
{
    if (shim->stop_timer)
        event_source_free(TAKE_PTR(shim->stop_timer));
}

/* Of several who stop it, the most impatient one decides. */
static int set_timeout(Shim *shim, int64_t seconds)
{
    int64_t deadline = time_monotonic();

    if (seconds < 0 || seconds > TIMEOUT_MAX)
        return 0;
    deadline += seconds * NANOSECONDS_PER_SECOND;
    if (shim->stop_timer && deadline >= shim->stop_deadline)
        return 0;
    control_forget_timeout(shim);
    shim->stop_deadline = deadline;
    return event_loop_add_timer(shim->loop, deadline, on_timeout, shim, &shim->stop_timer);
}

static int end_running(Shim *shim, int signal, int64_t timeout)
{
    int ending = signal > 0 ? signal : stop_signal(shim);
    int r = send_ending(shim, ending);

    if (r == -ESRCH) /* it has ended; the loop is about to see it */
        return 0;
    if (r < 0 || ending == SIGKILL) /* nothing ends it any better */
        return r;
    return set_timeout(shim, timeout);
}

int control_stop(Shim *shim, const ShimStop *stop)
{
    int64_t timeout =
        stop->timeout == SHIM_STOP_DEFAULT ? shim->settings.stop_timeout : stop->timeout;
    int r = 0;

    if (shim->state == SHIM_CREATED || shim->state == SHIM_ENDED)
        return -ESRCH;
    if (stop->signal < 0 || stop->signal > SIGRTMAX || timeout < -1)
        return -EINVAL;
    if (shim->state == SHIM_RUNNING)
        r = end_running(shim, stop->signal, timeout);
    if (r < 0)
        return r;
    shim->is_stopping = shim->exit.is_stopped = true;
    return 0;
}

int control_kill(Shim *shim, int signal)
{
    int r = 0;

    if (shim->state == SHIM_CREATED || shim->state == SHIM_ENDED)
        return -ESRCH;
    if (signal < 1 || signal > SIGRTMAX)
        return -EINVAL;
    if (is_ending(shim, signal)) {
        if (shim->state == SHIM_RUNNING)
            r = send_ending(shim, signal);
        if (r >= 0 || r == -ESRCH) /* it has ended, which the loop is about to see */
            shim->exit.is_stopped = true;
        return r == -ESRCH ? 0 : r;
    }
    if (shim->state != SHIM_RUNNING)
        return 0;
    r = control_signal(shim, signal);
    if (r < 0)
        return r;
    shim->last_signal = signal;
    state_event_signal(shim, signal);
    return 0;
}

int control_pause(Shim *shim, bool is_paused)
{
    if (shim->state == SHIM_RESTARTING)
        return -EBUSY;
    if (shim->state != SHIM_RUNNING)
        return -ESRCH;
    return shim->is_paused == is_paused ? -EALREADY : set_paused(shim, is_paused);
}

int control_hold(Shim *shim)
{
    int r = control_pause(shim, true);

    return r == -EALREADY && peer_any_holds(shim) ? 0 : r;
}

int control_reload(Shim *shim)
{
    _cleanup_error_ Error err = {};
    ShimSettings settings = {};
    int r;

    if (shim->state == SHIM_ENDED)
        return -ESRCH;
    r = shim_settings_read(SHIM_FD_BUNDLE, &settings, &err);
    if (r < 0)
        return err.kind == ERROR_CORRUPT ? -EBADMSG : r;
    shim_settings_done(&shim->settings);
    shim->settings = settings;
    return 0;
}

void shim_restart_unhealthy(Shim *shim)
{
    if (shim->state != SHIM_RUNNING || !restart_policy_wants_health(shim->settings.restart))
        return;
    shim->is_unhealthy = true;
    (void)end_running(shim, 0, shim->settings.stop_timeout); /* or it is ending already */
}
