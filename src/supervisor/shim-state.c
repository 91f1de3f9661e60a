/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a shim tells of its container to those who are not connected: its status, in the lock file,
 * and events. Neither may fail the container.
 */

#include <unistd.h>

#include "base/memory.h"
#include "supervisor/shim-private.h"
#include "supervisor/shim-status.h"

static const char *const state_names[_SHIM_STATE_MAX] = {
    [SHIM_CREATED] = "created",
    [SHIM_RUNNING] = "running",
    [SHIM_RESTARTING] = "restarting",
    [SHIM_ENDED] = "ended",
};

void state_write(const Shim *shim)
{
    const ShimStatus status = {
        .state = (char *)(shim->is_paused ? "paused" : state_names[shim->state]),
        .pid = shim->state == SHIM_CREATED || shim->state == SHIM_RUNNING ? run_pid(shim) : 0,
        .shim_pid = getpid(),
        .started_at = shim->exit.started_at,
        .finished_at = shim->last_end.finished_at,
        .exit_code = shim->last_end.code,
        .oom_killed = shim->last_end.oom_killed,
        .restart_count = shim->exit.restart_count,
        .health = (char *)health_name(shim),
        .failing_streak = health_failing_streak(shim),
    };

    if (shim->exec)
        return;
    (void)shim_status_write(SHIM_FD_LOCK, &status); /* there is none, or the disk is full */
}

void state_event(const Shim *shim, const char *action, const StringMap *details)
{
    if (!shim->exec)
        shim_event(shim, action, details);
}

void state_event_signal(const Shim *shim, int signal)
{
    _cleanup_free_ char *number = memory_printf("%d", signal);
    _cleanup_string_map_ StringMap details = {};

    string_map_set(&details, "signal", number);
    state_event(shim, "kill", &details);
}
