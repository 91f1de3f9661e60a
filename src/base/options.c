/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The parser of command-line options. It owns the syntax and the typed values; what a value means
 * beyond its type is checked where the struct goes next.
 */

#include "base/options.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json-fields.h"
#include "base/memory.h"
#include "base/parse.h"
#include "base/string-list.h"
#include "base/suggest.h"

typedef struct OptionParser {
    const OptionTable *table;
    char **next; /* the first argument not looked at yet */
    void *target;
    size_t n_positionals;
    char **positionals;
} OptionParser;

bool option_is_boolean(const Option *option)
{
    return option->type == OPTION_BOOL || option->type == OPTION_OPTIONAL_BOOL;
}

static void *option_member(const Option *option, void *target)
{
    return (char *)target + option->offset;
}

static int store_bool(const Option *option, const char *value, void *target, Error *err)
{
    bool parsed;

    if (parse_bool(value, &parsed) < 0)
        return error_set(err, ERROR_INVALID, "not 'true' or 'false'");
    *(bool *)option_member(option, target) = parsed;
    return 0;
}

static int store_optional_bool(const Option *option, const char *value, void *target, Error *err)
{
    bool parsed;

    if (parse_bool(value, &parsed) < 0)
        return error_set(err, ERROR_INVALID, "not 'true' or 'false'");
    *(OptionalBool *)option_member(option, target) =
        (OptionalBool) { .is_set = true, .value = parsed };
    return 0;
}

static int store_string(const Option *option, const char *value, void *target, Error *err)
{
    char **member = option_member(option, target);

    (void)err;
    free(*member);
    *member = memory_strdup(value);
    return 0;
}

static int store_string_list(const Option *option, const char *value, void *target, Error *err)
{
    (void)err;
    string_list_add(option_member(option, target), value);
    return 0;
}

static int read_int64(const char *value, int64_t *ret, Error *err)
{
    int r = parse_i64(value, ret);

    if (r == -ERANGE)
        return error_set(err, ERROR_INVALID, "the number is out of range");
    if (r < 0)
        return error_set(err, ERROR_INVALID, "not a whole number");
    return 0;
}

static int store_int64(const Option *option, const char *value, void *target, Error *err)
{
    return read_int64(value, option_member(option, target), err);
}

static int store_optional_int64(const Option *option, const char *value, void *target, Error *err)
{
    OptionalInt64 *member = option_member(option, target);
    int64_t parsed;
    int r = read_int64(value, &parsed, err);

    if (r == 0)
        *member = (OptionalInt64) { .is_set = true, .value = parsed };
    return r;
}

static int store_size(const Option *option, const char *value, void *target, Error *err)
{
    int r = parse_size(value, option_member(option, target));

    if (r == -ERANGE)
        return error_set(err, ERROR_INVALID, "the size is out of range");
    if (r < 0)
        return error_set(err, ERROR_INVALID, "not a size: write bytes, or '512m', '1.5g'");
    return 0;
}

static int store_by_handler(const Option *option, const char *value, void *target, Error *err)
{
    return option->handler(option, value, target, err);
}

static const OptionHandler stores[_OPTION_TYPE_MAX] = {
    [OPTION_BOOL] = store_bool,     [OPTION_OPTIONAL_BOOL] = store_optional_bool,
    [OPTION_STRING] = store_string, [OPTION_STRING_LIST] = store_string_list,
    [OPTION_INT64] = store_int64,   [OPTION_OPTIONAL_INT64] = store_optional_int64,
    [OPTION_SIZE] = store_size,     [OPTION_HANDLER] = store_by_handler,
};

bool option_is_in(const OptionTable *table, const Option *option)
{
    return !(option->flags & table->without);
}

bool option_is_shown(const OptionTable *table, const Option *option)
{
    return option_is_in(table, option) && !(option->flags & OPTION_HIDDEN);
}

static const Option *find_long(const OptionTable *table, const char *name, size_t length)
{
    for (size_t i = 0; i < table->n_options; i++) {
        const char *candidate = table->options[i].name;

        if (strncmp(candidate, name, length) == 0 && candidate[length] == '\0' &&
            option_is_in(table, &table->options[i]))
            return &table->options[i];
    }
    return NULL;
}

static const Option *find_short(const OptionTable *table, char name)
{
    for (size_t i = 0; i < table->n_options; i++)
        if (table->options[i].short_name == name && option_is_in(table, &table->options[i]))
            return &table->options[i];
    return NULL;
}

static int store_value(const OptionParser *parser, const Option *option, const char *value,
                       Error *err)
{
    _cleanup_error_ Error reason = {};
    int r = stores[option->type](option, value, parser->target, &reason);

    if (r < 0) {
        error_wrap(&reason, r, "invalid value '%s' for option '--%s'", value, option->name);
        error_move(err, &reason);
    }
    return r;
}

