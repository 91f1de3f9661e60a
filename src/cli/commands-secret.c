/* SPDX-License-Identifier: Apache-2.0 */

/* The commands about secrets. */

#include "cli/commands-private.h"

static const Command commands[] = {
    {
        .names = { "secret create" },
        .arguments = "NAME FILE|-",
        .summary = "Keep the content of a file, or of standard input, as a secret",
        .description =
            "It is encrypted under the key in the file 'secrets/key' of the state directory, which "
            "is made with the first secret, or that CAY_SECRET_KEY_FILE or 'secret-key' in the "
            "configuration names: 32 bytes that only root can read. Keep a copy of the key: "
            "without it all secrets are lost.",
        .options = &secret_create_option_table,
        .min_arguments = 2,
        .max_arguments = 2,
        .execute = cli_secret_create,
    },
    {
        .names = { "secret inspect" },
        .arguments = "SECRET [SECRET...]",
        .summary = "Show everything about secrets but their content",
        .options = &secret_inspect_option_table,
        .min_arguments = 1,
        .max_arguments = ANY_NUMBER,
        .execute = cli_secret_inspect,
    },
    {
        .names = { "secret ls", "secret list" },
        .arguments = "",
        .summary = "List secrets",
        .options = &secret_list_option_table,
        .execute = cli_secret_list,
    },
    {
        .names = { "secret rm", "secret remove" },
        .arguments = "SECRET [SECRET...]",
        .summary = "Remove secrets that no container uses",
        .options = &secret_remove_option_table,
        .min_arguments = 1,
        .max_arguments = ANY_NUMBER,
        .execute = cli_secret_remove,
    },
};

const CommandTable secret_commands = COMMAND_TABLE(commands);
