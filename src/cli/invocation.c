/* SPDX-License-Identifier: Apache-2.0 */

/* What every command does first, parsing its command line, and last, reporting a failure. */

#include <errno.h>
#include <stdio.h>

#include "base/string-buffer.h"
#include "cli/command.h"
#include "cli/help.h"
#include "cli/terminal-text.h"

static int check_argument_count(const Invocation *invocation, Error *err)
{
    const Command *command = invocation->command;
    unsigned minimum = command->min_arguments, maximum = command->max_arguments;
    size_t count = invocation->n_arguments;

    if (count >= minimum && count <= maximum)
        return 0;
    if (maximum == 0)
        return error_set(err, ERROR_INVALID, "takes no arguments, but got '%s'",
                         invocation->arguments[0]);

    const char *bound = minimum == maximum ? "exactly" : count < minimum ? "at least" : "at most";
    unsigned wanted = count < minimum ? minimum : maximum;

    return error_set(err, ERROR_INVALID, "needs %s %u argument%s: cay %s %s", bound, wanted,
                     wanted == 1 ? "" : "s", invocation->name, command->arguments);
}

int invocation_parse(Invocation *invocation, void *target, Error *err)
{
    int r = options_parse(invocation->command->options, invocation->arguments, target,
                          &invocation->n_arguments, err);

    if (r == OPTIONS_HELP) {
        help_print_command(invocation->command, invocation->name, stdout);
        invocation->help_shown = true;
        return -ECANCELED;
    }
    invocation->wrong_options = r < 0;
    if (r == 0)
        r = check_argument_count(invocation, err);
    return invocation_misuse(invocation, r);
}

int invocation_misuse(Invocation *invocation, int r)
{
    if (r < 0)
        invocation->is_misuse = true;
    return r;
}

void invocation_report(const Invocation *invocation, const Error *error)
{
    _cleanup_string_buffer_ StringBuffer line = {};

    string_buffer_add(&line, "cay");
    if (invocation->is_misuse && invocation->name)
        string_buffer_printf(&line, " %s", invocation->name);
    string_buffer_add(&line, ": ");
    terminal_text_add(&line, error_message(error));
    string_buffer_add_char(&line, '\n');

    /* Nothing is left to report to when standard error itself fails. */
    (void)fputs(string_buffer_get(&line), stderr);
}

int invocation_continue(const Invocation *invocation, int so_far, int r, Error *problem, Error *err)
{
    if (so_far < 0)
        invocation_report(invocation, err);
    error_move(err, problem);
    return r;
}
