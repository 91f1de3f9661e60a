/* SPDX-License-Identifier: Apache-2.0 */

/* Command lines through the option parser: what is taken, and how each mistake is answered. */

#include <stdlib.h>
#include <string.h>

#include "base/json-fields.h"
#include "base/options.h"
#include "base/string-list.h"
#include "check.h"

#define ARGUMENTS_MAX 16

typedef struct Target {
    bool interactive;
    bool tty;
    OptionalBool init;
    char *name;
    StringList env;
    int64_t shares;
    OptionalInt64 timeout;
    int64_t memory;
    char *handled;
} Target;

static int take_handled(const Option *option, const char *value, void *data, Error *err)
{
    Target *target = data;

    (void)option;
    if (strcmp(value, "bad") == 0)
        return error_set(err, ERROR_INVALID, "that is bad");
    free(target->handled);
    target->handled = strdup(value);
    return 0;
}

static const Option options[] = {
    { "env", 'e', .type = OPTION_STRING_LIST, .argument = "list", .offset = offsetof(Target, env),
      .help = "Set variables" },
    { "handled", .type = OPTION_HANDLER, .argument = "thing", .handler = take_handled,
      .help = "Something" },
    { "init", .type = OPTION_OPTIONAL_BOOL, .offset = offsetof(Target, init), .help = "Init" },
    { "interactive", 'i', .type = OPTION_BOOL, .offset = offsetof(Target, interactive),
      .help = "Keep standard input open even if nobody is there to write anything to it at all" },
    { "memory", 'm', .type = OPTION_SIZE, .argument = "bytes", .offset = offsetof(Target, memory),
      .help = "Memory limit" },
    { "name", .type = OPTION_STRING, .argument = "string", .offset = offsetof(Target, name),
      .help = "Name" },
    { "nom", .type = OPTION_STRING, .argument = "string", .offset = offsetof(Target, name),
      .flags = OPTION_HIDDEN, .help = "Another spelling" },
    { "shares", 'c', .type = OPTION_INT64, .argument = "int", .offset = offsetof(Target, shares),
      .help = "Shares" },
    { "timeout", .type = OPTION_OPTIONAL_INT64, .argument = "int",
      .offset = offsetof(Target, timeout), .help = "Timeout" },
    { "tty", 't', .type = OPTION_BOOL, .offset = offsetof(Target, tty), .help = "Terminal" },
};

static const UnsupportedOption unsupported[] = { { "gpus" }, { "publish", 'p' } };

static const OptionTable stopping = { OPTION_TABLE(options), OPTION_TABLE_UNSUPPORTED(unsupported),
                                      .stop_at_positional = true };
static const OptionTable mixing = { OPTION_TABLE(options) };

typedef struct Line {
    Target target;
    char *words[ARGUMENTS_MAX];
    size_t count;
    Error error;
    int result;
} Line;

static void line_done(Line *line)
{
    free(line->target.name);
    free(line->target.handled);
    string_list_done(&line->target.env);
    error_done(&line->error);
}

#define _cleanup_line_ _cleanup_(line_done)

/* @text is split at single spaces; "_" stands for an empty argument. */
static void parse(Line *line, const OptionTable *table, char *text)
{
    size_t count = 0;
    char *rest = text;

    for (char *word = strsep(&rest, " "); word; word = strsep(&rest, " "))
        line->words[count++] = strcmp(word, "_") == 0 ? word + 1 : word;
    line->result = options_parse(table, line->words, &line->target, &line->count, &line->error);
}

