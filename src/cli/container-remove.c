/* SPDX-License-Identifier: Apache-2.0 */

/*
 * `cay rm` removes containers; `cay container recover`, which a shim calls when its container has
 * ended and nobody waits for it, settles one.
 */

#include <stdio.h>

#include "cli/commands.h"
#include "cli/open-engine.h"
#include "engine/container.h"

typedef struct RemoveOptions {
    bool force;
    bool volumes;
} RemoveOptions;

static const Option remove_options[] = {
    { "force", 'f', .type = OPTION_BOOL, .offset = offsetof(RemoveOptions, force),
      .help = "Kill a running container first" },
    { "volumes", 'v', .type = OPTION_BOOL, .offset = offsetof(RemoveOptions, volumes),
      .help = "Remove its anonymous volumes, too" },
};

static const UnsupportedOption unsupported_options[] = {
    { "link", 'l', .instead = "there are no links between containers" },
};

const OptionTable container_remove_option_table = {
    OPTION_TABLE(remove_options),
    OPTION_TABLE_UNSUPPORTED(unsupported_options),
};

int cli_container_remove(Invocation *invocation, Error *err)
{
    _cleanup_(engine_closep) Engine *engine = NULL;
    RemoveOptions options = {};
    unsigned flags;
    int r = invocation_parse(invocation, &options, err), result = 0;

    if (r >= 0)
        r = open_engine(invocation, &engine, err);
    if (r < 0)
        return r;

    flags = (options.force ? CONTAINER_REMOVE_FORCE : 0U) |
            (options.volumes ? CONTAINER_REMOVE_VOLUMES : 0U);
    /* Each is tried, whatever becomes of the others. */
    for (size_t i = 0; i < invocation->n_arguments; i++) {
        _cleanup_error_ Error problem = {};

        r = container_remove(engine, invocation->arguments[i], flags, &problem);
        if (r >= 0) {
            printf("%s\n", invocation->arguments[i]);
            continue;
        }
        if (!options.force || problem.kind != ERROR_NOT_FOUND) /* gone is what was asked for */
            result = invocation_continue(invocation, result, r, &problem, err);
    }
    return result;
}

int cli_container_recover(Invocation *invocation, Error *err)
{
    _cleanup_(engine_closep) Engine *engine = NULL;
    int r = invocation_parse(invocation, NULL, err);

    if (r >= 0)
        r = open_engine(invocation, &engine, err);
    if (r >= 0)
        r = container_recover(engine, invocation->arguments[0], err);
    return r;
}
