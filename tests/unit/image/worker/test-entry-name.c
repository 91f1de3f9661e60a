/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Names of members: what becomes which path, and what is refused.
 */

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "image/worker/entry-name.h"

static void plain_names_come_out_without_ornaments(void **state)
{
    static const struct {
        const char *raw, *clean;
    } names[] = {
        { "a", "a" },
        { "./a", "a" },
        { "a/", "a" },
        { "./", "" },
        { ".", "" },
        { "./.", "" },
        { "a//b", "a/b" },
        { "a/./b/.", "a/b" },
        { "..a/b..", "..a/b.." },
        { "...", "..." },
        { "a\\../b", "a\\../b" },
        { "\xff/\n", "\xff/\n" },
        { "./.wh.x", ".wh.x" },
        { "a/.b", "a/.b" },
    };
    ImageLimits limits = image_limits_default();

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        _cleanup_free_ char *clean = NULL;

        assert_int_equal(entry_name_clean(names[i].raw, &limits, &clean, NULL), 0);
        assert_string_equal(clean, names[i].clean);
    }
}

static void names_that_could_leave_are_refused_by_name(void **state)
{
    static const char *const names[] = { "..", "../a", "a/..", "a/../b", "./..", "/", "/a", "//a" };
    ImageLimits limits = image_limits_default();

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        _cleanup_error_ Error err = {};
        char *clean = NULL;

        assert_int_equal(entry_name_clean(names[i], &limits, &clean, &err), -EINVAL);
        assert_int_equal(err.kind, ERROR_INVALID);
        assert_non_null(strstr(err.message, names[i]));
        assert_null(clean);
    }
}

static void the_empty_name_is_refused(void **state)
{
    ImageLimits limits = image_limits_default();
    char *clean = NULL;

    (void)state;
    assert_int_equal(entry_name_clean("", &limits, &clean, NULL), -EINVAL);
}

static int clean_result(const char *raw, const ImageLimits *limits)
{
    _cleanup_free_ char *clean = NULL;

    return entry_name_clean(raw, limits, &clean, NULL);
}

static void lengths_are_limited_to_the_byte(void **state)
{
    ImageLimits limits = image_limits_default();
    char name[NAME_MAX + 2] = {};

    (void)state;
    memset(name, 'x', NAME_MAX);
    assert_int_equal(clean_result(name, &limits), 0);
    name[NAME_MAX] = 'x';
    assert_int_equal(clean_result(name, &limits), -EINVAL);

    limits.max_path = 4;
    assert_int_equal(clean_result("ab/c", &limits), 0);
    assert_int_equal(clean_result("ab/cd", &limits), -EINVAL);
}

static void no_limit_lets_more_than_the_kernels_path_through(void **state)
{
    ImageLimits limits = image_limits_default();
    char name[PATH_MAX + 1] = {};

    (void)state;
    limits.max_path = INT64_MAX;
    limits.max_depth = INT64_MAX;
    for (size_t i = 0; i < PATH_MAX - 1; i++)
        name[i] = i % 2 ? '/' : 'x';
    assert_int_equal(clean_result(name, &limits), 0);
    name[PATH_MAX - 1] = 'x';
    assert_int_equal(clean_result(name, &limits), -EINVAL);
}

static void depth_is_limited(void **state)
{
    ImageLimits limits = image_limits_default();

    (void)state;
    limits.max_depth = 2;
    assert_int_equal(clean_result("a/./b/", &limits), 0);
    assert_int_equal(clean_result("a/b/c", &limits), -ENOSPC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_names_come_out_without_ornaments),
        cmocka_unit_test(names_that_could_leave_are_refused_by_name),
        cmocka_unit_test(the_empty_name_is_refused),
        cmocka_unit_test(lengths_are_limited_to_the_byte),
        cmocka_unit_test(no_limit_lets_more_than_the_kernels_path_through),
        cmocka_unit_test(depth_is_limited),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