#define PARSE(line, table, text)                                                                   \
    char text_of_##line[] = text;                                                                  \
    parse(&(line), &(table), text_of_##line)

static void values_follow_or_are_attached(void **state)
{
    _cleanup_line_ Line line = {};

    (void)state;
    PARSE(line, stopping, "--name a -e X=1 -eY=2 -e=Z=3 --env=W --memory=512m -c 7");
    assert_int_equal(line.result, 0);
    assert_string_equal(line.target.name, "a");
    assert_int_equal(line.target.env.count, 4);
    assert_string_equal(line.target.env.items[0], "X=1");
    assert_string_equal(line.target.env.items[1], "Y=2");
    assert_string_equal(line.target.env.items[2], "Z=3");
    assert_string_equal(line.target.env.items[3], "W");
    assert_int_equal(line.target.memory, 512 << 20);
    assert_int_equal(line.target.shares, 7);
}

static void short_options_bundle_and_the_last_takes_the_value(void **state)
{
    _cleanup_line_ Line line = {};

    (void)state;
    PARSE(line, stopping, "-itm=1g -tie A");
    assert_int_equal(line.result, 0);
    assert_true(line.target.interactive && line.target.tty);
    assert_int_equal(line.target.memory, 1 << 30);
    assert_string_equal(line.target.env.items[0], "A");
}

static void a_boolean_takes_a_value_only_after_the_equals_sign(void **state)
{
    _cleanup_line_ Line line = {}, denied = {};

    (void)state;
    PARSE(line, stopping, "--tty --init=false false");
    assert_int_equal(line.result, 0);
    assert_true(line.target.tty);
    assert_true(line.target.init.is_set);
    assert_false(line.target.init.value);
    assert_string_equal(line.words[0], "false");

    PARSE(denied, stopping, "-i -i=false");
    assert_int_equal(denied.result, 0);
    assert_false(denied.target.interactive);
    assert_false(denied.target.init.is_set);
}

static void the_last_of_several_values_wins(void **state)
{
    _cleanup_line_ Line line = {};

    (void)state;
    PARSE(line, stopping, "--name a --nom b --timeout 1 --timeout -1 --handled x --handled y");
    assert_int_equal(line.result, 0);
    assert_string_equal(line.target.name, "b");
    assert_int_equal(line.target.timeout.value, -1);
    assert_string_equal(line.target.handled, "y");
}

static void a_value_may_look_like_an_option_or_be_empty(void **state)
{
    _cleanup_line_ Line line = {};

    (void)state;
    PARSE(line, stopping, "--name --tty -e _ --handled= x");
    assert_int_equal(line.result, 0);
    assert_string_equal(line.target.name, "--tty");
    assert_string_equal(line.target.env.items[0], "");
    assert_string_equal(line.target.handled, "");
    assert_int_equal(line.count, 1);
}

static void options_end_at_the_first_positional_where_the_table_says_so(void **state)
{
    _cleanup_line_ Line line = {};

    (void)state;
    PARSE(line, stopping, "-t image -i --nonsense -- x");
    assert_int_equal(line.result, 0);
    assert_true(line.target.tty);
    assert_false(line.target.interactive);
    assert_int_equal(line.count, 5);
    assert_string_equal(line.words[0], "image");
    assert_string_equal(line.words[2], "--nonsense");
    assert_string_equal(line.words[3], "--");
    assert_null(line.words[5]);
}

static void elsewhere_options_may_follow_positionals(void **state)
{
    _cleanup_line_ Line line = {};

    (void)state;
    PARSE(line, mixing, "a -t b --name n c");
    assert_int_equal(line.result, 0);
    assert_true(line.target.tty);
    assert_int_equal(line.count, 3);
    assert_string_equal(line.words[1], "b");
    assert_string_equal(line.words[2], "c");
    assert_null(line.words[3]);
}

static void two_dashes_end_the_options_and_one_dash_is_an_argument(void **state)
{
    _cleanup_line_ Line line = {};

    (void)state;
    PARSE(line, mixing, "- -t -- -i --");
    assert_int_equal(line.result, 0);
    assert_false(line.target.interactive);
    assert_int_equal(line.count, 3);
    assert_string_equal(line.words[0], "-");
    assert_string_equal(line.words[1], "-i");
    assert_string_equal(line.words[2], "--");
}

static void help_is_always_known(void **state)
{
    _cleanup_line_ Line word = {}, letter = {}, after = {};

    (void)state;
    PARSE(word, stopping, "-t --help --nonsense");
    assert_int_equal(word.result, OPTIONS_HELP);
    PARSE(letter, stopping, "-th");
    assert_int_equal(letter.result, OPTIONS_HELP);
    PARSE(after, stopping, "image --help");
    assert_int_equal(after.result, 0);
}

static void mistakes_are_named_with_a_way_out(void **state)
{
    static const struct {
        const char *text;
        ErrorKind kind;
        const char *message;
    } lines[] = {
        { "--memroy 1g", ERROR_INVALID, "unknown option '--memroy', did you mean '--memory'?" },
        { "--memroy=1g", ERROR_INVALID, "unknown option '--memroy', did you mean '--memory'?" },
        { "--hepl", ERROR_INVALID, "unknown option '--hepl', did you mean '--help'?" },
        { "--quux", ERROR_INVALID, "unknown option '--quux', see '--help'" },
        { "--no", ERROR_INVALID, "unknown option '--no', see '--help'" },
        { "-x", ERROR_INVALID, "unknown option '-x', see '--help'" },
        { "-ix", ERROR_INVALID, "unknown option '-x' in '-ix', see '--help'" },
        { "-name", ERROR_INVALID, "unknown option '-n' in '-name', did you mean '--name'?" },
        { "--gpus all", ERROR_UNSUPPORTED, "option '--gpus' is not supported by this version" },
        { "--gpus=all", ERROR_UNSUPPORTED, "option '--gpus' is not supported by this version" },
        { "-p 80:80", ERROR_UNSUPPORTED,
          "option '-p' ('--publish') is not supported by this version" },
        { "-tp 80", ERROR_UNSUPPORTED,
          "option '-p' ('--publish') is not supported by this version" },
        { "--name", ERROR_INVALID, "option '--name' needs a value: --name string" },
        { "-e", ERROR_INVALID, "option '--env' needs a value: --env list" },
        { "-ite", ERROR_INVALID, "option '--env' needs a value: --env list" },
        { "--tty=maybe", ERROR_INVALID,
          "invalid value 'maybe' for option '--tty': not 'true' or 'false'" },
        { "--init=", ERROR_INVALID, "invalid value '' for option '--init': not 'true' or 'false'" },
        { "-c many", ERROR_INVALID,
          "invalid value 'many' for option '--shares': not a whole number" },
        { "-c 99999999999999999999", ERROR_INVALID,
          "invalid value '99999999999999999999' for option '--shares': the number is out of "
          "range" },
        { "--timeout 1.5", ERROR_INVALID,
          "invalid value '1.5' for option '--timeout': not a whole number" },
        { "-m lots", ERROR_INVALID,
          "invalid value 'lots' for option '--memory': not a size: write bytes, or '512m', "
          "'1.5g'" },
        { "--handled bad", ERROR_INVALID,
          "invalid value 'bad' for option '--handled': that is bad" },
        { "--=x", ERROR_INVALID, "unknown option '--', see '--help'" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        _cleanup_line_ Line line = {};
        _cleanup_free_ char *text = strdup(lines[i].text);

        parse(&line, &stopping, text);
        assert_true(line.result < 0);
        check_error(&line.error, lines[i].kind, lines[i].message);
    }
}

static void the_description_is_aligned_wrapped_and_without_hidden_options(void **state)
{
    _cleanup_string_buffer_ StringBuffer text = {};

    (void)state;
    options_describe(&mixing, 60, &text);
    assert_string_equal(string_buffer_get(&text),
                        "  -e, --env list        Set variables\n"
                        "      --handled thing   Something\n"
                        "      --init            Init\n"
                        "  -i, --interactive     Keep standard input open even if\n"
                        "                        nobody is there to write anything to\n"
                        "                        it at all\n"
                        "  -m, --memory bytes    Memory limit\n"
                        "      --name string     Name\n"
                        "  -c, --shares int      Shares\n"
                        "      --timeout int     Timeout\n"
                        "  -t, --tty             Terminal\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_follow_or_are_attached),
        cmocka_unit_test(short_options_bundle_and_the_last_takes_the_value),
        cmocka_unit_test(a_boolean_takes_a_value_only_after_the_equals_sign),
        cmocka_unit_test(the_last_of_several_values_wins),
        cmocka_unit_test(a_value_may_look_like_an_option_or_be_empty),
        cmocka_unit_test(options_end_at_the_first_positional_where_the_table_says_so),
        cmocka_unit_test(elsewhere_options_may_follow_positionals),
        cmocka_unit_test(two_dashes_end_the_options_and_one_dash_is_an_argument),
        cmocka_unit_test(help_is_always_known),
        cmocka_unit_test(mistakes_are_named_with_a_way_out),
        cmocka_unit_test(the_description_is_aligned_wrapped_and_without_hidden_options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
