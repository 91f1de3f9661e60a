/* SPDX-License-Identifier: Apache-2.0 */

/* The commands about the installation and about cay itself. */

#include "cli/commands-private.h"

static const Command commands[] = {
    {
        .names = { "version" },
        .arguments = "",
        .summary = "Show version information",
        .options = &version_option_table,
        .flags = COMMAND_COMMON,
        .execute = cli_version,
    },
    {
        .names = { "completion" },
        .arguments = "bash|zsh|fish",
        .summary = "Print a script that completes command lines in a shell",
        .description = "Load it into the running shell with, for example, "
                       "'source <(cay completion bash)'.",
        .options = &no_option_table,
        .min_arguments = 1,
        .max_arguments = 1,
        .execute = cli_completion,
    },
    {
        .names = { "generate-manual" },
        .arguments = "DIRECTORY",
        .summary = "Write the manual pages into a directory",
        .options = &no_option_table,
        .min_arguments = 1,
        .max_arguments = 1,
        .flags = COMMAND_HIDDEN,
        .execute = cli_generate_manual,
    },
};

const CommandTable system_commands = COMMAND_TABLE(commands);
