/* SPDX-License-Identifier: Apache-2.0 */

/* Points in time as users write them. */

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/time-format.h"
#include "base/time-parse.h"
#include "scratch.h"

#define NOW (INT64_C(1767323045) * NANOSECONDS_PER_SECOND) /* 2026-01-02T03:04:05Z */

typedef struct WhenCase {
    const char *text;
    int64_t time;
} WhenCase;

static void check_cases(const WhenCase *cases, size_t n_cases)
{
    for (size_t i = 0; i < n_cases; i++) {
        int64_t time = -1;

        assert_int_equal(time_parse_when(cases[i].text, NOW, &time), 0);
        assert_int_equal(time, cases[i].time);
    }
}

static void durations_seconds_and_dates_with_a_zone_are_times(void **state)
{
    static const WhenCase cases[] = {
        { "10m", NOW - 600 * NANOSECONDS_PER_SECOND },
        { "1h30m", NOW - 5400 * NANOSECONDS_PER_SECOND },
        { "-5s", NOW + 5 * NANOSECONDS_PER_SECOND },
        { "0", 0 },
        { "1767323045", NOW },
        { "1767323045.25", NOW + 250000000 },
        { "1767323045.0000000019", NOW + 1 },
        { "2026-01-02T03:04:05Z", NOW },
        { "2026-01-02T03:04:05.000000001Z", NOW + 1 },
        { "2026-01-02T05:04:05+02:00", NOW },
        { "2026-01-02T03:04Z", NOW - 5 * NANOSECONDS_PER_SECOND },
        { "2026-01-02T03-01:00", NOW + (3600 - 245) * NANOSECONDS_PER_SECOND },
        { "2026-01-02Z", NOW - 11045 * NANOSECONDS_PER_SECOND },
    };

    (void)state;
    check_cases(cases, ARRAY_SIZE(cases));
}

static void a_date_without_a_zone_is_local_time(void **state)
{
    static const WhenCase cases[] = {
        { "2026-01-02T05:04:05", NOW },
        { "2026-01-02T05:04:05.5", NOW + NANOSECONDS_PER_SECOND / 2 },
        { "2026-01-02", NOW - (11045 + 7200) * NANOSECONDS_PER_SECOND },
    };

    (void)state;
    assert_int_equal(setenv("TZ", "TEST-2", 1), 0); /* two hours east */
    tzset();
    check_cases(cases, ARRAY_SIZE(cases));
}

static void anything_else_is_refused(void **state)
{
    static const struct {
        const char *text;
        int result;
    } cases[] = {
        { "", -EINVAL },
        { "yesterday", -EINVAL },
        { "10", 0 },
        { "10x", -EINVAL },
        { "1.", -EINVAL },
        { ".", -EINVAL },
        { "1.2.3", -EINVAL },
        { "2026-1-2", -EINVAL },
        { "2026-13-01Z", -EINVAL },
        { "2026-01-02T25Z", -EINVAL },
        { "2026-01-02T03:04:05.Z", -EINVAL },
        { "2026-01-02T03:04:05+2", -EINVAL },
        { "2026-01-02T03:04:05Z ", -EINVAL },
        { "99999999999999999999", -ERANGE },
        { "9999-01-01Z", -ERANGE },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int64_t time;

        assert_int_equal(time_parse_when(cases[i].text, NOW, &time), cases[i].result);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_seconds_and_dates_with_a_zone_are_times),
        cmocka_unit_test(a_date_without_a_zone_is_local_time),
        cmocka_unit_test(anything_else_is_refused),
    };

    return cmocka_run_group_tests_name("time-parse", tests, NULL, NULL);
}
