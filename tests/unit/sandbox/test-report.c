/* SPDX-License-Identifier: Apache-2.0 */

/* Reports: put together without memory, sent whole, told as an Error. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/socket.h"
#include "sandbox/report-private.h"

static void test_a_failed_call_becomes_its_parts_and_the_text_of_errno(void **state)
{
    _cleanup_error_ Error err = {};
    Report report = {};

    (void)state;
    assert_int_equal(report_result(&report, -EROFS, "mount '", "/x", "'"), -EROFS);
    assert_int_equal(report_to_error(&report, &err), -EROFS);
    assert_int_equal(err.kind, ERROR_DENIED);
    assert_int_equal(err.errnum, EROFS);
    assert_string_equal(err.message, "mount '/x': Read-only file system");
}

static void test_a_message_of_a_kind_stands_alone(void **state)
{
    _cleanup_error_ Error err = {};
    Report report = {};

    (void)state;
    assert_int_equal(report_set(&report, ERROR_PROGRAM_MISSING, "exec: \"", "foo", "\""), -ENOENT);
    assert_int_equal(report_to_error(&report, &err), -ENOENT);
    assert_int_equal(err.kind, ERROR_PROGRAM_MISSING);
    assert_string_equal(err.message, "exec: \"foo\"");
}

static void test_a_kind_that_errno_would_not_give_is_kept(void **state)
{
    _cleanup_error_ Error err = {};
    Report report = {};

    (void)state;
    (void)report_record(&report, ERROR_SYSTEM, -ENOENT, (const char *const[]) { "x", NULL });
    (void)report_to_error(&report, &err);
    assert_int_equal(err.kind, ERROR_SYSTEM);
    assert_int_equal(report_to_error(&report, NULL), -ENOENT);
}

static void test_text_that_is_too_long_is_cut_off(void **state)
{
    Report report;
    char text[2 * sizeof(report.text)];

    (void)state;
    memset(&report, 'x', sizeof(report));
    memset(text, 'a', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    (void)report_set(&report, ERROR_INVALID, "b", text, "c");
    assert_int_equal(strlen(report.text), sizeof(report.text) - 1);
    assert_int_equal(report.text[0], 'b');
    assert_int_equal(report.text[sizeof(report.text) - 2], 'a');
}

static void test_a_report_arrives_with_its_descriptor(void **state)
{
    _cleanup_close_ int sent = open("/dev/null", O_RDONLY | O_CLOEXEC), received = -EBADF;
    const Report report = { .kind = ERROR_INVALID, .text = "text" };
    Report read_back;
    int sockets[2];

    (void)state;
    assert_int_equal(socket_pair(sockets), 0);
    assert_int_equal(report_send(&report, sockets[1], &sent, 1), 0);
    assert_int_equal(report_receive(&read_back, sockets[0], &received), 1);
    assert_memory_equal(&read_back, &report, sizeof(report));
    assert_true(received >= 0);
    fd_close(sockets[0]);
    fd_close(sockets[1]);
}

static void test_the_other_ends_end_is_told_from_a_report(void **state)
{
    int sockets[2], fd;
    Report report;

    (void)state;
    assert_int_equal(socket_pair(sockets), 0);
    assert_int_equal(socket_send(sockets[0], "unread", 6, NULL, 0), 0);
    fd_close(sockets[1]);
    assert_int_equal(report_receive(&report, sockets[0], &fd), 0);
    fd_close(sockets[0]);
}

static void test_what_is_no_report_is_refused(void **state)
{
    const Report wrong_kind = { .kind = _ERROR_KIND_MAX };
    int sockets[2], fd;
    Report report;

    (void)state;
    assert_int_equal(socket_pair(sockets), 0);
    assert_int_equal(socket_send(sockets[1], "short", 5, NULL, 0), 0);
    assert_int_equal(report_receive(&report, sockets[0], &fd), -EBADMSG);
    assert_int_equal(report_send(&wrong_kind, sockets[1], NULL, 0), 0);
    assert_int_equal(report_receive(&report, sockets[0], &fd), -EBADMSG);
    fd_close(sockets[0]);
    fd_close(sockets[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_failed_call_becomes_its_parts_and_the_text_of_errno),
        cmocka_unit_test(test_a_message_of_a_kind_stands_alone),
        cmocka_unit_test(test_a_kind_that_errno_would_not_give_is_kept),
        cmocka_unit_test(test_text_that_is_too_long_is_cut_off),
        cmocka_unit_test(test_a_report_arrives_with_its_descriptor),
        cmocka_unit_test(test_the_other_ends_end_is_told_from_a_report),
        cmocka_unit_test(test_what_is_no_report_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
