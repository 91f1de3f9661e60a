/* SPDX-License-Identifier: Apache-2.0 */

/* `cay network rm`: each is tried, whatever becomes of the others. */

#include "cli/commands.h"
#include "cli/each-argument.h"
#include "cli/open-engine.h"
#include "engine/network.h"

typedef struct RemoveOptions {
    bool force;
} RemoveOptions;

static const Option remove_options[] = {
    { "force", 'f', .type = OPTION_BOOL, .offset = offsetof(RemoveOptions, force),
      .help = "Do not fail for a network that does not exist" },
};

const OptionTable network_remove_option_table = { OPTION_TABLE(remove_options) };

static int remove_one(Engine *engine, const char *name, void *data, Error *err)
{
    const RemoveOptions *options = data;
    _cleanup_error_ Error problem = {};
    int r = network_remove(engine, name, &problem);

    if (r < 0 && options->force && problem.kind == ERROR_NOT_FOUND)
        return 0;
    if (r < 0)
        error_move(err, &problem);
    return r;
}

int cli_network_remove(Invocation *invocation, Error *err)
{
    _cleanup_(engine_closep) Engine *engine = NULL;
    RemoveOptions options = {};
    int r = invocation_parse(invocation, &options, err);

    if (r >= 0)
        r = open_engine_recovered(invocation, &engine, err); /* a killed run is in no network */
    return r < 0 ? r : each_argument(invocation, engine, remove_one, &options, err);
}
