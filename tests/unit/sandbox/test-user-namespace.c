/* SPDX-License-Identifier: Apache-2.0 */

/* The maps of a user namespace: who may write them alone, and how newuidmap(1) is told. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "sandbox/user-namespace-private.h"

static LinuxIdMapping items[] = { { 0, 1000, 1 }, { 1, 100000, 10 }, { 4294967290U, 200000, 5 } };
static const LinuxIdMappings three = { items, 3 }, one = { items, 1 }, ten = { items + 1, 1 };

static void test_only_a_single_id_that_is_ones_own_is_oneself(void **state)
{
    (void)state;
    assert_true(id_mappings_are_self(&one, 1000));
    assert_false(id_mappings_are_self(&one, 1001));
    assert_false(id_mappings_are_self(&three, 1000));
    assert_false(id_mappings_are_self(&ten, 100000));
    assert_false(id_mappings_are_self(&(LinuxIdMappings) {}, 0));
}

static void test_the_helper_gets_the_pid_and_all_ranges(void **state)
{
    _cleanup_string_list_ StringList arguments = {};
    _cleanup_free_ char *text = NULL;

    (void)state;
    id_mappings_to_arguments(&three, "/usr/bin/newuidmap", 42, &arguments);
    text = string_list_join(&arguments, " ");
    assert_string_equal(text, "/usr/bin/newuidmap 42 0 1000 1 1 100000 10 4294967290 200000 5");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_a_single_id_that_is_ones_own_is_oneself),
        cmocka_unit_test(test_the_helper_gets_the_pid_and_all_ranges),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
