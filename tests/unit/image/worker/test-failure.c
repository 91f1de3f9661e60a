/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Names from archives in messages, and what a full disk is called.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "image/worker/failure.h"

static void names_become_printable_ascii(void **state)
{
    static const struct {
        const char *name, *quoted;
    } names[] = {
        { "usr/bin", "usr/bin" },
        { "a b~", "a b~" },
        { "\x1b[2J", "\\x1b[2J" },
        { "\xc3\xa9", "\\xc3\\xa9" },
        { "\x7f\n", "\\x7f\\x0a" },
        { "back\\", "back\\x5c" },
        { "", "" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        _cleanup_free_ char *quoted = failure_quote(names[i].name);

        assert_string_equal(quoted, names[i].quoted);
    }
}

static void long_names_are_cut(void **state)
{
    _cleanup_free_ char *quoted = NULL;
    char name[5000];

    (void)state;
    memset(name, 'x', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    quoted = failure_quote(name);
    assert_true(strlen(quoted) < 200);
    assert_string_equal(quoted + strlen(quoted) - 4, "x...");
}

static void a_full_disk_and_a_full_quota_are_the_same(void **state)
{
    static const int codes[] = { ENOSPC, EDQUOT };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
        _cleanup_error_ Error err = {};

        assert_int_equal(failure_write(&err, -codes[i], "write '%s'", "x"), -codes[i]);
        assert_int_equal(err.kind, ERROR_EXHAUSTED);
        assert_string_equal(err.message, "no space left to write 'x'");
    }
}

static void other_failures_keep_their_reason(void **state)
{
    _cleanup_error_ Error err = {};

    (void)state;
    assert_int_equal(failure_write(&err, -EIO, "write '%s'", "x"), -EIO);
    assert_int_equal(err.kind, ERROR_SYSTEM);
    assert_string_equal(err.message, "write 'x': Input/output error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_become_printable_ascii),
        cmocka_unit_test(long_names_are_cut),
        cmocka_unit_test(a_full_disk_and_a_full_quota_are_the_same),
        cmocka_unit_test(other_failures_keep_their_reason),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
