/* SPDX-License-Identifier: Apache-2.0 */

/* The commands about volumes. */

#include "cli/commands-private.h"

static const Command commands[] = {
    {
        .names = { "volume create" },
        .arguments = "[VOLUME]",
        .summary = "Make a volume",
        .description = "One without a name is anonymous. One that exists is left as it is.",
        .options = &volume_create_option_table,
        .max_arguments = 1,
        .execute = cli_volume_create,
    },
    {
        .names = { "volume inspect" },
        .arguments = "VOLUME [VOLUME...]",
        .summary = "Show everything about volumes as JSON",
        .options = &volume_inspect_option_table,
        .min_arguments = 1,
        .max_arguments = ANY_NUMBER,
        .execute = cli_volume_inspect,
    },
    {
        .names = { "volume ls", "volume list" },
        .arguments = "",
        .summary = "List volumes",
        .options = &volume_list_option_table,
        .execute = cli_volume_list,
    },
    {
        .names = { "volume prune" },
        .arguments = "",
        .summary = "Remove volumes that are not used",
        .options = &volume_prune_option_table,
        .execute = cli_volume_prune,
    },
    {
        .names = { "volume rm", "volume remove" },
        .arguments = "VOLUME [VOLUME...]",
        .summary = "Remove volumes",
        .options = &volume_remove_option_table,
        .min_arguments = 1,
        .max_arguments = ANY_NUMBER,
        .execute = cli_volume_remove,
    },
    {
        .names = { "volume update" },
        .arguments = "VOLUME",
        .summary = "Change a volume (of a cluster: there is nothing to change of others)",
        .options = &volume_update_option_table,
        .min_arguments = 1,
        .max_arguments = 1,
        .execute = cli_volume_update,
    },
};

const CommandTable volume_commands = COMMAND_TABLE(commands);
