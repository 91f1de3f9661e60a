/* SPDX-License-Identifier: Apache-2.0 */

/*
 * `cay generate-manual`: the manual pages, made from the same tables as --help; the build runs it.
 * One page for each command, and one that leads to it for each further spelling.
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/string-buffer.h"
#include "cay-config.h"
#include "cli/commands.h"
#include "cli/exit-codes.h"

/* roff(7): a backslash and a dash have meanings of their own, and so has a line's first '.' or '.
 */
static void add_text(StringBuffer *page, const char *text)
{
    for (; *text; text++) {
        bool starts_line = page->length == 0 || page->data[page->length - 1] == '\n';

        if (*text == '\\')
            string_buffer_add(page, "\\e");
        else if (*text == '-')
            string_buffer_add(page, "\\-");
        else if (starts_line && (*text == '.' || *text == '\''))
            string_buffer_printf(page, "\\&%c", *text);
        else
            string_buffer_add_char(page, *text);
    }
}

static void add_line(StringBuffer *page, const char *before, const char *text, const char *after)
{
    string_buffer_add(page, before);
    add_text(page, text);
    string_buffer_add(page, after);
}

/* "image ls" -> "cay-image-ls" */
static char *page_name(const char *command)
{
    char *name = memory_printf("cay-%s", command);

    for (char *c = name; *c; c++)
        if (*c == ' ')
            *c = '-';
    return name;
}

static void add_title(StringBuffer *page, const char *name, const char *summary)
{
    string_buffer_add(page, ".TH \"");
    add_text(page, name);
    string_buffer_add(page, "\" 1 \"\" \"cay " CAY_VERSION "\" \"User commands\"\n.SH NAME\n");
    add_text(page, name);
    string_buffer_add(page, " \\- ");
    add_text(page, summary);
    string_buffer_add(page, "\n");
}

static void add_option(StringBuffer *page, const Option *option)
{
    string_buffer_add(page, ".TP\n");
    if (option->short_name)
        string_buffer_printf(page, "\\fB\\-%c\\fR, ", option->short_name);
    add_line(page, "\\fB\\-\\-", option->name, "\\fR");
    if (option->argument)
        add_line(page, " \\fI", option->argument, "\\fR");
    string_buffer_add_char(page, '\n');
    add_line(page, "", option->help, ".\n");
}

static void add_options(StringBuffer *page, const OptionTable *table)
{
    if (table->n_options == 0)
        return;
    string_buffer_add(page, ".SH OPTIONS\n");
    for (size_t i = 0; i < table->n_options; i++)
        if (option_is_shown(table, &table->options[i]))
            add_option(page, &table->options[i]);
}

static void add_synopsis(StringBuffer *page, const Command *command)
{
    string_buffer_add(page, ".SH SYNOPSIS\n");
    for (size_t i = 0; i < COMMAND_NAMES_MAX && command->names[i]; i++) {
        add_line(page, i > 0 ? ".br\n\\fBcay " : "\\fBcay ", command->names[i], "\\fR");
        if (command->options->n_options > 0)
            string_buffer_add(page, " [OPTIONS]");
        add_line(page, " ", command->arguments, "\n");
    }
}

static void add_exit_status(StringBuffer *page, const Command *command)
{
    string_buffer_add(page, ".SH \"EXIT STATUS\"\n");
    if (command->failure_code == EXIT_CODE_MISUSE) {
        string_buffer_printf(page,
                             "That of the container's program; %d when cay itself failed, %d when "
                             "the program cannot be executed, %d when there is none, 128+n when "
                             "signal n ended it.\n",
                             EXIT_CODE_MISUSE, EXIT_CODE_PROGRAM_UNUSABLE,
                             EXIT_CODE_PROGRAM_MISSING);
        return;
    }
    string_buffer_printf(page, "0 on success, %d on failure, %d when an option is wrong.\n",
                         EXIT_CODE_FAILURE, EXIT_CODE_MISUSE);
}

