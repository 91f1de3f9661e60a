/* SPDX-License-Identifier: Apache-2.0 */

/* The commands about containers. */

#include "cli/commands-private.h"
#include "cli/exit-codes.h"
#include "cli/run-options.h"

static const Command commands[] = {
    {
        .names = { "container run", "run" },
        .arguments = "IMAGE [COMMAND] [ARG...]",
        .summary = "Run a program in a new container",
        .description = "The exit status is the program's, 128 and the signal's number when one "
                       "killed it, 125 when cay itself failed, 126 when the program cannot be "
                       "executed, 127 when there is no such program.",
        .options = &run_option_table,
        .min_arguments = 1,
        .max_arguments = ANY_NUMBER,
        .flags = COMMAND_COMMON,
        .failure_code = EXIT_CODE_MISUSE,
        .execute = cli_run,
    },
    {
        .names = { "container exec", "exec" },
        .arguments = "CONTAINER COMMAND [ARG...]",
        .summary = "Execute a program in a running container",
        .description = "The exit status is the program's, 126 when it cannot be executed, 127 "
                       "when there is no such program. The program goes on when this command "
                       "ends before it, and ends with its container.",
        .options = &container_exec_option_table,
        .min_arguments = 2,
        .max_arguments = ANY_NUMBER,
        .flags = COMMAND_COMMON,
        .execute = cli_container_exec,
    },
    {
        .names = { "container ls", "container list", "container ps", "ps" },
        .arguments = "",
        .summary = "List containers",
        .options = &container_list_option_table,
        .flags = COMMAND_COMMON,
        .execute = cli_container_list,
    },
    {
        .names = { "container logs", "logs" },
        .arguments = "CONTAINER",
        .summary = "Show what a container has written",
        .options = &container_logs_option_table,
        .min_arguments = 1,
        .max_arguments = 1,
        .flags = COMMAND_COMMON,
        .execute = cli_container_logs,
    },
    {
        .names = { "container rm", "container remove", "rm" },
        .arguments = "CONTAINER [CONTAINER...]",
        .summary = "Remove containers",
        .options = &container_remove_option_table,
        .min_arguments = 1,
        .max_arguments = ANY_NUMBER,
        .flags = COMMAND_COMMON,
        .execute = cli_container_remove,
    },
    {
        .names = { "container recover" },
        .arguments = "CONTAINER",
        .summary = "Finish what a process that died had begun with a container",
        .options = &no_option_table,
        .min_arguments = 1,
        .max_arguments = 1,
        .flags = COMMAND_HIDDEN,
        .execute = cli_container_recover,
    },
    {
        .names = { "inspect", "container inspect" },
        .arguments = "NAME|ID [NAME|ID...]",
        .summary = "Show everything about containers and images as JSON",
        .options = &inspect_option_table,
        .min_arguments = 1,
        .max_arguments = ANY_NUMBER,
        .flags = COMMAND_COMMON,
        .execute = cli_inspect,
    },
};

const CommandTable container_commands = COMMAND_TABLE(commands);
