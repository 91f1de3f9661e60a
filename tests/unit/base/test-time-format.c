/* SPDX-License-Identifier: Apache-2.0 */

/* Times and sizes as Docker writes them. */

#include <errno.h>

#include "base/cleanup.h"
#include "base/time-format.h"
#include "scratch.h"

static void times_go_to_text_and_back(void **state)
{
    static const struct {
        int64_t time;
        const char *text;
    } cases[] = {
        { 0, "0001-01-01T00:00:00Z" },
        { INT64_C(1767323045) * NANOSECONDS_PER_SECOND + 123456789,
          "2026-01-02T03:04:05.123456789Z" },
        { INT64_C(1767323045) * NANOSECONDS_PER_SECOND + 120000000, "2026-01-02T03:04:05.12Z" },
        { INT64_C(1767323045) * NANOSECONDS_PER_SECOND, "2026-01-02T03:04:05Z" },
        { -1, "1969-12-31T23:59:59.999999999Z" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_free_ char *text = time_to_rfc3339(cases[i].time);
        int64_t time;

        assert_string_equal(text, cases[i].text);
        assert_int_equal(time_from_rfc3339(text, &time), 0);
        assert_int_equal(time, cases[i].time);
    }
}

static void zones_are_understood(void **state)
{
    int64_t time;

    (void)state;
    assert_int_equal(time_from_rfc3339("2026-01-02T05:04:05+02:00", &time), 0);
    assert_int_equal(time, INT64_C(1767323045) * NANOSECONDS_PER_SECOND);
    assert_int_equal(time_from_rfc3339("2026-01-02T03:04:05", &time), -EINVAL);
    assert_int_equal(time_from_rfc3339("2026-01-02", &time), -EINVAL);
    assert_int_equal(time_from_rfc3339("2026-01-02T03:04:05Zx", &time), -EINVAL);
    assert_int_equal(time_from_rfc3339("9999-01-02T03:04:05Z", &time), -EINVAL);
    assert_int_equal(time_from_rfc3339("", &time), -EINVAL);
}

static void ages_are_told_as_docker_does(void **state)
{
    static const struct {
        int64_t seconds;
        const char *text;
    } cases[] = {
        { 0, "Less than a second" }, { 1, "1 second" },          { 59, "59 seconds" },
        { 60, "About a minute" },    { 150, "2 minutes" },       { 3600, "About an hour" },
        { 5 * 3600, "5 hours" },     { 47 * 3600, "47 hours" },  { 48 * 3600, "2 days" },
        { 15 * 86400, "2 weeks" },   { 70 * 86400, "2 months" }, { 800 * 86400, "2 years" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_free_ char *text = time_to_human(cases[i].seconds * NANOSECONDS_PER_SECOND);

        assert_string_equal(text, cases[i].text);
    }
}

static void sizes_have_three_digits(void **state)
{
    static const struct {
        int64_t bytes;
        const char *text;
    } cases[] = {
        { 0, "0B" },        { 999, "999B" },        { 1000, "1kB" },
        { 1234, "1.23kB" }, { 113000000, "113MB" }, { 1090000000, "1.09GB" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_free_ char *text = size_to_human(cases[i].bytes);

        assert_string_equal(text, cases[i].text);
    }
}

static void binary_sizes_have_four_digits(void **state)
{
    static const struct {
        int64_t bytes;
        const char *text;
    } cases[] = {
        { 0, "0B" },
        { 1023, "1023B" },
        { 1024, "1KiB" },
        { 1536 * 1024, "1.5MiB" },
        { INT64_C(1) << 26, "64MiB" },
        { INT64_C(25276026880), "23.54GiB" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_free_ char *text = size_to_human_binary(cases[i].bytes);

        assert_string_equal(text, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_go_to_text_and_back),     cmocka_unit_test(zones_are_understood),
        cmocka_unit_test(ages_are_told_as_docker_does),  cmocka_unit_test(sizes_have_three_digits),
        cmocka_unit_test(binary_sizes_have_four_digits),
    };

    return cmocka_run_group_tests_name("time-format", tests, NULL, NULL);
}
