/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the results of health checks make of a container: Docker's rules, without clocks or
 * processes. */

#include <stdbool.h>
#include <stdint.h>

#include "supervisor/shim-settings.h"

typedef enum HealthState {
    HEALTH_STARTING, /* no check has passed yet */
    HEALTH_HEALTHY,
    HEALTH_UNHEALTHY,
    _HEALTH_STATE_MAX,
} HealthState;

typedef struct Health {
    HealthState state;
    int64_t failing_streak;
} Health;

/* "starting", "healthy", "unhealthy": as ShimStatus.health has it. */
const char *health_state_to_string(HealthState state);

/*
 * Take the result of one check, which began @age nanoseconds after the container's start. A failure
 * in the start period does not count as long as no check has passed. Returns whether the state has
 * changed.
 */
bool health_take_result(Health *health, const ShimHealthcheck *check, bool has_passed, int64_t age);

/* How long to wait for the next check, @age nanoseconds after the container's start. */
int64_t health_delay(const Health *health, const ShimHealthcheck *check, int64_t age);
