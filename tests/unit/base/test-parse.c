/* SPDX-License-Identifier: Apache-2.0 */

/* Strict parsers: tables of what is taken, with its value, and of what is refused. */

#include <errno.h>
#include <signal.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "scratch.h"

typedef struct Case {
    const char *text;
    int result;
    int64_t value;
} Case;

static void check_all(const Case *cases, size_t count, int (*parse)(const char *, int64_t *))
{
    for (size_t i = 0; i < count; i++) {
        int64_t value = -77;
        int r = parse(cases[i].text, &value);

        if (r != cases[i].result || (r == 0 && value != cases[i].value))
            fail_msg("'%s' gave %d and %lld", cases[i].text, r, (long long)value);
        if (r < 0)
            assert_int_equal(value, -77); /* written only on success */
    }
}

static void whole_numbers_are_taken_whole(void **state)
{
    static const Case cases[] = {
        { "0", 0, 0 },
        { "-1", 0, -1 },
        { "9223372036854775807", 0, INT64_MAX },
        { "-9223372036854775808", 0, INT64_MIN },
        { "9223372036854775808", -ERANGE, 0 },
        { "99999999999999999999999", -ERANGE, 0 },
        { "", -EINVAL, 0 },
        { "-", -EINVAL, 0 },
        { " 1", -EINVAL, 0 },
        { "1 ", -EINVAL, 0 },
        { "+1", -EINVAL, 0 },
        { "0x10", -EINVAL, 0 },
        { "1.0", -EINVAL, 0 },
    };

    (void)state;
    check_all(cases, ARRAY_SIZE(cases), parse_i64);
}

static void narrow_numbers_have_their_own_range(void **state)
{
    uint32_t unsigned_value;
    int32_t signed_value;

    (void)state;
    assert_int_equal(parse_u32("4294967295", &unsigned_value), 0);
    assert_int_equal(unsigned_value, UINT32_MAX);
    assert_int_equal(parse_u32("4294967296", &unsigned_value), -ERANGE);
    assert_int_equal(parse_u32("-1", &unsigned_value), -EINVAL);
    assert_int_equal(parse_i32("-2147483648", &signed_value), 0);
    assert_int_equal(signed_value, INT32_MIN);
    assert_int_equal(parse_i32("2147483648", &signed_value), -ERANGE);
}

static void modes_are_octal(void **state)
{
    uint32_t mode;

    (void)state;
    assert_int_equal(parse_mode("1777", &mode), 0);
    assert_int_equal(mode, 01777);
    assert_int_equal(parse_mode("10000", &mode), -ERANGE);
    assert_int_equal(parse_mode("8", &mode), -EINVAL);
}

static void booleans_are_those_of_docker(void **state)
{
    bool value;

    (void)state;
    assert_int_equal(parse_bool("true", &value), 0);
    assert_true(value);
    assert_int_equal(parse_bool("F", &value), 0);
    assert_false(value);
    assert_int_equal(parse_bool("yes", &value), -EINVAL);
    assert_int_equal(parse_bool("", &value), -EINVAL);
}

static void sizes_have_binary_units(void **state)
{
    static const Case cases[] = {
        { "0", 0, 0 },
        { "42", 0, 42 },
        { "42b", 0, 42 },
        { "1k", 0, 1024 },
        { "1K", 0, 1024 },
        { "1kb", 0, 1024 },
        { "1KiB", 0, 1024 },
        { "512m", 0, INT64_C(512) << 20 },
        { "1.5g", 0, INT64_C(3) << 29 },
        { ".5k", 0, 512 },
        { "64 MB", 0, INT64_C(64) << 20 },
        { "1t", 0, INT64_C(1) << 40 },
        { "1p", 0, INT64_C(1) << 50 },
        { "8192p", -ERANGE, 0 },
        { "", -EINVAL, 0 },
        { "m", -EINVAL, 0 },
        { ".", -EINVAL, 0 },
        { "1x", -EINVAL, 0 },
        { "1bb", -EINVAL, 0 },
        { "1mm", -EINVAL, 0 },
        { "-1m", -EINVAL, 0 },
        { "1.2.3m", -EINVAL, 0 },
        { "1 m m", -EINVAL, 0 },
    };

    (void)state;
    check_all(cases, ARRAY_SIZE(cases), parse_size);
}

static void bit_rates_have_decimal_units_of_bits_or_bytes(void **state)
{
    static const Case cases[] = {
        { "0", 0, 0 },
        { "9600", 0, 9600 },
        { "9600bit", 0, 9600 },
        { "800k", 0, 800000 },
        { "10mbit", 0, 10000000 },
        { "10Mbit", 0, 10000000 },
        { "1.5mbyte", 0, 12000000 },
        { "2byte", 0, 16 },
        { "1g", 0, 1000000000 },
        { "9223372036854775808", -ERANGE, 0 },
        { "", -EINVAL, 0 },
        { "m", -EINVAL, 0 },
        { "bit", -EINVAL, 0 },
        { "1mb", -EINVAL, 0 },
        { "1mmbit", -EINVAL, 0 },
        { "1 mbit", -EINVAL, 0 },
        { "-1", -EINVAL, 0 },
        { "1.2.3m", -EINVAL, 0 },
    };

    (void)state;
    check_all(cases, ARRAY_SIZE(cases), parse_bit_rate);
}

