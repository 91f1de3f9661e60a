/* SPDX-License-Identifier: Apache-2.0 */

/* `cay system prune`: containers that do not run, then images that nobody needs any more. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/time-format.h"
#include "cli/commands.h"
#include "cli/confirm.h"
#include "cli/image-command.h"
#include "cli/open-engine.h"
#include "engine/container-prune.h"
#include "engine/image-prune.h"

typedef struct PruneOptions {
    StringList filters;
    bool all;
    bool force;
} PruneOptions;

static const Option prune_options[] = {
    { "all", 'a', .type = OPTION_BOOL, .offset = offsetof(PruneOptions, all),
      .help = "Remove all images that no container is made from, not only those without a name" },
    { "filter", .type = OPTION_STRING_LIST, .argument = "filter",
      .offset = offsetof(PruneOptions, filters),
      .help = "Only what this holds for ('until=24h', 'label=key=value')" },
    { "force", 'f', .type = OPTION_BOOL, .offset = offsetof(PruneOptions, force),
      .help = "Do not ask" },
};

static const UnsupportedOption unsupported_options[] = {
    { "volumes", .instead = "there are no volumes" },
};

const OptionTable system_prune_option_table = {
    OPTION_TABLE(prune_options),
    OPTION_TABLE_UNSUPPORTED(unsupported_options),
};

static void prune_options_done(PruneOptions *options)
{
    string_list_done(&options->filters);
}

static int prune(Engine *engine, const ContainerPruneFilter *filter, bool all, Error *err)
{
    _cleanup_image_removals_ ImageRemovals images = {};
    _cleanup_string_list_ StringList containers = {};
    _cleanup_free_ char *text = NULL;
    int64_t reclaimed = 0;
    int r = container_prune(engine, filter, &containers, &reclaimed, err);

    if (containers.count > 0)
        printf("Deleted Containers:\n");
    for (size_t i = 0; i < containers.count; i++)
        printf("%s\n", containers.items[i]);
    if (containers.count > 0)
        printf("\n");
    if (r >= 0)
        r = image_prune(engine, filter, all, &images, &reclaimed, err);
    image_prune_print(&images);
    text = size_to_human(reclaimed);
    printf("Total reclaimed space: %s\n", text);
    return r;
}

int cli_system_prune(Invocation *invocation, Error *err)
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
    if (!options.force &&
        !confirm(options.all ? "WARNING! This will remove:\n  - all stopped containers\n"
                               "  - all images without at least one container associated to them\n"
                             : "WARNING! This will remove:\n  - all stopped containers\n"
                               "  - all dangling images\n"))
        return error_set(err, ERROR_INVALID, "system prune has been cancelled");
    r = open_engine(invocation, &engine, err);
    return r < 0 ? r : prune(engine, &filter, options.all, err);
}
