/* SPDX-License-Identifier: Apache-2.0 */

/* The table of commands: how spellings are found, and that the table itself is sound. */

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "cli/commands.h"
#include "cli/exit-codes.h"

#define WORDS_MAX 8

typedef struct Line {
    char *words[WORDS_MAX];
    Invocation invocation;
    const CommandGroup *group;
    Error error;
    int result;
} Line;

/* @text is changed: its words end with NUL afterwards. */
static void find(Line *line, char *text)
{
    char *rest = text;

    *line = (Line) { .invocation.arguments = line->words };
    for (char *word = strsep(&rest, " "); word; word = strsep(&rest, " "))
        line->words[line->invocation.n_arguments++] = word;
    line->result = command_find(&line->invocation, &line->group, &line->error);
}

static void all_spellings_lead_to_the_same_command(void **state)
{
    static const struct {
        const char *line, *first_argument;
        CommandFunction execute;
    } cases[] = {
        { "images -q", "-q", cli_image_list },
        { "image ls -q", "-q", cli_image_list },
        { "image list -q", "-q", cli_image_list },
        { "rmi x", "x", cli_image_remove },
        { "image remove x", "x", cli_image_remove },
        { "load", NULL, cli_image_load },
        { "image load", NULL, cli_image_load },
        { "history x", "x", cli_image_history },
        { "tag a b", "a", cli_image_tag },
        { "image bootstrap x", "x", cli_image_bootstrap },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_free_ char *text = strdup(cases[i].line);
        Line line;

        find(&line, text);
        assert_int_equal(line.result, 0);
        assert_ptr_equal(line.invocation.command->execute, cases[i].execute);
        assert_int_equal(strncmp(cases[i].line, line.invocation.name, strlen(line.invocation.name)),
                         0);
        if (cases[i].first_argument)
            assert_string_equal(line.invocation.arguments[0], cases[i].first_argument);
        else
            assert_null(line.invocation.arguments[0]);
    }
}

static void a_group_alone_asks_for_its_help(void **state)
{
    static const char *const lines[] = { "image", "image --help", "image -h" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        _cleanup_free_ char *text = strdup(lines[i]);
        Line line;

        find(&line, text);
        assert_int_equal(line.result, OPTIONS_HELP);
        assert_string_equal(line.group->name, "image");
    }
}

static void unknown_commands_get_the_nearest_one(void **state)
{
    static const struct {
        const char *line, *message;
        ErrorKind kind;
    } cases[] = {
        { "imags", "unknown command 'imags', did you mean 'image'?", ERROR_INVALID },
        { "rnmi x", "unknown command 'rnmi', did you mean 'rmi'?", ERROR_INVALID },
        { "image lst", "unknown command 'image lst', did you mean 'image ls'?", ERROR_INVALID },
        { "frobnicate", "unknown command 'frobnicate', see 'cay --help'", ERROR_INVALID },
        { "generate-manua", "unknown command 'generate-manua', see 'cay --help'", ERROR_INVALID },
        { "build .", "command 'build' is not supported by this version", ERROR_UNSUPPORTED },
        { "image build x", "command 'image build' is not supported by this version",
          ERROR_UNSUPPORTED },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_free_ char *text = strdup(cases[i].line);
        Line line;

        find(&line, text);
        assert_true(line.result < 0);
        check_error(&line.error, cases[i].kind, cases[i].message);
    }
}

static void two_words_in_one_argument_are_no_command(void **state)
{
    char word[] = "image ls";
    char *words[] = { word, NULL };
    Invocation invocation = { .arguments = words, .n_arguments = 1 };
    const CommandGroup *group = NULL;

    (void)state;
    assert_true(command_find(&invocation, &group, NULL) < 0);
}

static void check_options(const Command *command, const OptionTable *table)
{
    const char *previous = "";

    for (size_t i = 0; i < table->n_options; i++) {
        const Option *option = &table->options[i];

        if (strcmp(previous, option->name) >= 0)
            fail_msg("%s: '%s' after '%s'", command->names[0], option->name, previous);
        if (option_is_boolean(option) != (option->argument == NULL))
            fail_msg("%s: '%s' has a wrong placeholder", command->names[0], option->name);
        assert_non_null(option->help);
        assert_true(option->type != OPTION_HANDLER || option->handler);
        for (size_t j = 0; j < i; j++)
            assert_true(!option->short_name || option->short_name != table->options[j].short_name);
        for (size_t j = 0; j < table->n_unsupported; j++)
            assert_string_not_equal(option->name, table->unsupported[j].name);
        previous = option->name;
    }
}

static void the_table_has_no_contradictions(void **state)
{
    (void)state;
    for (size_t i = 0; command_at(i); i++) {
        const Command *command = command_at(i);

        for (size_t j = 0; j < COMMAND_NAMES_MAX && command->names[j]; j++) {
            const char *space = strchr(command->names[j], ' ');

            assert_ptr_equal(command_by_name(command->names[j]), command);
            if (space) {
                _cleanup_free_ char *group =
                    strndup(command->names[j], (size_t)(space - command->names[j]));
                assert_non_null(command_group_by_name(group));
            }
        }
        assert_non_null(command->execute);
        assert_true(command->min_arguments <= command->max_arguments);
        check_options(command, command->options);
    }
}

static void exit_codes_follow_kind_then_options_then_command(void **state)
{
    static const Command run = { .failure_code = 125, .flags = COMMAND_EXECUTES }, other = {};
    Invocation of_run = { .command = &run }, of_other = { .command = &other }, of_none = {};
    const Error missing = { .kind = ERROR_PROGRAM_MISSING };
    const Error unusable = { .kind = ERROR_PROGRAM_UNUSABLE };
    const Error invalid = { .kind = ERROR_INVALID };

    (void)state;
    assert_int_equal(exit_code_for_error(&of_run, &missing), 127);
    assert_int_equal(exit_code_for_error(&of_run, &unusable), 126);
    assert_int_equal(exit_code_for_error(&of_run, &invalid), 125);
    assert_int_equal(exit_code_for_error(&of_other, &invalid), 1);
    assert_int_equal(exit_code_for_error(&of_other, &missing), 1);
    assert_int_equal(exit_code_for_error(&of_none, &invalid), 1);
    of_other.is_misuse = true;
    assert_int_equal(exit_code_for_error(&of_other, &invalid), 1);
    of_other.wrong_options = true;
    assert_int_equal(exit_code_for_error(&of_other, &invalid), 125);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_spellings_lead_to_the_same_command),
        cmocka_unit_test(a_group_alone_asks_for_its_help),
        cmocka_unit_test(unknown_commands_get_the_nearest_one),
        cmocka_unit_test(two_words_in_one_argument_are_no_command),
        cmocka_unit_test(the_table_has_no_contradictions),
        cmocka_unit_test(exit_codes_follow_kind_then_options_then_command),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
