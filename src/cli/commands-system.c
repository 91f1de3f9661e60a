/* SPDX-License-Identifier: Apache-2.0 */

/* The commands about the installation and about cay itself. */

#include "cli/commands-private.h"

static const Command commands[] = {
    {
        .names = { "system boot" },
        .arguments = "",
        .summary = "Start the containers whose restart policies ask for it",
        .description = "To be called once after each boot, by cay.service for one. Containers with "
                       "the policy 'always' are started, those with 'unless-stopped' unless they "
                       "were stopped, those with 'on-failure' and 'unhealthy' if they were killed "
                       "or have failed.",
        .options = &no_option_table,
        .execute = cli_system_boot,
    },
    {
        .names = { "system df" },
        .arguments = "",
        .summary = "Show what images, containers and volumes occupy on disk",
        .options = &system_df_option_table,
        .execute = cli_system_df,
    },
    {
        .names = { "system info", "info" },
        .arguments = "",
        .summary = "Show what there is on this machine",
        .options = &system_info_option_table,
        .execute = cli_system_info,
    },
    {
        .names = { "system prune" },
        .arguments = "",
        .summary = "Remove containers, networks, images and volumes that are not used",
        .options = &system_prune_option_table,
        .execute = cli_system_prune,
    },
    {
        .names = { "version" },
        .arguments = "",
        .summary = "Show version information",
        .options = &version_option_table,
        .flags = COMMAND_COMMON,
        .execute = cli_version,
    },
    {
        .names = { "system events", "events" },
        .arguments = "",
        .summary = "Show what happens, as it happens",
        .description =
            "Events since a time are shown first with --since. With '--format json' each "
            "has an eventID: '--since' takes it too, and continues after that event.",
        .options = &events_option_table,
        .execute = cli_events,
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
