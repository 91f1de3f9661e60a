/* SPDX-License-Identifier: Apache-2.0 */

/* The one way to prune. */

#include "cli/prune-command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/time-format.h"
#include "cli/confirm.h"
#include "cli/open-engine.h"

static void prune_options_done(PruneOptions *options)
{
    string_list_done(&options->filters);
}

static int add_filters(const PruneCommand *command, PruneOptions *options, PruneFilter *filter,
                       Error *err)
{
    for (size_t i = 0; i < options->filters.count; i++) {
        const char *text = options->filters.items[i];
        int r = command->take_filter ? command->take_filter(options, text, err) : 0;

        if (r == 0)
            r = prune_filter_add(filter, text, err);
        if (r < 0)
            return r;
    }
    return command->check ? command->check(options, filter, err) : 0;
}

static int ask(const Invocation *invocation, const PruneCommand *command,
               const PruneOptions *options, Error *err)
{
    _cleanup_free_ char *warning = command->warning(options);

    if (options->force || confirm(warning))
        return 0;
    return error_set(err, ERROR_INVALID, "%s has been cancelled", invocation->name);
}

void prune_print(const char *title, const StringList *removed)
{
    if (removed->count == 0)
        return;
    printf("%s:\n", title);
    for (size_t i = 0; i < removed->count; i++)
        printf("%s\n", removed->items[i]);
    printf("\n");
}

int prune_command(Invocation *invocation, const PruneCommand *command, Error *err)
{
    _cleanup_(prune_options_done) PruneOptions options = {};
    _cleanup_prune_filter_ PruneFilter filter = {};
    _cleanup_(engine_closep) Engine *engine = NULL;
    _cleanup_free_ char *text = NULL;
    int64_t reclaimed = 0;
    int r = invocation_parse(invocation, &options, err);

    if (r >= 0)
        r = invocation_misuse(invocation, add_filters(command, &options, &filter, err));
    if (r >= 0)
        r = ask(invocation, command, &options, err);
    if (r >= 0)
        r = open_engine_recovered(invocation, &engine, err); /* a killed run uses nothing */
    if (r < 0)
        return r;
    r = command->prune(engine, &options, &filter, &reclaimed, err);
    if (command->has_no_size)
        return r;
    text = size_to_human(reclaimed);
    printf("Total reclaimed space: %s\n", text);
    return r;
}
