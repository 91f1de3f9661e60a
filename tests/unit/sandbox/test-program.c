/* SPDX-License-Identifier: Apache-2.0 */

/* Where a program is looked for, and which files the sysctls are. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "sandbox/process-files-private.h"
#include "sandbox/program-private.h"

/* The candidates for @name with the environment @variable, joined by spaces. */
static void assert_candidates(const char *name, const char *variable, const char *expected)
{
    _cleanup_string_list_ StringList candidates = {};
    _cleanup_free_ char *joined = NULL;
    RuntimeProcess process = {};

    string_list_add(&process.args, name);
    string_list_add(&process.env, "PATHS=/wrong");
    if (variable)
        string_list_add(&process.env, variable);
    program_plan(&process, &candidates);
    joined = string_list_join(&candidates, " ");
    assert_string_equal(joined, expected);
    string_list_done(&process.args);
    string_list_done(&process.env);
}

static void test_a_name_is_looked_for_in_each_directory_of_path_in_order(void **state)
{
    (void)state;
    assert_candidates("sh", "PATH=/usr/bin:/bin", "/usr/bin/sh /bin/sh");
}

static void test_an_empty_part_of_path_is_the_working_directory(void **state)
{
    (void)state;
    assert_candidates("sh", "PATH=:/bin:", "./sh /bin/sh ./sh");
    assert_candidates("sh", "PATH=", "./sh");
}

static void test_without_path_the_usual_directories_are_searched(void **state)
{
    (void)state;
    assert_candidates("sh", NULL,
                      "/usr/local/sbin/sh /usr/local/bin/sh /usr/sbin/sh /usr/bin/sh /sbin/sh "
                      "/bin/sh");
}

static void test_a_name_with_a_slash_is_not_searched(void **state)
{
    (void)state;
    assert_candidates("./sh", "PATH=/bin", "./sh");
    assert_candidates("/bin/sh", "PATH=/sbin", "/bin/sh");
    assert_candidates("", "PATH=/bin", "");
}

static void test_sysctls_are_files_whose_first_separator_counts(void **state)
{
    static const char *const names[][2] = {
        { "net.ipv4.ip_forward", "net/ipv4/ip_forward" },
        { "net/ipv4/ip_forward", "net/ipv4/ip_forward" },
        { "net.ipv4.conf.eth0/100.forwarding", "net/ipv4/conf/eth0.100/forwarding" },
        { "net/ipv4/conf/eth0.100/forwarding", "net/ipv4/conf/eth0.100/forwarding" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        _cleanup_string_map_ StringMap sysctls = {}, files = {};

        string_map_set(&sysctls, names[i][0], "1");
        sysctls_plan(&sysctls, &files);
        assert_int_equal(files.count, 1);
        assert_string_equal(files.items[0].key, names[i][1]);
        assert_string_equal(files.items[0].value, "1");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_name_is_looked_for_in_each_directory_of_path_in_order),
        cmocka_unit_test(test_an_empty_part_of_path_is_the_working_directory),
        cmocka_unit_test(test_without_path_the_usual_directories_are_searched),
        cmocka_unit_test(test_a_name_with_a_slash_is_not_searched),
        cmocka_unit_test(test_sysctls_are_files_whose_first_separator_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
