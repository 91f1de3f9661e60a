/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Whether, and how soon, a container that has ended is started again. No state of its own: who asks
 * keeps the count and the delay.
 */

#include <stdbool.h>
#include <stdint.h>

/* One end of a container, as a policy sees it. */
typedef struct RestartCase {
    int32_t exit_code;
    bool is_stopped;   /* its user has ended it */
    bool is_unhealthy; /* its supervisor has, because its health checks fail */
    int64_t count;     /* how often it was started again before */
} RestartCase;

/* @policy as ContainerRestartPolicy.name; one that this version does not know never applies, and
 * neither does NULL. @maximum restarts are too many for "on-failure" and "unhealthy"; 0: none are.
 */
bool restart_policy_applies(const char *policy, int64_t maximum, const RestartCase *end);

/* Is it the policy of a container that is to be ended when it becomes unhealthy? */
bool restart_policy_wants_health(const char *policy);

/*
 * How long to wait before the next start, in nanoseconds: Docker's 100 ms, doubled each time up to
 * a minute, and begun anew after a run of ten seconds. @previous: what was waited last; 0: nothing.
 */
int64_t restart_delay(int64_t previous, int64_t ran_for);
