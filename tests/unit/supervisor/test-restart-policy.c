/* SPDX-License-Identifier: Apache-2.0 */

/* Which ends a restart policy takes for a reason, and how its patience grows. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/time-format.h"
#include "supervisor/restart-policy.h"

#define MILLISECOND (NANOSECONDS_PER_SECOND / 1000)

static const RestartCase success = { .exit_code = 0 };
static const RestartCase failure = { .exit_code = 1 };
static const RestartCase sick = { .exit_code = 0, .is_unhealthy = true };

static void test_each_policy_has_its_reasons(void **state)
{
    static const struct {
        const char *policy;
        bool success, failure, sick;
    } expected[] = {
        { NULL, false, false, false },          { "", false, false, false },
        { "no", false, false, false },          { "always", true, true, true },
        { "unless-stopped", true, true, true }, { "on-failure", false, true, false },
        { "unhealthy", false, false, true },    { "of-a-later-version", false, false, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        const char *policy = expected[i].policy;

        assert_int_equal(restart_policy_applies(policy, 0, &success), expected[i].success);
        assert_int_equal(restart_policy_applies(policy, 0, &failure), expected[i].failure);
        assert_int_equal(restart_policy_applies(policy, 0, &sick), expected[i].sick);
    }
}

static void test_what_its_user_has_stopped_stays_so(void **state)
{
    const RestartCase end = { .exit_code = 1, .is_stopped = true, .is_unhealthy = true };

    (void)state;
    assert_false(restart_policy_applies("always", 0, &end));
    assert_false(restart_policy_applies("unless-stopped", 0, &end));
    assert_false(restart_policy_applies("on-failure", 0, &end));
    assert_false(restart_policy_applies("unhealthy", 0, &end));
}

static void test_a_limit_counts_restarts_where_there_is_one(void **state)
{
    const RestartCase third = { .exit_code = 1, .is_unhealthy = true, .count = 3 };

    (void)state;
    assert_false(restart_policy_applies("on-failure", 3, &third));
    assert_true(restart_policy_applies("on-failure", 4, &third));
    assert_true(restart_policy_applies("on-failure", 0, &third));
    assert_false(restart_policy_applies("unhealthy", 3, &third));
    assert_true(restart_policy_applies("always", 3, &third));
}

static void test_patience_doubles_up_to_a_minute(void **state)
{
    int64_t delay = 0, expected = 100 * MILLISECOND;

    (void)state;
    for (int i = 0; i < 20; i++) {
        delay = restart_delay(delay, 0);
        assert_int_equal(delay, expected);
        expected =
            2 * expected < 60 * NANOSECONDS_PER_SECOND ? 2 * expected : 60 * NANOSECONDS_PER_SECOND;
    }
}

static void test_a_run_of_ten_seconds_begins_anew(void **state)
{
    (void)state;
    assert_int_equal(restart_delay(800 * MILLISECOND, 10 * NANOSECONDS_PER_SECOND - 1),
                     1600 * MILLISECOND);
    assert_int_equal(restart_delay(800 * MILLISECOND, 10 * NANOSECONDS_PER_SECOND),
                     100 * MILLISECOND);
}

static void test_only_one_policy_ends_what_is_unhealthy(void **state)
{
    (void)state;
    assert_true(restart_policy_wants_health("unhealthy"));
    assert_false(restart_policy_wants_health("always"));
    assert_false(restart_policy_wants_health(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_policy_has_its_reasons),
        cmocka_unit_test(test_what_its_user_has_stopped_stays_so),
        cmocka_unit_test(test_a_limit_counts_restarts_where_there_is_one),
        cmocka_unit_test(test_patience_doubles_up_to_a_minute),
        cmocka_unit_test(test_a_run_of_ten_seconds_begins_anew),
        cmocka_unit_test(test_only_one_policy_ends_what_is_unhealthy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
