/* SPDX-License-Identifier: Apache-2.0 */

/* Log drivers and their options. */

#include <stdio.h>
#include <string.h>

#include "check.h"
#include "supervisor/log-options.h"

static void check(const char *driver, const char *key, const char *value, ErrorKind kind,
                  const char *message)
{
    _cleanup_string_map_ StringMap options = {};
    _cleanup_error_ Error err = {};
    int r;

    if (key)
        string_map_set(&options, key, value);
    r = log_options_validate(driver, &options, &err);
    if (kind == ERROR_NONE) {
        assert_int_equal(r, 0);
        return;
    }
    assert_true(r < 0);
    assert_int_equal(err.kind, kind);
    assert_non_null(strstr(error_message(&err), message));
}

static void what_there_is_is_accepted(void **state)
{
    static const char *const cases[][3] = {
        { NULL, NULL, NULL },
        { "json-file", "max-size", "10m" },
        { "json-file", "max-size", "-1" },
        { "json-file", "max-file", "5" },
        { "json-file", "compress", "false" },
        { "json-file", "labels-regex", "^(a|b)" },
        { "local", "max-size", "1k" },
        { "local", "mode", "blocking" },
        { NULL, "mode", "non-blocking" },
        { "none", NULL, NULL },
        { "journald", "tag", "{{.Name}}" },
        { "syslog", "syslog-address", "udp://127.0.0.1:514" },
        { "syslog", "syslog-address", "tcp://[::1]" },
        { "syslog", "syslog-address", "unixgram:///dev/log" },
        { "syslog", "syslog-facility", "local3" },
        { "syslog", "syslog-format", "rfc5424micro" },
        { "syslog", "cache-disabled", "true" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        check(cases[i][0], cases[i][1], cases[i][2], ERROR_NONE, NULL);
}

static void what_there_is_not_is_refused_by_name(void **state)
{
    static const struct {
        const char *driver, *key, *value;
        ErrorKind kind;
        const char *message;
    } cases[] = {
        { "gelf", NULL, NULL, ERROR_INVALID,
          "unknown log driver 'gelf': there are 'json-file', 'local', 'none', 'journald', "
          "'syslog'" },
        { "local", "tag", "x", ERROR_INVALID,
          "unknown log option 'tag' for log driver 'local': there are 'compress', 'max-file', "
          "'max-size', 'mode'" },
        { "none", "max-size", "1m", ERROR_INVALID, "log driver 'none' has no options" },
        { NULL, "max-size", "huge", ERROR_INVALID, "log option 'max-size=huge': write it as" },
        { NULL, "max-size", "0", ERROR_INVALID, "max-size=0" },
        { NULL, "max-file", "0", ERROR_INVALID, "a number from 1 to" },
        { NULL, "compress", "true", ERROR_UNSUPPORTED, "not compressed" },
        { NULL, "mode", "fast", ERROR_INVALID, "there are 'blocking' and 'non-blocking'" },
        { NULL, "max-buffer-size", "1m", ERROR_INVALID, "unknown log option 'max-buffer-size'" },
        { "syslog", "max-buffer-size", "1m", ERROR_INVALID, "needs 'mode=non-blocking'" },
        { NULL, "env-regex", "(", ERROR_INVALID, "no regular expression" },
        { "syslog", "syslog-address", "tcp+tls://127.0.0.1", ERROR_UNSUPPORTED, "no TLS" },
        { "syslog", "syslog-address", "udp://logs.example", ERROR_UNSUPPORTED, "IP address" },
        { "syslog", "syslog-address", "udp://127.0.0.1:0", ERROR_INVALID, "ADDRESS:PORT" },
        { "syslog", "syslog-address", "udp://[::1", ERROR_INVALID, "']' is missing" },
        { "syslog", "syslog-address", "unix://dev/log", ERROR_INVALID, "absolute" },
        { "syslog", "syslog-address", "/dev/log", ERROR_INVALID, "begins with" },
        { "syslog", "syslog-facility", "24", ERROR_INVALID, "from 0 to 23" },
        { "syslog", "syslog-format", "rfc1", ERROR_INVALID, "'rfc3164'" },
        { "syslog", "syslog-tls-key", "k", ERROR_UNSUPPORTED, "syslog-tls-key" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        check(cases[i].driver, cases[i].key, cases[i].value, cases[i].kind, cases[i].message);
}

static void each_driver_has_its_file(void **state)
{
    static const struct {
        const char *driver, *key, *value, *name;
        LogFormat format;
        int64_t max_size, max_files;
    } cases[] = {
        { NULL, NULL, NULL, "cafe-json.log", LOG_FORMAT_JSON, 10 << 20, 3 },
        { "json-file", "max-size", "-1", "cafe-json.log", LOG_FORMAT_JSON, -1, 3 },
        { "local", "max-file", "2", "container.log", LOG_FORMAT_LOCAL, 20 << 20, 2 },
        { "syslog", "cache-max-size", "1k", "container-cached.log", LOG_FORMAT_LOCAL, 1024, 5 },
        { "journald", "cache-disabled", "true", "", LOG_FORMAT_NONE, 0, 0 },
        { "none", NULL, NULL, "", LOG_FORMAT_NONE, 0, 0 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_string_map_ StringMap options = {};
        LogFileSettings settings;

        if (cases[i].key)
            string_map_set(&options, cases[i].key, cases[i].value);
        log_file_settings(cases[i].driver, &options, "cafe", &settings);
        assert_string_equal(settings.name, cases[i].name);
        assert_int_equal(settings.format, cases[i].format);
        assert_int_equal(settings.max_size, cases[i].max_size);
        assert_int_equal(settings.max_files, cases[i].max_files);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_there_is_is_accepted),
        cmocka_unit_test(what_there_is_not_is_refused_by_name),
        cmocka_unit_test(each_driver_has_its_file),
    };

    return cmocka_run_group_tests_name("log-options", tests, NULL, NULL);
}
