/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the commands that prune share: options, the question before, the sum afterwards. */

#include "cli/command.h"
#include "engine/prune.h"

typedef struct PruneOptions {
    StringList filters;
    bool all;
    bool force;
    bool volumes; /* of `system prune` */
} PruneOptions;

/* Each command has a table of those that it takes, with what they mean to it. */
#define PRUNE_OPTION_ALL(text)                                                                     \
    {                                                                                              \
        "all", 'a', .type = OPTION_BOOL, .offset = offsetof(PruneOptions, all), .help = (text)     \
    }
#define PRUNE_OPTION_FILTER(text)                                                                  \
    {                                                                                              \
        "filter", .type = OPTION_STRING_LIST, .argument = "filter",                                \
                  .offset = offsetof(PruneOptions, filters), .help = (text)                        \
    }
#define PRUNE_OPTION_FORCE                                                                         \
    {                                                                                              \
        "force", 'f', .type = OPTION_BOOL, .offset = offsetof(PruneOptions, force),                \
                      .help = "Do not ask"                                                         \
    }

typedef struct PruneCommand {
    bool has_no_size; /* what it removes occupies nothing, so there is no sum */
    /* Take what the command alone knows. Returns 1, or 0 when it is not that. May be NULL. */
    int (*take_filter)(PruneOptions *options, const char *text, Error *err);
    /* Errors: INVALID. May be NULL. */
    int (*check)(const PruneOptions *options, const PruneFilter *filter, Error *err);
    /* What will be lost. The caller frees it. */
    char *(*warning)(const PruneOptions *options);
    /* Remove, print what was removed, and add to *reclaimed. */
    int (*prune)(Engine *engine, const PruneOptions *options, const PruneFilter *filter,
                 int64_t *reclaimed, Error *err);
} PruneCommand;

int prune_command(Invocation *invocation, const PruneCommand *command, Error *err);

/* "Deleted Containers:", what was removed, and an empty line; nothing for an empty list. */
void prune_print(const char *title, const StringList *removed);
