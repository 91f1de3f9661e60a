/* SPDX-License-Identifier: Apache-2.0 */

/*
 * All commands with all their spellings. What Docker has and this version has not is listed too, so
 * that it is refused for what it is.
 */

#include "cli/commands-private.h"

#include <string.h>

#include "base/memory.h"
#include "base/suggest.h"

static const Option global_options[] = {
    { "config-file", .type = OPTION_STRING, .argument = "file",
      .offset = offsetof(GlobalOptions, config_file),
      .help = "Defaults for containers (default \"/etc/cay/cay.yaml\", or $CAY_CONFIG)" },
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
    { "manifest", "Manage lists of manifests" },
    { "network", "Manage networks" },
    { "secret", "Manage secrets" },
    { "system", "Manage cay as a whole" },
    { "volume", "Manage volumes" },
};
const size_t n_command_groups = ARRAY_SIZE(command_groups);

/* In the order in which help shows them. */
static const CommandTable *const tables[] = {
    &container_commands, &image_commands,  &manifest_commands, &network_commands,
    &registry_commands,  &secret_commands, &system_commands,   &volume_commands,
};

const Command *command_at(size_t index)
{
    for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
        if (index < tables[i]->count)
            return &tables[i]->commands[index];
        index -= tables[i]->count;
    }
    return NULL;
}

static const char *const unsupported_commands[] = {
    "builder",  "build",  "buildx",      "checkpoint",     "compose",          "config", "context",
    "manifest", "node",   "plugin",      "port",           "service",          "stack",  "swarm",
    "trust",    "update", "image build", "container port", "container update",
};

const Command *command_by_name(const char *name)
{
    const Command *command;

    for (size_t i = 0; (command = command_at(i)); i++)
        for (size_t j = 0; j < COMMAND_NAMES_MAX && command->names[j]; j++)
            if (strcmp(command->names[j], name) == 0)
                return command;
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
    const Command *command;

    for (size_t i = 0; i < ARRAY_SIZE(unsupported_commands); i++)
        if (strcmp(unsupported_commands[i], name) == 0)
            return error_set(err, ERROR_UNSUPPORTED,
                             "command '%s' is not supported by this version", name);

    for (size_t i = 0; i < n_command_groups; i++)
        suggestion_offer(&suggestion, command_groups[i].name);
    for (size_t i = 0; (command = command_at(i)); i++)
        for (size_t j = 0; j < COMMAND_NAMES_MAX && command->names[j]; j++)
            if (!(command->flags & COMMAND_HIDDEN))
                suggestion_offer(&suggestion, command->names[j]);
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
