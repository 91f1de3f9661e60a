/* SPDX-License-Identifier: Apache-2.0 */

/* The commands about lists of manifests. */

#include "cli/commands-private.h"

static const Command commands[] = {
    {
        .names = { "manifest annotate" },
        .arguments = "MANIFEST_LIST MANIFEST",
        .summary = "Say what an image of a local manifest list is for",
        .options = &manifest_annotate_option_table,
        .min_arguments = 2,
        .max_arguments = 2,
        .execute = cli_manifest_annotate,
    },
    {
        .names = { "manifest create" },
        .arguments = "MANIFEST_LIST MANIFEST [MANIFEST...]",
        .summary = "Make a local list of images at registries, for 'manifest push'",
        .options = &manifest_create_option_table,
        .min_arguments = 2,
        .max_arguments = ANY_NUMBER,
        .execute = cli_manifest_create,
    },
    {
        .names = { "manifest inspect" },
        .arguments = "[MANIFEST_LIST] MANIFEST",
        .summary = "Show a local manifest list, or the manifest that a registry has",
        .options = &manifest_inspect_option_table,
        .min_arguments = 1,
        .max_arguments = 2,
        .execute = cli_manifest_inspect,
    },
    {
        .names = { "manifest push" },
        .arguments = "MANIFEST_LIST",
        .summary = "Push a manifest list, with all its images, to a registry",
        .options = &manifest_push_option_table,
        .min_arguments = 1,
        .max_arguments = 1,
        .execute = cli_manifest_push,
    },
    {
        .names = { "manifest rm" },
        .arguments = "MANIFEST_LIST [MANIFEST_LIST...]",
        .summary = "Forget local manifest lists",
        .options = &no_option_table,
        .min_arguments = 1,
        .max_arguments = ANY_NUMBER,
        .execute = cli_manifest_remove,
    },
};

const CommandTable manifest_commands = COMMAND_TABLE(commands);
