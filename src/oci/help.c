/* SPDX-License-Identifier: Apache-2.0 */

/* Help text for a terminal of any width, or for a file, where lines are wrapped at 80 columns. */

#include "oci/help.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include "base/string-buffer.h"
#include "oci/commands.h"

#define WIDTH_WITHOUT_TERMINAL 80

static size_t output_width(void)
{
    struct winsize size;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return WIDTH_WITHOUT_TERMINAL;
}

static void add_options(const OptionTable *table, const char *title, StringBuffer *text)
{
    if (table->n_options == 0)
        return;
    string_buffer_printf(text, "\n%s:\n", title);
    options_describe(table, output_width(), text);
}

int help_print(Error *err)
{
    _cleanup_string_buffer_ StringBuffer text = {};

    string_buffer_add(&text, "Usage:  cay-oci [OPTIONS] COMMAND\n\n"
                             "A runtime for containers as the Open Container Initiative specifies "
                             "it\n\nCommands:\n");
    for (size_t i = 0; i < n_commands; i++)
        string_buffer_printf(&text, "  %-9s %s\n", commands[i].name, commands[i].summary);
    add_options(&global_option_table, "Global Options", &text);
    string_buffer_add(&text, "\nRun 'cay-oci COMMAND --help' for more information on a command.\n");
    return output_text(string_buffer_get(&text), err);
}

int help_print_command(const Command *command, Error *err)
{
    _cleanup_string_buffer_ StringBuffer text = {};

    string_buffer_printf(&text, "Usage:  cay-oci %s%s%s%s\n\n%s\n", command->name,
                         command->options->n_options > 0 ? " [OPTIONS]" : "",
                         *command->arguments ? " " : "", command->arguments, command->summary);
    add_options(command->options, "Options", &text);
    return output_text(string_buffer_get(&text), err);
}
