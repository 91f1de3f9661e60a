/* SPDX-License-Identifier: Apache-2.0 */

/* The commands about registries. */

#include "cli/commands-private.h"

static const Command commands[] = {
    {
        .names = { "login" },
        .arguments = "[SERVER]",
        .summary = "Log in to a registry",
        .description = "Without SERVER it is Docker Hub. Name and password are tried and then kept "
                       "where Docker keeps them: by the credential helper that config.json names, "
                       "else in that file.",
        .options = &login_option_table,
        .max_arguments = 1,
        .execute = cli_login,
    },
    {
        .names = { "logout" },
        .arguments = "[SERVER]",
        .summary = "Log out of a registry",
        .description = "Without SERVER it is Docker Hub.",
        .options = &no_option_table,
        .max_arguments = 1,
        .execute = cli_logout,
    },
    {
        .names = { "search" },
        .arguments = "TERM",
        .summary = "Search a registry for images",
        .description =
            "It is Docker Hub, or that of 'HOST/TERM'. Of a registry that has no search, "
            "all repositories with the term in their names are shown.",
        .options = &search_option_table,
        .min_arguments = 1,
        .max_arguments = 1,
        .execute = cli_search,
    },
};

const CommandTable registry_commands = COMMAND_TABLE(commands);
