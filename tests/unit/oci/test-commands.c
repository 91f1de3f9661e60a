/* SPDX-License-Identifier: Apache-2.0 */

/* The table of commands and its options. */

#include "check.h"

#include <string.h>

#include "oci/commands.h"

static void a_command_is_found_by_its_name(void **state)
{
    const Command *command;

    (void)state;
    assert_int_equal(command_find("create", &command, NULL), 0);
    assert_string_equal(command->name, "create");
}

static void an_unknown_command_is_answered_with_the_nearest(void **state)
{
    const Command *command;
    Error err = {};

    (void)state;
    assert_true(command_find("creat", &command, &err) < 0);
    check_error(&err, ERROR_INVALID, "unknown command 'creat', did you mean 'create'?");
    assert_true(command_find("restore", &command, &err) < 0);
    check_error(&err, ERROR_UNSUPPORTED,
                "'restore' is not supported: checkpoints need CRIU, which is not used");
}

static void check_sorted(const OptionTable *table)
{
    for (size_t i = 1; i < table->n_options; i++)
        assert_true(strcmp(table->options[i - 1].name, table->options[i].name) < 0);
}

/* Engines write runc's command lines: options end where arguments begin. */
static void options_are_sorted_and_end_at_the_first_argument(void **state)
{
    (void)state;
    check_sorted(&global_option_table);
    assert_true(global_option_table.stop_at_positional);
    for (size_t i = 0; i < n_commands; i++) {
        check_sorted(commands[i].options);
        assert_true(commands[i].options->stop_at_positional);
        if (i > 0)
            assert_true(strcmp(commands[i - 1].name, commands[i].name) < 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_is_found_by_its_name),
        cmocka_unit_test(an_unknown_command_is_answered_with_the_nearest),
        cmocka_unit_test(options_are_sorted_and_end_at_the_first_argument),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
