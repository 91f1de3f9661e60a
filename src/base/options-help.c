/* SPDX-License-Identifier: Apache-2.0 */

/* How a table of options looks in --help: Docker's columns, wrapped at the terminal's width. */

#include <string.h>

#include "base/memory.h"
#include "base/options.h"

/* Narrower than this, wrapping makes the text worse. */
#define HELP_TEXT_MIN 24

static size_t describe_usage(const Option *option, StringBuffer *buffer)
{
    size_t before = buffer->length;

    if (option->short_name)
        string_buffer_printf(buffer, "  -%c, --%s", option->short_name, option->name);
    else
        string_buffer_printf(buffer, "      --%s", option->name);
    if (option->argument)
        string_buffer_printf(buffer, " %s", option->argument);
    return buffer->length - before;
}

static size_t usage_width(const OptionTable *table)
{
    size_t widest = 0;

    for (size_t i = 0; i < table->n_options; i++) {
        _cleanup_string_buffer_ StringBuffer usage = {};

        if (!option_is_shown(table, &table->options[i]))
            continue;
        size_t width = describe_usage(&table->options[i], &usage);
        if (width > widest)
            widest = width;
    }
    return widest;
}

static void add_spaces(StringBuffer *buffer, size_t count)
{
    string_buffer_printf(buffer, "%*s", (int)count, "");
}

/* Add @text, broken between words so that no line is longer than @width, continued at @indent. */
static void add_wrapped(StringBuffer *buffer, const char *text, size_t indent, size_t width)
{
    size_t column = 0;

    while (*text) {
        size_t length = strcspn(text, " ");

        if (column > 0 && column + 1 + length > width) {
            string_buffer_add_char(buffer, '\n');
            add_spaces(buffer, indent);
            column = 0;
        } else if (column > 0) {
            string_buffer_add_char(buffer, ' ');
            column++;
        }
        string_buffer_add_bytes(buffer, text, length);
        column += length;
        text += length;
        text += *text == ' ';
    }
}

void options_describe(const OptionTable *table, size_t width, StringBuffer *buffer)
{
    size_t indent = usage_width(table) + 3;
    size_t text_width = width > indent + HELP_TEXT_MIN ? width - indent : (size_t)-1;

    for (size_t i = 0; i < table->n_options; i++) {
        const Option *option = &table->options[i];

        if (!option_is_shown(table, option))
            continue;
        add_spaces(buffer, indent - describe_usage(option, buffer));
        add_wrapped(buffer, option->help, indent, text_width);
        string_buffer_add_char(buffer, '\n');
    }
}
