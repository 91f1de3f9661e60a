/* SPDX-License-Identifier: Apache-2.0 */

/* Lines that come and go in a container's /etc/hosts. */

#include "check.h"

#include "base/memory.h"
#include "engine/hosts-file.h"

static void check_edit(const char *text, const char *removed, const char *added,
                       const char *expected)
{
    _cleanup_string_list_ StringList old = {}, new = {};
    _cleanup_free_ char *edited = NULL;

    if (removed)
        string_list_split(&old, removed, '|');
    if (added)
        string_list_split(&new, added, '|');
    edited = hosts_file_edit(text, &old, &new);
    assert_string_equal(edited, expected);
}

static void new_lines_come_last(void **state)
{
    (void)state;
    check_edit("a\n", NULL, "b|c", "a\nb\nc\n");
    check_edit("", NULL, "b", "b\n");
    check_edit("without end", NULL, "b", "without end\nb\n");
}

static void a_line_is_there_once(void **state)
{
    (void)state;
    check_edit("a\nb\n", NULL, "b", "a\nb\n");
    check_edit("a\nb\n", "b", "b", "a\nb\n");
}

static void only_equal_lines_go(void **state)
{
    (void)state;
    check_edit("1\thost\n1\thost alias\n# mine\n\n", "1\thost", NULL, "1\thost alias\n# mine\n\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_lines_come_last),
        cmocka_unit_test(a_line_is_there_once),
        cmocka_unit_test(only_equal_lines_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
