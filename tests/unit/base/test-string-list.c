/* SPDX-License-Identifier: Apache-2.0 */

/* Lists, maps and growing text. */

#include <string.h>

#include "base/string-buffer.h"
#include "base/string-list.h"
#include "scratch.h"

static void a_list_is_an_argument_vector(void **state)
{
    _cleanup_string_list_ StringList list = {};

    (void)state;
    for (int i = 0; i < 100; i++) {
        string_list_printf(&list, "%d", i);
        assert_null(list.items[list.count]);
    }
    assert_int_equal(list.count, 100);
    assert_string_equal(list.items[99], "99");
}

static void splitting_keeps_empty_parts_and_joining_undoes_it(void **state)
{
    _cleanup_string_list_ StringList list = {};
    _cleanup_free_ char *joined = NULL;

    (void)state;
    string_list_split(&list, ",a,,b", ',');
    assert_int_equal(list.count, 4);
    assert_string_equal(list.items[2], "");
    joined = string_list_join(&list, ",");
    assert_string_equal(joined, ",a,,b");
}

static void removing_takes_all_equal_items(void **state)
{
    _cleanup_string_list_ StringList list = {};

    (void)state;
    string_list_split(&list, "a b a c", ' ');
    assert_true(string_list_remove(&list, "a"));
    assert_false(string_list_remove(&list, "a"));
    assert_int_equal(list.count, 2);
    assert_string_equal(list.items[1], "c");
    assert_null(list.items[2]);
}

static void a_map_keeps_order_and_replaces(void **state)
{
    _cleanup_string_map_ StringMap map = {}, copy = {};

    (void)state;
    string_map_set(&map, "b", "1");
    string_map_set(&map, "a", "2");
    string_map_set(&map, "b", string_map_get(&map, "a"));
    string_map_copy(&copy, &map);
    assert_int_equal(copy.count, 2);
    assert_string_equal(copy.items[0].key, "b");
    assert_string_equal(copy.items[0].value, "2");
    assert_null(string_map_get(&map, "c"));
    assert_false(string_map_contains(&map, "c"));
}

static void text_grows(void **state)
{
    _cleanup_string_buffer_ StringBuffer buffer = {};
    _cleanup_free_ char *text = NULL;

    (void)state;
    assert_string_equal(string_buffer_get(&buffer), "");
    for (int i = 0; i < 1000; i++)
        string_buffer_printf(&buffer, "%03d", i);
    assert_int_equal(buffer.length, 3000);
    text = string_buffer_take(&buffer);
    assert_memory_equal(text + 2997, "999", 4);
    assert_int_equal(buffer.length, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_is_an_argument_vector),
        cmocka_unit_test(splitting_keeps_empty_parts_and_joining_undoes_it),
        cmocka_unit_test(removing_takes_all_equal_items),
        cmocka_unit_test(a_map_keeps_order_and_replaces),
        cmocka_unit_test(text_grows),
    };

    return cmocka_run_group_tests_name("string-list", tests, NULL, NULL);
}
