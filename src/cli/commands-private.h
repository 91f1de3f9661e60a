/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The commands of one theme: a file each, so that no table outgrows its reader. */

#include "base/cleanup.h"
#include "cli/commands.h"

typedef struct CommandTable {
    const Command *commands;
    size_t count;
} CommandTable;

#define COMMAND_TABLE(table)                                                                       \
    {                                                                                              \
        .commands = (table), .count = ARRAY_SIZE(table)                                            \
    }

extern const CommandTable container_commands;
extern const CommandTable image_commands;
extern const CommandTable manifest_commands;
extern const CommandTable network_commands;
extern const CommandTable registry_commands;
extern const CommandTable secret_commands;
extern const CommandTable system_commands;
extern const CommandTable volume_commands;
