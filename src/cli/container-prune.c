/* SPDX-License-Identifier: Apache-2.0 */

/* `cay container prune`: all containers that do not run. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/time-format.h"
#include "cli/commands.h"
#include "cli/confirm.h"
#include "cli/open-engine.h"
#include "engine/container-prune.h"

typedef struct PruneOptions {
    StringList filters;
    bool force;
} PruneOptions;

static const Option prune_options[] = {
    { "filter", .type = OPTION_STRING_LIST, .argument = "filter",
      .offset = offsetof(PruneOptions, filters),
      .help = "Only containers for which this holds ('until=24h', 'label=key=value')" },
    { "force", 'f', .type = OPTION_BOOL, .offset = offsetof(PruneOptions, force),
      .help = "Do not ask" },
};

const OptionTable container_prune_option_table = { OPTION_TABLE(prune_options) };

static void prune_options_done(PruneOptions *options)
{
    string_list_done(&options->filters);
}

static int prune(Engine *engine, const ContainerPruneFilter *filter, Error *err)
{
    _cleanup_string_list_ StringList removed = {};
    _cleanup_free_ char *text = NULL;
    int64_t reclaimed = 0;
    int r = container_prune(engine, filter, &removed, &reclaimed, err);

    if (removed.count > 0)
        printf("Deleted Containers:\n");
    for (size_t i = 0; i < removed.count; i++)
        printf("%s\n", removed.items[i]);
    text = size_to_human(reclaimed);
    printf("%sTotal reclaimed space: %s\n", removed.count > 0 ? "\n" : "", text);
    return r;
}

int cli_container_prune(Invocation *invocation, Error *err)
{
    _cleanup_(prune_options_done) PruneOptions options = {};
    _cleanup_container_prune_filter_ ContainerPruneFilter filter = {};
    _cleanup_(engine_closep) Engine *engine = NULL;
    int r = invocation_parse(invocation, &options, err);

    for (size_t i = 0; i < options.filters.count && r >= 0; i++)
        r = invocation_misuse(invocation,
                              container_prune_filter_add(&filter, options.filters.items[i], err));
    if (r < 0)
        return r;
    if (!options.force && !confirm("WARNING! This will remove all stopped containers."))
        return error_set(err, ERROR_INVALID, "container prune has been cancelled");
    r = open_engine(invocation, &engine, err);
    return r < 0 ? r : prune(engine, &filter, err);
}
