/* SPDX-License-Identifier: Apache-2.0 */

/* One record of a log as an entry. */

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "check.h"
#include "engine/log-record.h"

#define AT "\"time\":\"1970-01-01T00:00:01.5Z\""

static bool decode(LogFormat format, const char *record, char **ret_line, LogEntry *ret)
{
    *ret_line = memory_printf("%s\n", record);
    return log_record_decode(format, *ret_line, strlen(*ret_line), ret);
}

static void records_are_decoded(void **state)
{
    static const struct {
        LogFormat format;
        const char *record, *text, *attributes;
        bool is_stderr;
        int64_t time;
    } cases[] = {
        { LOG_FORMAT_JSON, "{\"log\":\"hello\\n\",\"stream\":\"stdout\"," AT "}", "hello\n", NULL,
          false, 1500000000 },
        { LOG_FORMAT_JSON, "{\"log\":\"\",\"stream\":\"stderr\"," AT "}", "", NULL, true,
          1500000000 },
        { LOG_FORMAT_JSON,
          "{\"log\":\"\\u003c\\\"\\\\\\/\\t\\u00e9\\ufffd\\u2028\\ud83d\\ude00\\ud83d\"," AT "}",
          "<\"\\/\t\u00e9\ufffd\u2028\U0001f600\ufffd", NULL, false, 1500000000 },
        { LOG_FORMAT_JSON,
          "{\"log\":\"a\",\"stream\":\"stdout\",\"attrs\":{\"k\":\"v}\\\"\",\"l\":\"\"}," AT "}",
          "a", "{\"k\":\"v}\\\"\",\"l\":\"\"}", false, 1500000000 },
        { LOG_FORMAT_JSON, "{ " AT ", \"x\": [1,{\"log\":2}], \"n\":null, \"log\": \"b\" }", "b",
          NULL, false, 1500000000 },
        { LOG_FORMAT_LOCAL, "00000000000000ffohello", "hello\n", NULL, false, 255 },
        { LOG_FORMAT_LOCAL, "00000000000000ffe", "\n", NULL, true, 255 },
        { LOG_FORMAT_LOCAL, "00000000000000ffErest", "rest", NULL, true, 255 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_free_ char *line = NULL;
        LogEntry entry;

        assert_true(decode(cases[i].format, cases[i].record, &line, &entry));
        assert_int_equal(entry.size, strlen(cases[i].text));
        assert_memory_equal(entry.text, cases[i].text, entry.size);
        assert_int_equal(entry.is_stderr, cases[i].is_stderr);
        assert_int_equal(entry.time, cases[i].time);
        assert_int_equal(entry.attributes_size,
                         cases[i].attributes ? strlen(cases[i].attributes) : 0);
        if (cases[i].attributes)
            assert_memory_equal(entry.attributes, cases[i].attributes, entry.attributes_size);
    }
}

static void anything_else_is_none(void **state)
{
    static const struct {
        LogFormat format;
        const char *record;
    } cases[] = {
        { LOG_FORMAT_JSON, "" },
        { LOG_FORMAT_JSON, "{}" },
        { LOG_FORMAT_JSON, "{\"log\":\"a\"}" },
        { LOG_FORMAT_JSON, "{" AT "}" },
        { LOG_FORMAT_JSON, "{\"log\":\"a\"," AT },
        { LOG_FORMAT_JSON, "{\"log\":\"a," AT "}" },
        { LOG_FORMAT_JSON, "{\"log\":\"a\\\"," AT "}" },
        { LOG_FORMAT_JSON, "{\"log\":\"\\x\"," AT "}" },
        { LOG_FORMAT_JSON, "{\"log\":\"\\u12\"," AT "}" },
        { LOG_FORMAT_JSON, "{\"log\":\"a\",\"time\":\"now\"}" },
        { LOG_FORMAT_JSON, "{\"log\":1," AT "}" },
        { LOG_FORMAT_JSON, "{\"log\":\"a\",\"x\":[[}," AT "}" },
        { LOG_FORMAT_JSON, "hello" },
        { LOG_FORMAT_LOCAL, "00000000000000ff" },
        { LOG_FORMAT_LOCAL, "00000000000000ffx" },
        { LOG_FORMAT_LOCAL, "00000000000000FFo" },
        { LOG_FORMAT_LOCAL, "80000000000000ffo" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_free_ char *line = NULL;
        LogEntry entry;

        assert_false(decode(cases[i].format, cases[i].record, &line, &entry));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_decoded),
        cmocka_unit_test(anything_else_is_none),
    };

    return cmocka_run_group_tests_name("log-record", tests, NULL, NULL);
}
