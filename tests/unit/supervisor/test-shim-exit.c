/* SPDX-License-Identifier: Apache-2.0 */

/* The exit record: what is written is read back, and what is damaged is told from what is missing.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "supervisor/shim-exit-private.h"
#include "supervisor/shim-protocol.h"

typedef struct Bundle {
    char path[32];
    int fd;
} Bundle;

static int bundle_set_up(void **state)
{
    Bundle *bundle = NEW(Bundle);

    memcpy(bundle->path, "/tmp/shim-exit-XXXXXX", sizeof("/tmp/shim-exit-XXXXXX"));
    if (!mkdtemp(bundle->path))
        return -1;
    bundle->fd = open(bundle->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *state = bundle;
    return bundle->fd < 0 ? -1 : 0;
}

static int bundle_tear_down(void **state)
{
    Bundle *bundle = *state;

    fd_close(bundle->fd);
    (void)path_remove_tree(AT_FDCWD, bundle->path);
    free(bundle);
    return 0;
}

static void write_record(const Bundle *bundle, const char *text, size_t size)
{
    assert_int_equal(file_write_at(bundle->fd, SHIM_EXIT_NAME, text, size, 0600, 0), 0);
}

static void test_a_record_reads_as_it_was_written(void **state)
{
    const Bundle *bundle = *state;
    const ShimExit written = {
        .code = 137, .oom_killed = true, .started_at = 5, .finished_at = INT64_MAX, .error = "x: y"
    };
    _cleanup_free_ char *text = shim_exit_to_text(&written);
    _cleanup_shim_exit_ ShimExit read = {};

    write_record(bundle, text, strlen(text));
    assert_int_equal(shim_exit_read(bundle->fd, &read, NULL), 0);
    assert_int_equal(read.code, 137);
    assert_true(read.oom_killed);
    assert_int_equal(read.started_at, 5);
    assert_int_equal(read.finished_at, INT64_MAX);
    assert_string_equal(read.error, "x: y");
}

static void test_the_worst_error_fits_a_message(void **state)
{
    char error[2 * SHIM_TEXT_MAX];
    const ShimExit written = { .code = INT32_MIN,
                               .oom_killed = true,
                               .started_at = INT64_MIN,
                               .finished_at = INT64_MIN,
                               .error = error };
    _cleanup_free_ char *text = NULL;
    _cleanup_shim_exit_ ShimExit read = {};

    (void)state;
    memset(error, '\x01', sizeof(error) - 1);
    error[sizeof(error) - 1] = '\0';
    text = shim_exit_to_text(&written);
    assert_true(strlen(text) <= SHIM_TEXT_MAX);
    assert_int_equal(shim_exit_from_text(text, strlen(text), &read, NULL), 0);
    assert_int_equal(read.error[0], '\x01');
}

static void test_a_missing_record_is_not_found(void **state)
{
    const Bundle *bundle = *state;
    _cleanup_error_ Error err = {};
    ShimExit record = {};

    assert_true(shim_exit_read(bundle->fd, &record, &err) < 0);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
}

static void test_a_damaged_record_is_corrupt(void **state)
{
    static const char *const damaged[] = {
        "", "{", "[]", "{}", "{\"exitCode\":0}", "{\"exitCode\":\"0\",\"finishedAt\":1}"
    };
    const Bundle *bundle = *state;

    for (size_t i = 0; i < ARRAY_SIZE(damaged); i++) {
        _cleanup_error_ Error err = {};
        ShimExit record = {};

        write_record(bundle, damaged[i], strlen(damaged[i]));
        assert_true(shim_exit_read(bundle->fd, &record, &err) < 0);
        assert_int_equal(err.kind, ERROR_CORRUPT);
    }
}

static void test_a_record_beyond_all_measure_is_corrupt(void **state)
{
    static char large[SHIM_TEXT_MAX + 2];
    const Bundle *bundle = *state;
    _cleanup_error_ Error err = {};
    ShimExit record = {};

    memset(large, ' ', sizeof(large));
    write_record(bundle, large, sizeof(large));
    assert_true(shim_exit_read(bundle->fd, &record, &err) < 0);
    assert_int_equal(err.kind, ERROR_CORRUPT);
}

#define BUNDLE_TEST(test) cmocka_unit_test_setup_teardown(test, bundle_set_up, bundle_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BUNDLE_TEST(test_a_record_reads_as_it_was_written),
        cmocka_unit_test(test_the_worst_error_fits_a_message),
        BUNDLE_TEST(test_a_missing_record_is_not_found),
        BUNDLE_TEST(test_a_damaged_record_is_corrupt),
        BUNDLE_TEST(test_a_record_beyond_all_measure_is_corrupt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