static void make_command_page(StringBuffer *page, const Command *command)
{
    _cleanup_free_ char *name = page_name(command->names[0]);

    add_title(page, name, command->summary);
    add_synopsis(page, command);
    add_line(page, ".SH DESCRIPTION\n", command->summary, ".\n");
    if (command->description)
        add_line(page, ".PP\n", command->description, "\n");
    add_options(page, command->options);
    add_exit_status(page, command);
    string_buffer_add(page, ".SH \"SEE ALSO\"\n.BR cay (1)\n");
}

static void make_main_page(StringBuffer *page)
{
    add_title(page, "cay", "containers without a daemon");
    string_buffer_add(page, ".SH SYNOPSIS\n\\fBcay\\fR [OPTIONS] COMMAND [ARG...]\n"
                            ".SH DESCRIPTION\n"
                            "Runs programs of container images in isolation. Commands and options "
                            "are spelled as Docker's. No service has to run for any of them.\n");
    add_options(page, &global_option_table);
    string_buffer_add(page, ".SH COMMANDS\n");
    for (size_t i = 0; command_at(i); i++) {
        if (command_at(i)->flags & COMMAND_HIDDEN)
            continue;
        _cleanup_free_ char *name = page_name(command_at(i)->names[0]);
        add_line(page, ".TP\n\\fB", name, "\\fR(1)\n");
        add_line(page, "", command_at(i)->summary, ".\n");
    }
    string_buffer_add(page, ".SH ENVIRONMENT\n.TP\n\\fBCAY_STATE\\fR, \\fBCAY_RUNTIME\\fR\n"
                            "Directories to use where the options \\fB\\-\\-state\\fR and "
                            "\\fB\\-\\-runtime\\-dir\\fR are not given.\n"
                            ".TP\n\\fBCAY_REGISTRIES\\fR\n"
                            "File about registries, instead of \\fIregistries.yaml\\fR beside the "
                            "configuration.\n"
                            ".TP\n\\fBCAY_SECRET_KEY_FILE\\fR\n"
                            "File with the key of secrets, where it is not in the state directory: "
                            "see \\fBcay-secret-create\\fR(1).\n");
}

static int write_page(int dir_fd, const char *name, const StringBuffer *page, Error *err)
{
    _cleanup_free_ char *file = memory_printf("%s.1", name);
    int r = file_write_at(dir_fd, file, page->data, page->length, 0644, 0);

    return r < 0 ? error_result(err, r, "write '%s'", file) : 0;
}

static int write_command_pages(int dir_fd, const Command *command, Error *err)
{
    _cleanup_free_ char *first = page_name(command->names[0]);
    _cleanup_string_buffer_ StringBuffer page = {};
    int r;

    make_command_page(&page, command);
    r = write_page(dir_fd, first, &page, err);
    for (size_t i = 1; i < COMMAND_NAMES_MAX && command->names[i] && r == 0; i++) {
        _cleanup_free_ char *name = page_name(command->names[i]);
        _cleanup_string_buffer_ StringBuffer link = {};

        string_buffer_printf(&link, ".so man1/%s.1\n", first);
        r = write_page(dir_fd, name, &link, err);
    }
    return r;
}

static int write_pages(int dir_fd, Error *err)
{
    _cleanup_string_buffer_ StringBuffer page = {};
    int r;

    make_main_page(&page);
    r = write_page(dir_fd, "cay", &page, err);
    for (size_t i = 0; command_at(i) && r == 0; i++)
        if (!(command_at(i)->flags & COMMAND_HIDDEN))
            r = write_command_pages(dir_fd, command_at(i), err);
    return r;
}

int cli_generate_manual(Invocation *invocation, Error *err)
{
    _cleanup_close_ int dir_fd = -EBADF;
    const char *directory;
    int r = invocation_parse(invocation, NULL, err);

    if (r < 0)
        return r;
    directory = invocation->arguments[0];
    if (mkdir(directory, 0755) < 0 && errno != EEXIST)
        return error_errno(err, "make '%s'", directory);
    dir_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0)
        return error_errno(err, "open '%s'", directory);
    return write_pages(dir_fd, err);
}
