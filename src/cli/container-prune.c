/* SPDX-License-Identifier: Apache-2.0 */

/* `cay container prune`: all containers that do not run. */

#include "engine/container-prune.h"

#include "base/memory.h"
#include "cli/commands.h"
#include "cli/prune-command.h"

static const Option prune_options[] = {
    PRUNE_OPTION_FILTER("Only containers for which this holds ('until=24h', 'label=key=value')"),
    PRUNE_OPTION_FORCE,
};

const OptionTable container_prune_option_table = { OPTION_TABLE(prune_options) };

static char *warning(const PruneOptions *options)
{
    (void)options;
    return memory_strdup("WARNING! This will remove all stopped containers.");
}

static int prune(Engine *engine, const PruneOptions *options, const PruneFilter *filter,
                 int64_t *reclaimed, Error *err)
{
    _cleanup_string_list_ StringList removed = {};
    int r = container_prune(engine, filter, &removed, reclaimed, err);

    (void)options;
    prune_print("Deleted Containers", &removed);
    return r;
}

static const PruneCommand command = { .warning = warning, .prune = prune };

int cli_container_prune(Invocation *invocation, Error *err)
{
    return prune_command(invocation, &command, err);
}
