/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Command-line options as tables. A command has one table; it parses the command line and also
 * makes `--help`, the manual page and the shell completions.
 *
 * The syntax is that of Docker's command line (Go's pflag): `--name value`, `--name=value`,
 * `-e VALUE`, `-eVALUE`, `-e=VALUE`, bundles such as `-it`, booleans with an optional `=value`,
 * and `--` to end the options.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/string-buffer.h"

typedef enum OptionType {
    OPTION_BOOL,           /* bool; the value is optional and only taken after '=' */
    OPTION_OPTIONAL_BOOL,  /* OptionalBool, likewise */
    OPTION_STRING,         /* char *, owned; the last one wins */
    OPTION_STRING_LIST,    /* StringList; repeatable */
    OPTION_INT64,          /* int64_t */
    OPTION_OPTIONAL_INT64, /* OptionalInt64 */
    OPTION_SIZE,           /* int64_t, bytes: "512m" */
    OPTION_HANDLER,        /* whatever the handler makes of it; repeatable */
    _OPTION_TYPE_MAX,
} OptionType;

typedef struct Option Option;

/*
 * Take @value into @target, the struct that was given to options_parse(). The message of an error
 * is completed with the value and the option's name by the caller.
 */
typedef int (*OptionHandler)(const Option *option, const char *value, void *target, Error *err);

typedef enum OptionFlags {
    OPTION_HIDDEN = 1 << 0,     /* an alternative spelling: works, but is not shown */
    OPTION_OF_VARIANT = 1 << 1, /* only one of the commands that share a table has it */
} OptionFlags;

struct Option {
    const char *name; /* without "--" */
    char short_name;  /* 0: none */
    OptionType type;
    const char *argument; /* placeholder in --help: "list", "bytes"; NULL for booleans */
    const char *help;     /* one sentence without a full stop */
    size_t offset;        /* of the member in the target struct */
    OptionHandler handler;
    unsigned flags;
};

/* An option that Docker has and this version has not: refused by name, never ignored. */
typedef struct UnsupportedOption {
    const char *name;
    char short_name;
    const char *instead; /* what to do about it; NULL: nothing */
} UnsupportedOption;

typedef struct OptionTable {
    const Option *options; /* sorted by name, as --help shows them */
    size_t n_options;
    const UnsupportedOption *unsupported;
    size_t n_unsupported;
    unsigned without; /* OptionFlags of options that this one of several tables does not have */
    bool stop_at_positional; /* options end at the first positional argument (`cay run`) */
} OptionTable;

#define OPTION_TABLE(option_array) .options = (option_array), .n_options = ARRAY_SIZE(option_array)
#define OPTION_TABLE_UNSUPPORTED(unsupported_array)                                                \
    .unsupported = (unsupported_array), .n_unsupported = ARRAY_SIZE(unsupported_array)

#define OPTIONS_HELP 1

/*
 * Parse @arguments (NULL-terminated, without the program's or command's name) into @target, a
 * struct that holds the defaults. On success the positional arguments come first in @arguments, in
 * order, followed by NULL, and *ret_count is their number. On failure, owned members of @target
 * are its owner's to free.
 *
 * Returns 0, or OPTIONS_HELP when `--help` (or `-h`, where it means nothing else) was given.
 * Errors: INVALID (unknown option, with the nearest one; missing or malformed value), UNSUPPORTED.
 */
int options_parse(const OptionTable *table, char **arguments, void *target, size_t *ret_count,
                  Error *err);

/*
 * Add the options as Docker's --help lists them, one line each, the help text aligned and wrapped
 * at @width columns (0: not wrapped).
 */
void options_describe(const OptionTable *table, size_t width, StringBuffer *buffer);

/* True for the options of @table->options that it has, and for those of them that are shown. */
bool option_is_in(const OptionTable *table, const Option *option);
bool option_is_shown(const OptionTable *table, const Option *option);

/* True for the types that take no separate value. */
bool option_is_boolean(const Option *option);
