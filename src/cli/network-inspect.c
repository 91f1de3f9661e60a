/* SPDX-License-Identifier: Apache-2.0 */

/* `cay network inspect`: networks as JSON. What is found is shown, even when something is not. */

#include <stdlib.h>

#include "base/json-fields.h"
#include "cli/commands.h"
#include "cli/inspect-output.h"
#include "cli/open-engine.h"
#include "engine/network.h"

typedef struct InspectOptions {
    char *format;
    bool verbose;
} InspectOptions;

static const Option inspect_options[] = {
    { "format", 'f', .type = OPTION_STRING, .argument = "string",
      .offset = offsetof(InspectOptions, format),
      .help = "Format the output with a Go template, or 'json' for one line" },
    { "verbose", 'v', .type = OPTION_BOOL, .offset = offsetof(InspectOptions, verbose),
      .help = "Show what was decided about links as well" },
};

const OptionTable network_inspect_option_table = { OPTION_TABLE(inspect_options) };

static void inspect_options_done(InspectOptions *options)
{
    free(options->format);
}

static int inspect_one(Engine *engine, const char *name, bool verbose, json_t *objects, Error *err)
{
    _cleanup_(network_freep) Network *network = NULL;
    json_t *object;
    int r = network_find(engine, name, &network, err);

    if (r >= 0)
        r = network_to_inspect(engine, network, &object, err);
    if (r < 0)
        return r;
    if (verbose)
        json_object_set_new(object, "Links", network_links_to_inspect(network));
    json_array_append_new(objects, object);
    return 0;
}

static int inspect(const Invocation *invocation, Engine *engine, const InspectOptions *options,
                   Error *err)
{
    _cleanup_json_ json_t *objects = json_array();
    int result = 0, r;

    for (size_t i = 0; i < invocation->n_arguments; i++) {
        _cleanup_error_ Error problem = {};

        r = inspect_one(engine, invocation->arguments[i], options->verbose, objects, &problem);
        if (r < 0)
            result = invocation_continue(invocation, result, r, &problem, err);
    }
    r = inspect_print(objects, options->format, stdout, result < 0 ? NULL : err);
    return result < 0 ? result : r;
}

int cli_network_inspect(Invocation *invocation, Error *err)
{
    _cleanup_(inspect_options_done) InspectOptions options = {};
    _cleanup_(engine_closep) Engine *engine = NULL;
    int r = invocation_parse(invocation, &options, err);

    if (r >= 0)
        r = open_engine_recovered(invocation, &engine, err); /* a killed run is in no network */
    return r < 0 ? r : inspect(invocation, engine, &options, err);
}
