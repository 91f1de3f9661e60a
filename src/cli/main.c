/* SPDX-License-Identifier: Apache-2.0 */

/*
 * `cay`: global options, the command, its exit code. Errors end here, in one line on standard
 * error; nothing else in the program prints one.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cay-config.h"
#include "cli/commands.h"
#include "cli/exit-codes.h"
#include "cli/help.h"

static void global_options_done(GlobalOptions *options)
{
    free(options->state);
    free(options->runtime_dir);
    free(options->config_file);
}

/* Standard output may be a full disk or a closed pipe: what was not written is a failure. */
static int flush_output(Error *err)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    return error_errno(err, "write standard output");
}

/* `cay help image ls` is `cay image ls --help`. Removes the word; true when it was there. */
static bool take_help_word(Invocation *invocation)
{
    if (strcmp(invocation->arguments[0], "help") != 0)
        return false;
    invocation->arguments++;
    invocation->n_arguments--;
    return true;
}

/* Returns the exit code, or -errno. */
static int execute(Invocation *invocation, Error *err)
{
    const CommandGroup *group = NULL;
    bool wants_help = invocation->n_arguments > 0 && take_help_word(invocation);
    int r;

    if (invocation->n_arguments == 0) {
        help_print(stdout);
        return EXIT_SUCCESS;
    }
    r = command_find(invocation, &group, err);
    if (r == OPTIONS_HELP) {
        help_print_group(group, stdout);
        return EXIT_SUCCESS;
    }
    if (r < 0)
        return r;
    if (wants_help) {
        help_print_command(invocation->command, invocation->name, stdout);
        return EXIT_SUCCESS;
    }

    r = invocation->command->execute(invocation, err);
    return invocation->help_shown ? EXIT_SUCCESS : r;
}

/* Everything after the program's name. Returns the exit code, or -errno. */
static int run(Invocation *invocation, GlobalOptions *global, Error *err)
{
    int r = options_parse(&global_option_table, invocation->arguments, global,
                          &invocation->n_arguments, err);

    if (r == OPTIONS_HELP) {
        help_print(stdout);
        return EXIT_SUCCESS;
    }
    if (r < 0) {
        invocation->wrong_options = true;
        return r;
    }
    if (global->debug)
        log_set_level(LOG_LEVEL_DEBUG);
    if (global->version) {
        printf("cay version %s\n", CAY_VERSION);
        return EXIT_SUCCESS;
    }
    return execute(invocation, err);
}

int main(int argc, char **argv)
{
    _cleanup_(global_options_done) GlobalOptions global = {};
    _cleanup_error_ Error error = {};
    Invocation invocation = {
        .global = &global,
        .arguments = argv + (argc > 0), /* argc may be 0: then argv[0] is the terminating NULL */
    };
    int r = run(&invocation, &global, &error);

    if (r >= 0) {
        int flushed = flush_output(&error);

        r = flushed < 0 ? flushed : r;
    }
    if (r >= 0)
        return r;
    invocation_report(&invocation, &error);
    return exit_code_for_error(&invocation, &error);
}
