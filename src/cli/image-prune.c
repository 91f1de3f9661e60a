/* SPDX-License-Identifier: Apache-2.0 */

/* `cay image prune`: images that nobody needs. */

#include "engine/image-prune.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/parse.h"
#include "base/time-format.h"
#include "cli/commands.h"
#include "cli/confirm.h"
#include "cli/image-command.h"
#include "cli/open-engine.h"

#define DANGLING "dangling="

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
      .help = "Only images for which this holds ('until=24h', 'label=key=value')" },
    { "force", 'f', .type = OPTION_BOOL, .offset = offsetof(PruneOptions, force),
      .help = "Do not ask" },
};

const OptionTable image_prune_option_table = { OPTION_TABLE(prune_options) };

static void prune_options_done(PruneOptions *options)
{
    string_list_done(&options->filters);
}

/* "dangling=false" is another way to say --all. */
static int add_filter(PruneOptions *options, ContainerPruneFilter *filter, const char *text,
                      Error *err)
{
    bool is_dangling;

    if (strncmp(text, DANGLING, strlen(DANGLING)) != 0)
        return container_prune_filter_add(filter, text, err);
    if (parse_bool(text + strlen(DANGLING), &is_dangling) < 0)
        return error_set(err, ERROR_INVALID, "invalid filter '%s': use true or false", text);
    options->all = !is_dangling;
    return 0;
}

void image_prune_print(const ImageRemovals *list)
{
    if (list->removals.count > 0)
        printf("Deleted Images:\n");
    for (size_t i = 0; i < list->removals.count; i++) {
        const ImageRemoval *removal = &list->removals.items[i];

        printf("%s: %s\n", removal->untagged ? "untagged" : "deleted",
               removal->untagged ? removal->untagged : removal->deleted);
    }
    if (list->removals.count > 0)
        printf("\n");
}

static int prune(Engine *engine, const ContainerPruneFilter *filter, bool all, Error *err)
{
    _cleanup_image_removals_ ImageRemovals removed = {};
    _cleanup_free_ char *text = NULL;
    int64_t reclaimed = 0;
    int r = image_prune(engine, filter, all, &removed, &reclaimed, err);

    image_prune_print(&removed);
    text = size_to_human(reclaimed);
    printf("Total reclaimed space: %s\n", text);
    return r;
}

int cli_image_prune(Invocation *invocation, Error *err)
{
    _cleanup_(prune_options_done) PruneOptions options = {};
    _cleanup_container_prune_filter_ ContainerPruneFilter filter = {};
    _cleanup_(engine_closep) Engine *engine = NULL;
    int r = invocation_parse(invocation, &options, err);

    for (size_t i = 0; i < options.filters.count && r >= 0; i++)
        r = invocation_misuse(invocation,
                              add_filter(&options, &filter, options.filters.items[i], err));
    if (r < 0)
        return r;
    if (!options.force &&
        !confirm(options.all ? "WARNING! This will remove all images without at least one "
                               "container associated to them."
                             : "WARNING! This will remove all dangling images."))
        return error_set(err, ERROR_INVALID, "image prune has been cancelled");
    r = open_engine(invocation, &engine, err);
    return r < 0 ? r : prune(engine, &filter, options.all, err);
}
