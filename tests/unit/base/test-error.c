/* SPDX-License-Identifier: Apache-2.0 */

/* Errors: kinds, messages, wrapping. */

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "scratch.h"

static void an_error_carries_kind_and_message(void **state)
{
    _cleanup_error_ Error err = {};

    (void)state;
    assert_int_equal(error_set(&err, ERROR_NOT_FOUND, "no such image: '%s'", "x"), -ENOENT);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    assert_string_equal(err.message, "no such image: 'x'");
}

static void an_errno_becomes_kind_and_text(void **state)
{
    _cleanup_error_ Error err = {};

    (void)state;
    errno = ENOSPC;
    assert_int_equal(error_errno(&err, "write '%s'", "f"), -ENOSPC);
    assert_int_equal(err.kind, ERROR_EXHAUSTED);
    assert_string_equal(err.message, "write 'f': No space left on device");
}

static void wrapping_prefixes_and_keeps_the_kind(void **state)
{
    _cleanup_error_ Error err = {};
    int r;

    (void)state;
    r = error_set(&err, ERROR_CONFLICT, "busy");
    assert_int_equal(error_wrap(&err, r, "start container '%s'", "web"), -EBUSY);
    assert_int_equal(err.kind, ERROR_CONFLICT);
    assert_string_equal(err.message, "start container 'web': busy");
}

static void wrapping_a_bare_result_records_its_text(void **state)
{
    _cleanup_error_ Error err = {};

    (void)state;
    assert_int_equal(error_wrap(&err, -EPERM, "join"), -EPERM);
    assert_int_equal(err.kind, ERROR_DENIED);
    assert_string_equal(err.message, "join: Operation not permitted");
}

static void nobody_has_to_listen(void **state)
{
    (void)state;
    errno = EIO;
    assert_int_equal(error_errno(NULL, "x"), -EIO);
    assert_int_equal(error_wrap(NULL, -EIO, "x"), -EIO);
    assert_int_equal(error_set(NULL, ERROR_INVALID, "x"), -EINVAL);
}

static void every_kind_survives_its_name(void **state)
{
    (void)state;
    for (ErrorKind kind = ERROR_SYSTEM; kind < _ERROR_KIND_MAX; kind++)
        assert_int_equal(error_kind_from_string(error_kind_to_string(kind)), kind);
    assert_int_equal(error_kind_from_string("something else"), ERROR_SYSTEM);
}

static void cleanups_keep_errno(void **state)
{
    (void)state;
    errno = ENOTDIR;
    {
        _cleanup_error_ Error err = {};

        (void)error_set(&err, ERROR_INVALID, "x");
        errno = ENOTDIR;
    }
    assert_int_equal(errno, ENOTDIR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_carries_kind_and_message),
        cmocka_unit_test(an_errno_becomes_kind_and_text),
        cmocka_unit_test(wrapping_prefixes_and_keeps_the_kind),
        cmocka_unit_test(wrapping_a_bare_result_records_its_text),
        cmocka_unit_test(nobody_has_to_listen),
        cmocka_unit_test(every_kind_survives_its_name),
        cmocka_unit_test(cleanups_keep_errno),
    };

    return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