static void fractions_of_cpus_are_exact(void **state)
{
    static const Case cases[] = {
        { "1", 0, 1000000000 },
        { "1.5", 0, 1500000000 },
        { "0.000000001", 0, 1 },
        { "0.0000000019", 0, 1 },
        { "0.123456789123456789123456789", 0, 123456789 },
        { "", -EINVAL, 0 },
        { "1.5x", -EINVAL, 0 },
        { "1e3", -EINVAL, 0 },
        { "99999999999", -ERANGE, 0 },
    };

    (void)state;
    check_all(cases, ARRAY_SIZE(cases), parse_nano);
}

static void durations_are_those_of_go(void **state)
{
    static const Case cases[] = {
        { "0", 0, 0 },
        { "1s", 0, 1000000000 },
        { "1.5s", 0, 1500000000 },
        { "1h2m3s", 0, INT64_C(3723) * 1000000000 },
        { "100ms", 0, 100000000 },
        { "5us", 0, 5000 },
        { "-1m", 0, INT64_C(-60) * 1000000000 },
        { "1", -EINVAL, 0 },
        { "", -EINVAL, 0 },
        { "s", -EINVAL, 0 },
        { "1d", -EINVAL, 0 },
        { "1s2", -EINVAL, 0 },
        { "9999999h", -ERANGE, 0 },
    };

    (void)state;
    check_all(cases, ARRAY_SIZE(cases), parse_duration);
}

static void signals_have_names_and_numbers(void **state)
{
    static const struct {
        const char *text;
        int result;
        int signal;
    } cases[] = {
        { "TERM", 0, SIGTERM },    { "SIGTERM", 0, SIGTERM },
        { "sigkill", 0, SIGKILL }, { "9", 0, 9 },
        { "64", 0, 64 },           { "0", -ERANGE, 0 },
        { "65", -ERANGE, 0 },      { "NOPE", -EINVAL, 0 },
        { "", -EINVAL, 0 },        { "SIG", -EINVAL, 0 },
        { "9x", -EINVAL, 0 },      { "RTMIN+64", -ERANGE, 0 },
        { "RTMIN-1", -EINVAL, 0 },
    };
    int signal;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int r = parse_signal(cases[i].text, &signal);

        if (r != cases[i].result || (r == 0 && signal != cases[i].signal))
            fail_msg("'%s' gave %d", cases[i].text, r);
    }
    assert_int_equal(parse_signal("RTMIN+3", &signal), 0);
    assert_int_equal(signal, SIGRTMIN + 3);
    assert_int_equal(parse_signal("SIGRTMAX-1", &signal), 0);
    assert_int_equal(signal, SIGRTMAX - 1);
}

static void cpu_lists_are_ascending_ranges(void **state)
{
    static const struct {
        const char *text;
        int result;
    } cases[] = {
        { "0", 0 },          { "0-3,7", 0 },
        { "3,1", 0 },        { " 0-3, 7 ", 0 },
        { "", -EINVAL },     { " ", -EINVAL },
        { "1-", -EINVAL },   { "1 - 2", -EINVAL },
        { "3-1", -EINVAL },  { "1,", -EINVAL },
        { "a", -EINVAL },    { "0 1", -EINVAL },
        { "8192", -ERANGE }, { "0-99999999", -ERANGE },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        if (parse_cpu_list(cases[i].text) != cases[i].result)
            fail_msg("'%s' gave %d", cases[i].text, parse_cpu_list(cases[i].text));
}

static void a_number_set_has_the_numbers_of_its_ranges(void **state)
{
    NumberSet set = {};

    (void)state;
    assert_int_equal(parse_number_set("0,2-3,63-65,8191", &set), 0);
    for (unsigned i = 0; i < NUMBER_SET_MAX; i++) {
        bool is_listed = i == 0 || i == 2 || i == 3 || (i >= 63 && i <= 65) || i == 8191;

        assert_int_equal((set.bits[i / NUMBER_SET_WORD] >> i % NUMBER_SET_WORD) & 1, is_listed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers_are_taken_whole),
        cmocka_unit_test(narrow_numbers_have_their_own_range),
        cmocka_unit_test(modes_are_octal),
        cmocka_unit_test(booleans_are_those_of_docker),
        cmocka_unit_test(sizes_have_binary_units),
        cmocka_unit_test(bit_rates_have_decimal_units_of_bits_or_bytes),
        cmocka_unit_test(fractions_of_cpus_are_exact),
        cmocka_unit_test(durations_are_those_of_go),
        cmocka_unit_test(signals_have_names_and_numbers),
        cmocka_unit_test(cpu_lists_are_ascending_ranges),
        cmocka_unit_test(a_number_set_has_the_numbers_of_its_ranges),
    };

    return cmocka_run_group_tests_name("parse", tests, NULL, NULL);
}
