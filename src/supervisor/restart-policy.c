/* SPDX-License-Identifier: Apache-2.0 */

/* The restart policies, one row each. */

#include "supervisor/restart-policy.h"

#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/time-format.h"

#define DELAY_FIRST (NANOSECONDS_PER_SECOND / 10)
#define DELAY_MAX (60 * NANOSECONDS_PER_SECOND)
#define RUN_THAT_COUNTS (10 * NANOSECONDS_PER_SECOND)

static bool always(const RestartCase *end)
{
    (void)end;
    return true;
}

static bool on_failure(const RestartCase *end)
{
    return end->exit_code != 0;
}

static bool unhealthy(const RestartCase *end)
{
    return end->is_unhealthy;
}

typedef struct PolicyRow {
    const char *name;
    bool (*applies)(const RestartCase *end);
    bool is_limited;
    bool wants_health;
} PolicyRow;

static const PolicyRow policies[] = {
    { "always", always, false, false },
    /* what it adds concerns the start of the machine */
    { "unless-stopped", always, false, false },
    { "on-failure", on_failure, true, false },
    { "unhealthy", unhealthy, true, true },
};

static const PolicyRow *find(const char *policy)
{
    for (size_t i = 0; policy && i < ARRAY_SIZE(policies); i++)
        if (strcmp(policies[i].name, policy) == 0)
            return &policies[i];
    return NULL;
}

bool restart_policy_applies(const char *policy, int64_t maximum, const RestartCase *end)
{
    const PolicyRow *row = find(policy);

    if (!row || end->is_stopped || !row->applies(end))
        return false;
    return !row->is_limited || maximum <= 0 || end->count < maximum;
}

bool restart_policy_wants_health(const char *policy)
{
    const PolicyRow *row = find(policy);

    return row && row->wants_health;
}

int64_t restart_delay(int64_t previous, int64_t ran_for)
{
    if (previous <= 0 || ran_for >= RUN_THAT_COUNTS)
        return DELAY_FIRST;
    return previous < DELAY_MAX / 2 ? 2 * previous : DELAY_MAX;
}
