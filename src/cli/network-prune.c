/* SPDX-License-Identifier: Apache-2.0 */

/* `cay network prune`: networks that no container is in. */

#include "engine/network-prune.h"

#include "base/memory.h"
#include "cli/commands.h"
#include "cli/prune-command.h"

static const Option prune_options[] = {
    PRUNE_OPTION_FILTER("Only networks for which this holds ('until=24h', 'label=key=value')"),
    PRUNE_OPTION_FORCE,
};

const OptionTable network_prune_option_table = { OPTION_TABLE(prune_options) };

static char *warning(const PruneOptions *options)
{
    (void)options;
    return memory_strdup("WARNING! This will remove all custom networks not used by at least one "
                         "container.");
}

static int prune(Engine *engine, const PruneOptions *options, const PruneFilter *filter,
                 int64_t *reclaimed, Error *err)
{
    _cleanup_string_list_ StringList removed = {};
    int r = network_prune(engine, filter, &removed, err);

    (void)options;
    (void)reclaimed; /* they occupy nothing */
    prune_print("Deleted Networks", &removed);
    return r;
}

static const PruneCommand command = {
    .has_no_size = true,
    .warning = warning,
    .prune = prune,
};

int cli_network_prune(Invocation *invocation, Error *err)
{
    return prune_command(invocation, &command, err);
}
