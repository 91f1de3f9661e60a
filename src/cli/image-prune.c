/* SPDX-License-Identifier: Apache-2.0 */

/* `cay image prune`: images that nobody needs. */

#include "engine/image-prune.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/parse.h"
#include "cli/commands.h"
#include "cli/image-command.h"
#include "cli/prune-command.h"

#define DANGLING "dangling="

static const Option prune_options[] = {
    PRUNE_OPTION_ALL("Remove all images that no container is made from, not only those without a "
                     "name"),
    PRUNE_OPTION_FILTER("Only images for which this holds ('until=24h', 'label=key=value')"),
    PRUNE_OPTION_FORCE,
};

const OptionTable image_prune_option_table = { OPTION_TABLE(prune_options) };

/* "dangling=false" is another way to say --all. */
static int take_filter(PruneOptions *options, const char *text, Error *err)
{
    bool is_dangling;

    if (strncmp(text, DANGLING, strlen(DANGLING)) != 0)
        return 0;
    if (parse_bool(text + strlen(DANGLING), &is_dangling) < 0)
        return error_set(err, ERROR_INVALID, "invalid filter '%s': use true or false", text);
    options->all = !is_dangling;
    return 1;
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

static char *warning(const PruneOptions *options)
{
    return memory_strdup(options->all ? "WARNING! This will remove all images without at least one "
                                        "container associated to them."
                                      : "WARNING! This will remove all dangling images.");
}

static int prune(Engine *engine, const PruneOptions *options, const PruneFilter *filter,
                 int64_t *reclaimed, Error *err)
{
    _cleanup_image_removals_ ImageRemovals removed = {};
    int r = image_prune(engine, filter, options->all, &removed, reclaimed, err);

    image_prune_print(&removed);
    return r;
}

static const PruneCommand command = {
    .take_filter = take_filter,
    .warning = warning,
    .prune = prune,
};

int cli_image_prune(Invocation *invocation, Error *err)
{
    return prune_command(invocation, &command, err);
}
