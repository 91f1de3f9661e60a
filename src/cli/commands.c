/* SPDX-License-Identifier: Apache-2.0 */

/*
 * All commands with all their spellings. What Docker has and this version has not is listed too, so
 * that it is refused for what it is.
 */

#include "cli/commands.h"

#include <string.h>

#include "base/memory.h"
#include "base/suggest.h"
#include "cli/exit-codes.h"
#include "cli/run-options.h"

static const Option global_options[] = {
    { "debug", 'D', .type = OPTION_BOOL, .offset = offsetof(GlobalOptions, debug),
      .help = "Print debug messages" },
    { "runtime-dir", .type = OPTION_STRING, .argument = "directory",
      .offset = offsetof(GlobalOptions, runtime_dir),
      .help = "Where the state of running containers is (default \"/run/cay\", or $CAY_RUNTIME)" },
    { "state", .type = OPTION_STRING, .argument = "directory",
      .offset = offsetof(GlobalOptions, state),
      .help = "Where images and containers are (default \"/var/lib/cay\", or $CAY_STATE)" },
    { "version", 'v', .type = OPTION_BOOL, .offset = offsetof(GlobalOptions, version),
      .help = "Print version information and quit" },
};

static const UnsupportedOption unsupported_global_options[] = {
    { "config" },    { "context", 'c' }, { "host", 'H' }, { "log-level", 'l' }, { "tls" },
    { "tlscacert" }, { "tlscert" },      { "tlskey" },    { "tlsverify" },
};

const OptionTable global_option_table = {
    OPTION_TABLE(global_options),
    OPTION_TABLE_UNSUPPORTED(unsupported_global_options),
    .stop_at_positional = true,
};

const OptionTable no_option_table = {};

const CommandGroup command_groups[] = {
    { "container", "Manage containers" },
    { "image", "Manage images" },
};
const size_t n_command_groups = ARRAY_SIZE(command_groups);

