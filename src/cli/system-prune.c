/* SPDX-License-Identifier: Apache-2.0 */

/* `cay system prune`: containers that do not run, then what nobody needs any more without them. */

#include "base/memory.h"
#include "cli/commands.h"
#include "cli/image-command.h"
#include "cli/prune-command.h"
#include "engine/container-prune.h"
#include "engine/image-prune.h"
#include "engine/network-prune.h"
#include "engine/volume-prune.h"

static const Option prune_options[] = {
    PRUNE_OPTION_ALL("Remove all images that no container is made from, not only those without a "
                     "name"),
    PRUNE_OPTION_FILTER("Only what this holds for ('until=24h', 'label=key=value')"),
    PRUNE_OPTION_FORCE,
    { "volumes", .type = OPTION_BOOL, .offset = offsetof(PruneOptions, volumes),
      .help = "Remove anonymous volumes as well" },
};

const OptionTable system_prune_option_table = { OPTION_TABLE(prune_options) };

static int check(const PruneOptions *options, const PruneFilter *filter, Error *err)
{
    if (options->volumes && filter->until.is_set)
        return error_set(err, ERROR_INVALID,
                         "the 'until' filter is not supported with '--volumes'");
    return 0;
}

static char *warning(const PruneOptions *options)
{
    return memory_printf(
        "WARNING! This will remove:\n  - all stopped containers\n"
        "  - all networks not used by at least one container\n%s%s",
        options->volumes ? "  - all anonymous volumes not used by at least one container\n" : "",
        options->all ? "  - all images without at least one container associated to them\n"
                     : "  - all dangling images\n");
}

static int prune(Engine *engine, const PruneOptions *options, const PruneFilter *filter,
                 int64_t *reclaimed, Error *err)
{
    _cleanup_string_list_ StringList containers = {}, networks = {}, volumes = {};
    _cleanup_image_removals_ ImageRemovals images = {};
    int r = container_prune(engine, filter, &containers, reclaimed, err);

    prune_print("Deleted Containers", &containers);
    if (r >= 0)
        r = network_prune(engine, filter, &networks, err);
    prune_print("Deleted Networks", &networks);
    if (r >= 0 && options->volumes)
        r = volume_prune(engine, filter, false, &volumes, reclaimed, err);
    prune_print("Deleted Volumes", &volumes);
    if (r >= 0)
        r = image_prune(engine, filter, options->all, &images, reclaimed, err);
    image_prune_print(&images);
    return r;
}

static const PruneCommand command = { .check = check, .warning = warning, .prune = prune };

int cli_system_prune(Invocation *invocation, Error *err)
{
    return prune_command(invocation, &command, err);
}
