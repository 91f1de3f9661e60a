/* SPDX-License-Identifier: Apache-2.0 */

/*
 * All commands. What runc has and this version has not is listed too, so that it is refused for
 * what it is.
 */

#include "oci/commands.h"

#include <string.h>

#include "base/suggest.h"

static const Option global_options[] = {
    { "debug", .type = OPTION_BOOL, .offset = offsetof(GlobalOptions, debug),
      .help = "Print debug messages" },
    { "log", .type = OPTION_STRING, .argument = "file", .offset = offsetof(GlobalOptions, log),
      .help = "Record errors in a file too" },
    { "log-format", .type = OPTION_STRING, .argument = "format",
      .offset = offsetof(GlobalOptions, log_format),
      .help = "How errors are recorded: \"text\" or \"json\" (default \"text\")" },
    { "root", .type = OPTION_STRING, .argument = "directory",
      .offset = offsetof(GlobalOptions, root),
      .help = "Where the state of containers is (default \"/run/cay-oci\", or "
              "\"$XDG_RUNTIME_DIR/cay-oci\" for users)" },
    { "rootless", .type = OPTION_STRING, .argument = "true|false|auto",
      .offset = offsetof(GlobalOptions, rootless),
      .help = "Whether a container does without a cgroup where none may be made; \"auto\" "
              "(the default) is \"true\"" },
    { "systemd-cgroup", .type = OPTION_BOOL, .offset = offsetof(GlobalOptions, systemd_cgroup),
      .help = "Have systemd make cgroups; cgroupsPath then is \"slice:prefix:name\"" },
    { "version", 'v', .type = OPTION_BOOL, .offset = offsetof(GlobalOptions, version),
      .help = "Print version information and quit" },
};

static const UnsupportedOption unsupported_global_options[] = { { "criu" } };

const OptionTable global_option_table = {
    OPTION_TABLE(global_options),
    OPTION_TABLE_UNSUPPORTED(unsupported_global_options),
    .stop_at_positional = true,
};

const OptionTable no_option_table = { .stop_at_positional = true };

const Command commands[] = {
    {
        .name = "create",
        .arguments = "CONTAINER",
        .summary = "Create a container; its program waits for the start",
        .options = &create_option_table,
        .min_arguments = 1,
        .max_arguments = 1,
        .flags = COMMAND_SEALED,
        .execute = oci_create,
    },
    {
        .name = "delete",
        .arguments = "CONTAINER",
        .summary = "Delete a container that has stopped or was never started",
        .options = &delete_option_table,
        .min_arguments = 1,
        .max_arguments = 1,
        .execute = oci_delete,
    },
    {
        .name = "events",
        .arguments = "CONTAINER",
        .summary = "Show what a container uses and when it runs out of memory",
        .options = &events_option_table,
        .min_arguments = 1,
        .max_arguments = 1,
        .execute = oci_events,
    },
    {
        .name = "exec",
        .arguments = "CONTAINER [PROGRAM] [ARGUMENT...]",
        .summary = "Execute one more program in a container",
        .options = &exec_option_table,
        .min_arguments = 1,
        .max_arguments = ANY_NUMBER,
        .flags = COMMAND_SEALED,
        .failure_code = 255,
        .execute = oci_exec,
    },
    {
        .name = "features",
        .arguments = "",
        .summary = "Show what this runtime and this host can do as JSON",
        .options = &no_option_table,
        .min_arguments = 0,
        .max_arguments = 0,
        .execute = oci_features,
    },
    {
        .name = "kill",
        .arguments = "CONTAINER [SIGNAL]",
        .summary = "Send a signal to a container's first process (default SIGTERM)",
        .options = &kill_option_table,
        .min_arguments = 1,
        .max_arguments = 2,
        .execute = oci_kill,
    },
    {
        .name = "list",
        .arguments = "",
        .summary = "List containers",
        .options = &list_option_table,
        .execute = oci_list,
    },
    {
        .name = "pause",
        .arguments = "CONTAINER",
        .summary = "Stop all processes of a container",
        .options = &no_option_table,
        .min_arguments = 1,
        .max_arguments = 1,
        .execute = oci_pause,
    },
    {
        .name = "ps",
        .arguments = "CONTAINER [PS-ARGUMENT...]",
        .summary = "List the processes of a container",
        .options = &ps_option_table,
        .min_arguments = 1,
        .max_arguments = ANY_NUMBER,
        .execute = oci_ps,
    },
    {
        .name = "resume",
        .arguments = "CONTAINER",
        .summary = "Let the processes of a paused container go on",
        .options = &no_option_table,
        .min_arguments = 1,
        .max_arguments = 1,
        .execute = oci_resume,
    },
    {
        .name = "run",
        .arguments = "CONTAINER",
        .summary = "Create, start and, once it has ended, delete a container",
        .options = &run_option_table,
        .min_arguments = 1,
        .max_arguments = 1,
        .flags = COMMAND_SEALED,
        .execute = oci_run,
    },
    {
        .name = "spec",
        .arguments = "",
        .summary = "Write a configuration to begin with",
        .options = &spec_option_table,
        .execute = oci_spec,
    },
    {
        .name = "start",
        .arguments = "CONTAINER",
        .summary = "Start the program of a created container",
        .options = &no_option_table,
        .min_arguments = 1,
        .max_arguments = 1,
        .execute = oci_start,
    },
    {
        .name = "state",
        .arguments = "CONTAINER",
        .summary = "Show the state of a container as JSON",
        .options = &no_option_table,
        .min_arguments = 1,
        .max_arguments = 1,
        .execute = oci_state,
    },
    {
        .name = "update",
        .arguments = "CONTAINER",
        .summary = "Change the limits of a container",
        .options = &update_option_table,
        .min_arguments = 1,
        .max_arguments = 1,
        .execute = oci_update,
    },
};
const size_t n_commands = ARRAY_SIZE(commands);

static const char *const unsupported_commands[] = { "checkpoint", "restore" };

int command_find(const char *name, const Command **ret, Error *err)
{
    Suggestion suggestion = SUGGESTION_INIT(name);

    for (size_t i = 0; i < n_commands; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            *ret = &commands[i];
            return 0;
        }
        suggestion_offer(&suggestion, commands[i].name);
    }
    for (size_t i = 0; i < ARRAY_SIZE(unsupported_commands); i++)
        if (strcmp(unsupported_commands[i], name) == 0)
            return error_set(err, ERROR_UNSUPPORTED,
                             "'%s' is not supported: checkpoints need CRIU, which is not used",
                             name);
    if (!suggestion.best)
        return error_set(err, ERROR_INVALID, "unknown command '%s', see 'cay-oci --help'", name);
    return error_set(err, ERROR_INVALID, "unknown command '%s', did you mean '%s'?", name,
                     suggestion.best);
}