const Command commands[] = {
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
        .names = { "container ls", "container list", "container ps", "ps" },
        .arguments = "",
        .summary = "List containers",
        .options = &container_list_option_table,
        .flags = COMMAND_COMMON,
        .execute = cli_container_list,
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
    {
        .names = { "image ls", "image list", "images" },
        .arguments = "[REPOSITORY[:TAG]]",
        .summary = "List images",
        .options = &image_list_option_table,
        .max_arguments = 1,
        .flags = COMMAND_COMMON,
        .execute = cli_image_list,
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
    {
        .names = { "image bootstrap" },
        .arguments = "REFERENCE",
        .summary = "Make a base image from the Debian archive",
        .description = "The image is made by mmdebstrap from signed packages, so that no registry "
                       "is needed. The same state of the archive gives the same layer.",
        .options = &image_bootstrap_option_table,
        .min_arguments = 1,
        .max_arguments = 1,
        .execute = cli_image_bootstrap,
    },
    {
        .names = { "image history", "history" },
        .arguments = "IMAGE",
        .summary = "Show the history of an image",
        .options = &image_history_option_table,
        .min_arguments = 1,
        .max_arguments = 1,
        .execute = cli_image_history,
    },
    {
        .names = { "image import", "import" },
        .arguments = "FILE|- [REPOSITORY[:TAG]]",
        .summary = "Make an image from a tar archive of a root file system",
        .options = &image_import_option_table,
        .min_arguments = 1,
        .max_arguments = 2,
        .execute = cli_image_import,
    },
    {
        .names = { "image inspect" },
        .arguments = "IMAGE [IMAGE...]",
        .summary = "Show everything about images as JSON",
        .options = &image_inspect_option_table,
        .min_arguments = 1,
        .max_arguments = ANY_NUMBER,
        .execute = cli_image_inspect,
    },
    {
        .names = { "image load", "load" },
        .arguments = "",
        .summary = "Load images from an archive or standard input",
        .description = "Archives are those of 'docker save' and OCI layouts, plain or compressed "
                       "with gzip, zstd or xz.",
        .options = &image_load_option_table,
        .execute = cli_image_load,
    },
    {
        .names = { "image rm", "image remove", "rmi" },
        .arguments = "IMAGE [IMAGE...]",
        .summary = "Remove images",
        .options = &image_remove_option_table,
        .min_arguments = 1,
        .max_arguments = ANY_NUMBER,
        .execute = cli_image_remove,
    },
    {
        .names = { "image tag", "tag" },
        .arguments = "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
        .summary = "Give an image a further name",
        .options = &no_option_table,
        .min_arguments = 2,
        .max_arguments = 2,
        .execute = cli_image_tag,
    },
};
const size_t n_commands = ARRAY_SIZE(commands);

static const char *const unsupported_commands[] = {
    "attach",
    "builder",
    "build",
    "buildx",
    "checkpoint",
    "commit",
    "compose",
    "config",
    "context",
    "cp",
    "create",
    "diff",
    "events",
    "exec",
    "export",
    "info",
    "kill",
    "login",
    "logout",
    "logs",
    "manifest",
    "network",
    "node",
    "pause",
    "plugin",
    "port",
    "pull",
    "push",
    "rename",
    "restart",
    "save",
    "search",
    "secret",
    "service",
    "stack",
    "start",
    "stats",
    "stop",
    "swarm",
    "system",
    "top",
    "trust",
    "unpause",
    "update",
    "volume",
    "wait",
    "image build",
    "image prune",
    "image pull",
    "image push",
    "image save",
    "container attach",
    "container commit",
    "container cp",
    "container create",
    "container diff",
    "container exec",
    "container export",
    "container kill",
    "container logs",
    "container pause",
    "container port",
    "container prune",
    "container rename",
    "container restart",
    "container start",
    "container stats",
    "container stop",
    "container top",
    "container unpause",
    "container update",
    "container wait",
};

const Command *command_by_name(const char *name)
{
    for (size_t i = 0; i < n_commands; i++)
        for (size_t j = 0; j < COMMAND_NAMES_MAX && commands[i].names[j]; j++)
            if (strcmp(commands[i].names[j], name) == 0)
                return &commands[i];
    return NULL;
}

const CommandGroup *command_group_by_name(const char *name)
{
    for (size_t i = 0; i < n_command_groups; i++)
        if (strcmp(command_groups[i].name, name) == 0)
            return &command_groups[i];
    return NULL;
}

static int refuse(const char *name, Error *err)
{
    Suggestion suggestion = SUGGESTION_INIT(name);

    for (size_t i = 0; i < ARRAY_SIZE(unsupported_commands); i++)
        if (strcmp(unsupported_commands[i], name) == 0)
            return error_set(err, ERROR_UNSUPPORTED,
                             "command '%s' is not supported by this version", name);

    for (size_t i = 0; i < n_command_groups; i++)
        suggestion_offer(&suggestion, command_groups[i].name);
    for (size_t i = 0; i < n_commands; i++)
        for (size_t j = 0; j < COMMAND_NAMES_MAX && commands[i].names[j]; j++)
            if (!(commands[i].flags & COMMAND_HIDDEN))
                suggestion_offer(&suggestion, commands[i].names[j]);
    if (!suggestion.best)
        return error_set(err, ERROR_INVALID, "unknown command '%s', see 'cay --help'", name);
    return error_set(err, ERROR_INVALID, "unknown command '%s', did you mean '%s'?", name,
                     suggestion.best);
}

/* The spelling in the table, which lives longer than what was typed. */
static const char *own_spelling(const Command *command, const char *name)
{
    for (size_t i = 0; i < COMMAND_NAMES_MAX && command->names[i]; i++)
        if (strcmp(command->names[i], name) == 0)
            return command->names[i];
    return command->names[0];
}

static void take_words(Invocation *invocation, size_t count)
{
    invocation->arguments += count;
    invocation->n_arguments -= count;
}

static int find_in_group(Invocation *invocation, const CommandGroup *group,
                         const CommandGroup **ret_group, Error *err)
{
    const char *word = invocation->n_arguments > 1 ? invocation->arguments[1] : NULL;

    if (!word || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        *ret_group = group;
        return OPTIONS_HELP;
    }

    _cleanup_free_ char *name = memory_printf("%s %s", group->name, word);
    invocation->command = command_by_name(name);
    if (!invocation->command)
        return refuse(name, err);
    invocation->name = own_spelling(invocation->command, name);
    take_words(invocation, 2);
    return 0;
}

int command_find(Invocation *invocation, const CommandGroup **ret_group, Error *err)
{
    const char *word = invocation->arguments[0];
    const CommandGroup *group = command_group_by_name(word);

    if (group)
        return find_in_group(invocation, group, ret_group, err);
    invocation->command = command_by_name(word);
    /* "cay 'image ls'" is one word that only looks like two. */
    if (!invocation->command || strchr(word, ' '))
        return refuse(word, err);
    invocation->name = own_spelling(invocation->command, word);
    take_words(invocation, 1);
    return 0;
}
