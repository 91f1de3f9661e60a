/* SPDX-License-Identifier: Apache-2.0 */

/* Health as results make it: every state with every kind of result, and when the next check is. */

#include "check.h"

#include <string.h>

#include "base/cleanup.h"
#include "supervisor/health-state.h"

#define SECOND INT64_C(1000000000)

static const ShimHealthcheck check = {
    .interval = 30 * SECOND,
    .start_period = 60 * SECOND,
    .start_interval = 5 * SECOND,
    .retries = 3,
};

static void test_each_state_with_each_result(void **state)
{
    static const struct {
        HealthState before;
        int64_t streak_before;
        bool has_passed;
        int64_t age; /* seconds */
        HealthState after;
        int64_t streak_after;
    } cases[] = {
        { HEALTH_STARTING, 0, true, 1, HEALTH_HEALTHY, 0 },
        { HEALTH_STARTING, 0, false, 1, HEALTH_STARTING, 0 },
        { HEALTH_STARTING, 0, false, 59, HEALTH_STARTING, 0 },
        { HEALTH_STARTING, 0, false, 60, HEALTH_STARTING, 1 },
        { HEALTH_STARTING, 2, false, 60, HEALTH_UNHEALTHY, 3 },
        { HEALTH_STARTING, 2, true, 60, HEALTH_HEALTHY, 0 },
        /* once healthy, the start period is over, however long it was to be */
        { HEALTH_HEALTHY, 0, false, 1, HEALTH_HEALTHY, 1 },
        { HEALTH_HEALTHY, 1, false, 1, HEALTH_HEALTHY, 2 },
        { HEALTH_HEALTHY, 2, false, 1, HEALTH_UNHEALTHY, 3 },
        { HEALTH_HEALTHY, 2, true, 1, HEALTH_HEALTHY, 0 },
        { HEALTH_UNHEALTHY, 3, false, 1, HEALTH_UNHEALTHY, 4 },
        { HEALTH_UNHEALTHY, 3, false, 99, HEALTH_UNHEALTHY, 4 },
        { HEALTH_UNHEALTHY, 9, true, 99, HEALTH_HEALTHY, 0 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        Health health = { cases[i].before, cases[i].streak_before };
        bool has_changed =
            health_take_result(&health, &check, cases[i].has_passed, cases[i].age * SECOND);

        assert_int_equal(health.state, cases[i].after);
        assert_int_equal(health.failing_streak, cases[i].streak_after);
        assert_int_equal(has_changed, cases[i].before != cases[i].after);
    }
}

static void test_one_failure_is_enough_where_there_are_no_retries(void **state)
{
    ShimHealthcheck strict = check;
    Health health = {};

    (void)state;
    strict.retries = 1;
    strict.start_period = 0;
    assert_true(health_take_result(&health, &strict, false, 0));
    assert_string_equal(health_state_to_string(health.state), "unhealthy");
}

static void test_the_start_interval_counts_until_it_is_healthy_or_the_period_is_over(void **state)
{
    static const struct {
        HealthState state;
        int64_t age, delay; /* seconds */
    } cases[] = {
        { HEALTH_STARTING, 0, 5 }, { HEALTH_STARTING, 59, 5 },  { HEALTH_STARTING, 60, 30 },
        { HEALTH_HEALTHY, 0, 30 }, { HEALTH_HEALTHY, 100, 30 }, { HEALTH_UNHEALTHY, 1, 30 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const Health health = { .state = cases[i].state };

        assert_int_equal(health_delay(&health, &check, cases[i].age * SECOND),
                         cases[i].delay * SECOND);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_state_with_each_result),
        cmocka_unit_test(test_one_failure_is_enough_where_there_are_no_retries),
        cmocka_unit_test(test_the_start_interval_counts_until_it_is_healthy_or_the_period_is_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
