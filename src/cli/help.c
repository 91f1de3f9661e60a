/* SPDX-License-Identifier: Apache-2.0 */

/* Help goes to a terminal of any width, or to a file, where lines are wrapped at 80 columns. */

#include "cli/help.h"

#include <string.h>
#include <sys/ioctl.h>

#include "base/string-buffer.h"

#define WIDTH_WITHOUT_TERMINAL 80

size_t help_width(FILE *stream)
{
    struct winsize size;

    if (ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return WIDTH_WITHOUT_TERMINAL;
}

bool help_is_in_group(const Command *command, const CommandGroup *group, const char **ret_word)
{
    size_t length = strlen(group->name);

    for (size_t i = 0; i < COMMAND_NAMES_MAX && command->names[i]; i++) {
        const char *name = command->names[i];

        if (strncmp(name, group->name, length) == 0 && name[length] == ' ') {
            *ret_word = name + length + 1;
            return true;
        }
    }
    return false;
}

const char *help_short_name(const Command *command)
{
    for (size_t i = 0; i < COMMAND_NAMES_MAX && command->names[i]; i++)
        if (!strchr(command->names[i], ' '))
            return command->names[i];
    return NULL;
}

static void print_options(const OptionTable *table, const char *title, FILE *stream)
{
    _cleanup_string_buffer_ StringBuffer text = {};

    if (table->n_options == 0)
        return;
    options_describe(table, help_width(stream), &text);
    fprintf(stream, "\n%s:\n%s", title, string_buffer_get(&text));
}

static void print_short_names(bool common, const char *title, FILE *stream)
{
    fprintf(stream, "\n%s:\n", title);
    for (size_t i = 0; command_at(i); i++) {
        const char *name = help_short_name(command_at(i));
        bool is_common = command_at(i)->flags & COMMAND_COMMON;

        if (name && is_common == common && !(command_at(i)->flags & COMMAND_HIDDEN))
            fprintf(stream, "  %-11s %s\n", name, command_at(i)->summary);
    }
}

void help_print(FILE *stream)
{
    fputs("Usage:  cay [OPTIONS] COMMAND\n\n"
          "Containers without a daemon\n",
          stream);
    print_short_names(true, "Common Commands", stream);
    fputs("\nManagement Commands:\n", stream);
    for (size_t i = 0; i < n_command_groups; i++)
        fprintf(stream, "  %-11s %s\n", command_groups[i].name, command_groups[i].summary);
    print_short_names(false, "Commands", stream);
    print_options(&global_option_table, "Global Options", stream);
    fputs("\nRun 'cay COMMAND --help' for more information on a command.\n", stream);
}

void help_print_group(const CommandGroup *group, FILE *stream)
{
    fprintf(stream, "Usage:  cay %s COMMAND\n\n%s\n\nCommands:\n", group->name, group->summary);
    for (size_t i = 0; command_at(i); i++) {
        const char *word;

        if (!(command_at(i)->flags & COMMAND_HIDDEN) &&
            help_is_in_group(command_at(i), group, &word))
            fprintf(stream, "  %-11s %s\n", word, command_at(i)->summary);
    }
    fprintf(stream, "\nRun 'cay %s COMMAND --help' for more information on a command.\n",
            group->name);
}

static void print_aliases(const Command *command, FILE *stream)
{
    if (!command->names[1])
        return;
    fputs("\nAliases:\n  ", stream);
    for (size_t i = 0; i < COMMAND_NAMES_MAX && command->names[i]; i++)
        fprintf(stream, "%scay %s", i > 0 ? ", " : "", command->names[i]);
    fputc('\n', stream);
}

void help_print_command(const Command *command, const char *name, FILE *stream)
{
    fprintf(stream, "Usage:  cay %s%s%s%s\n\n%s\n", name,
            command->options->n_options > 0 ? " [OPTIONS]" : "", *command->arguments ? " " : "",
            command->arguments, command->summary);
    print_aliases(command, stream);
    print_options(command->options, "Options", stream);
}
