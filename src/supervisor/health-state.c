/* SPDX-License-Identifier: Apache-2.0 */

/* One table: state and result to state. */

#include "supervisor/health-state.h"

typedef enum HealthResultKind {
    RESULT_PASSED,
    RESULT_EXCUSED,  /* failed while the container starts */
    RESULT_FAILED,   /* not often enough yet */
    RESULT_TOO_MANY, /* failed as often as makes it unhealthy */
    _RESULT_KIND_MAX,
} HealthResultKind;

static const struct {
    const char *name;
    HealthState next[_RESULT_KIND_MAX];
} states[_HEALTH_STATE_MAX] = {
    [HEALTH_STARTING] = { "starting",
                          { HEALTH_HEALTHY, HEALTH_STARTING, HEALTH_STARTING, HEALTH_UNHEALTHY } },
    [HEALTH_HEALTHY] = { "healthy",
                         { HEALTH_HEALTHY, HEALTH_HEALTHY, HEALTH_HEALTHY, HEALTH_UNHEALTHY } },
    [HEALTH_UNHEALTHY] = { "unhealthy",
                           { HEALTH_HEALTHY, HEALTH_UNHEALTHY, HEALTH_UNHEALTHY,
                             HEALTH_UNHEALTHY } },
};

const char *health_state_to_string(HealthState state)
{
    return states[state].name;
}

static bool is_starting(const Health *health, const ShimHealthcheck *check, int64_t age)
{
    return health->state == HEALTH_STARTING && age < check->start_period;
}

bool health_take_result(Health *health, const ShimHealthcheck *check, bool has_passed, int64_t age)
{
    HealthState before = health->state;
    HealthResultKind kind;

    if (has_passed) {
        health->failing_streak = 0;
        kind = RESULT_PASSED;
    } else if (is_starting(health, check, age)) {
        kind = RESULT_EXCUSED;
    } else {
        health->failing_streak++;
        kind = health->failing_streak < check->retries ? RESULT_FAILED : RESULT_TOO_MANY;
    }
    health->state = states[before].next[kind];
    return health->state != before;
}

int64_t health_delay(const Health *health, const ShimHealthcheck *check, int64_t age)
{
    return is_starting(health, check, age) ? check->start_interval : check->interval;
}
