/* SPDX-License-Identifier: Apache-2.0 */

/* `cay volume prune`: volumes that no container uses. */

#include "engine/volume-prune.h"

#include <string.h>

#include "base/memory.h"
#include "base/parse.h"
#include "cli/commands.h"
#include "cli/prune-command.h"

#define ALL "all="

static const Option prune_options[] = {
    PRUNE_OPTION_ALL("Remove all volumes that no container uses, not only anonymous ones"),
    PRUNE_OPTION_FILTER("Only volumes for which this holds ('label=key=value', 'all=true')"),
    PRUNE_OPTION_FORCE,
};

const OptionTable volume_prune_option_table = { OPTION_TABLE(prune_options) };

static int take_filter(PruneOptions *options, const char *text, Error *err)
{
    if (strncmp(text, ALL, strlen(ALL)) != 0)
        return 0;
    if (parse_bool(text + strlen(ALL), &options->all) < 0)
        return error_set(err, ERROR_INVALID, "invalid filter '%s': use true or false", text);
    return 1;
}

static int check(const PruneOptions *options, const PruneFilter *filter, Error *err)
{
    (void)options;
    if (filter->until.is_set)
        return error_set(err, ERROR_INVALID, "invalid filter 'until': volumes have none");
    return 0;
}

static char *warning(const PruneOptions *options)
{
    return memory_printf("WARNING! This will remove %s local volumes not used by at least one "
                         "container.",
                         options->all ? "all" : "anonymous");
}

static int prune(Engine *engine, const PruneOptions *options, const PruneFilter *filter,
                 int64_t *reclaimed, Error *err)
{
    _cleanup_string_list_ StringList removed = {};
    int r = volume_prune(engine, filter, options->all, &removed, reclaimed, err);

    prune_print("Deleted Volumes", &removed);
    return r;
}

static const PruneCommand command = {
    .take_filter = take_filter,
    .check = check,
    .warning = warning,
    .prune = prune,
};

int cli_volume_prune(Invocation *invocation, Error *err)
{
    return prune_command(invocation, &command, err);
}
