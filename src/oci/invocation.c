/* SPDX-License-Identifier: Apache-2.0 */

/* What every command does first: parse its command line. */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "oci/command.h"
#include "oci/help.h"

static int check_argument_count(const Invocation *invocation, Error *err)
{
    const Command *command = invocation->command;
    unsigned minimum = command->min_arguments, maximum = command->max_arguments;
    size_t count = invocation->n_arguments;

    if (count >= minimum && count <= maximum)
        return 0;
    if (maximum == 0)
        return error_set(err, ERROR_INVALID, "'%s' takes no arguments, but got '%s'", command->name,
                         invocation->arguments[0]);

    const char *bound = minimum == maximum ? "exactly" : count < minimum ? "at least" : "at most";
    unsigned wanted = count < minimum ? minimum : maximum;

    return error_set(err, ERROR_INVALID, "'%s' needs %s %u argument%s: cay-oci %s %s",
                     command->name, bound, wanted, wanted == 1 ? "" : "s", command->name,
                     command->arguments);
}

int invocation_parse(Invocation *invocation, void *target, Error *err)
{
    int r = options_parse(invocation->command->options, invocation->arguments, target,
                          &invocation->n_arguments, err);

    if (r == OPTIONS_HELP) {
        r = help_print_command(invocation->command, err);
        invocation->help_shown = r >= 0;
        return r < 0 ? r : -ECANCELED;
    }
    return r < 0 ? r : check_argument_count(invocation, err);
}

int output_text(const char *text, Error *err)
{
    int r = fd_write_all(STDOUT_FILENO, text, strlen(text));

    return r < 0 ? error_result(err, r, "write standard output") : 0;
}
