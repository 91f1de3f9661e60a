/* SPDX-License-Identifier: Apache-2.0 */

/* The records that engines read. */

#include "check.h"

#include "base/cleanup.h"
#include "oci/log-record.h"

#define A_TIME INT64_C(1767323045123456789) /* 2026-01-02T03:04:05.123456789Z */

static void json_is_one_line_whatever_the_message_holds(void **state)
{
    _cleanup_free_ char *record = log_record_make("exec: \"a\\b\"\nno", A_TIME, true);

    (void)state;
    assert_string_equal(record, "{\"level\":\"error\",\"msg\":\"exec: \\\"a\\\\b\\\"\\nno\","
                                "\"time\":\"2026-01-02T03:04:05.123456789Z\"}\n");
}

static void text_is_one_line_whatever_the_message_holds(void **state)
{
    _cleanup_free_ char *record = log_record_make("exec: \"a\\b\"\nno", A_TIME, false);

    (void)state;
    assert_string_equal(record, "time=\"2026-01-02T03:04:05.123456789Z\" level=error "
                                "msg=\"exec: \\\"a\\\\b\\\"\\x0ano\"\n");
}

static void a_message_that_is_no_text_is_recorded_all_the_same(void **state)
{
    _cleanup_free_ char *record = log_record_make("bundle '\xff'", A_TIME, true);

    (void)state;
    assert_string_equal(record, "{\"level\":\"error\",\"msg\":\"bundle '\xef\xbf\xbd'\","
                                "\"time\":\"2026-01-02T03:04:05.123456789Z\"}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_is_one_line_whatever_the_message_holds),
        cmocka_unit_test(text_is_one_line_whatever_the_message_holds),
        cmocka_unit_test(a_message_that_is_no_text_is_recorded_all_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