/* @value is what was attached to the option; NULL takes the next argument. */
static int take_value(OptionParser *parser, const Option *option, const char *value, Error *err)
{
    if (!value && option_is_boolean(option))
        value = "true";
    if (!value)
        value = *parser->next ? *parser->next++ : NULL;
    if (!value)
        return error_set(err, ERROR_INVALID, "option '--%s' needs a value: --%s %s", option->name,
                         option->name, option->argument);
    return store_value(parser, option, value, err);
}

/* @spelling is the option as it was typed, in quotes. */
static int refuse_unsupported(const UnsupportedOption *option, const char *spelling, Error *err)
{
    return error_set(err, ERROR_UNSUPPORTED, "option %s is not supported by this version%s%s",
                     spelling, option->instead ? ": " : "", option->instead ? option->instead : "");
}

static int refuse_long(const OptionTable *table, const char *name, size_t length, Error *err)
{
    _cleanup_free_ char *word = memory_strndup(name, length);
    Suggestion suggestion = SUGGESTION_INIT(word);

    for (size_t i = 0; i < table->n_unsupported; i++) {
        _cleanup_free_ char *spelling = memory_printf("'--%s'", word);

        if (strcmp(table->unsupported[i].name, word) == 0)
            return refuse_unsupported(&table->unsupported[i], spelling, err);
    }

    suggestion_offer(&suggestion, "help");
    for (size_t i = 0; i < table->n_options; i++)
        if (option_is_shown(table, &table->options[i]))
            suggestion_offer(&suggestion, table->options[i].name);
    if (!suggestion.best)
        return error_set(err, ERROR_INVALID, "unknown option '--%s', see '--help'", word);
    return error_set(err, ERROR_INVALID, "unknown option '--%s', did you mean '--%s'?", word,
                     suggestion.best);
}

/* @bundle is the whole argument ("-itx"), @name the letter in it that nobody knows. */
static int refuse_short(const OptionTable *table, const char *bundle, char name, Error *err)
{
    size_t length = strcspn(bundle + 1, "=");

    for (size_t i = 0; i < table->n_unsupported; i++) {
        _cleanup_free_ char *spelling =
            memory_printf("'-%c' ('--%s')", name, table->unsupported[i].name);

        if (table->unsupported[i].short_name == name)
            return refuse_unsupported(&table->unsupported[i], spelling, err);
    }

    if (length > 1 && find_long(table, bundle + 1, length))
        return error_set(err, ERROR_INVALID, "unknown option '-%c' in '%s', did you mean '-%s'?",
                         name, bundle, bundle);
    if (length > 1)
        return error_set(err, ERROR_INVALID, "unknown option '-%c' in '%s', see '--help'", name,
                         bundle);
    return error_set(err, ERROR_INVALID, "unknown option '-%c', see '--help'", name);
}

static int parse_long(OptionParser *parser, const char *argument, Error *err)
{
    const char *name = argument + 2;
    size_t length = strcspn(name, "=");
    const Option *option = find_long(parser->table, name, length);

    if (option)
        return take_value(parser, option, name[length] ? name + length + 1 : NULL, err);
    if (strcmp(name, "help") == 0)
        return OPTIONS_HELP;
    return refuse_long(parser->table, name, length, err);
}

static int parse_bundle(OptionParser *parser, const char *argument, Error *err)
{
    for (const char *letter = argument + 1; *letter; letter++) {
        const Option *option = find_short(parser->table, *letter);
        int r;

        if (!option && *letter == 'h')
            return OPTIONS_HELP;
        if (!option)
            return refuse_short(parser->table, argument, *letter, err);

        /* "-m=512m" and "-t=false": what follows the '=' is the value, for booleans too. */
        if (letter[1] == '=')
            return take_value(parser, option, letter + 2, err);
        if (!option_is_boolean(option))
            return take_value(parser, option, letter[1] ? letter + 1 : NULL, err);

        r = take_value(parser, option, NULL, err);
        if (r < 0)
            return r;
    }
    return 0;
}

static void take_positional(OptionParser *parser, char *argument)
{
    parser->positionals[parser->n_positionals++] = argument;
}

/* Returns 0, OPTIONS_HELP or -errno. */
static int parse_arguments(OptionParser *parser, Error *err)
{
    bool options_ended = false;

    while (*parser->next) {
        char *argument = *parser->next++;
        int r = 0;

        if (options_ended || argument[0] != '-' || argument[1] == '\0') {
            take_positional(parser, argument);
            options_ended = options_ended || parser->table->stop_at_positional;
        } else if (strcmp(argument, "--") == 0) {
            options_ended = true;
        } else {
            r = argument[1] == '-' ? parse_long(parser, argument, err)
                                   : parse_bundle(parser, argument, err);
        }
        if (r != 0)
            return r;
    }
    return 0;
}

int options_parse(const OptionTable *table, char **arguments, void *target, size_t *ret_count,
                  Error *err)
{
    /* Positionals are never more than the arguments read so far: they are compacted in place. */
    OptionParser parser = {
        .table = table, .next = arguments, .positionals = arguments, .target = target
    };
    int r = parse_arguments(&parser, err);

    if (r != 0)
        return r;
    parser.positionals[parser.n_positionals] = NULL;
    *ret_count = parser.n_positionals;
    return 0;
}
