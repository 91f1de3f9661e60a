/* SPDX-License-Identifier: Apache-2.0 */

/* `cay volume inspect`: volumes as JSON. What is found is shown, even when something is not. */

#include <stdlib.h>

#include "base/json-fields.h"
#include "cli/commands.h"
#include "cli/inspect-output.h"
#include "cli/open-engine.h"
#include "engine/volume.h"

typedef struct InspectOptions {
    char *format;
} InspectOptions;

static const Option inspect_options[] = {
    { "format", 'f', .type = OPTION_STRING, .argument = "string",
      .offset = offsetof(InspectOptions, format),
      .help = "Format the output with a Go template, or 'json' for one line" },
};

const OptionTable volume_inspect_option_table = { OPTION_TABLE(inspect_options) };

static void inspect_options_done(InspectOptions *options)
{
    free(options->format);
}

static int inspect(const Invocation *invocation, Engine *engine, const char *format, Error *err)
{
    _cleanup_json_ json_t *objects = json_array();
    int result = 0, r;

    for (size_t i = 0; i < invocation->n_arguments; i++) {
        _cleanup_(volume_freep) Volume *volume = NULL;
        _cleanup_error_ Error problem = {};

        r = volume_find(engine, invocation->arguments[i], &volume, &problem);
        if (r >= 0)
            r = volume_describe(volume, &problem);
        if (r < 0)
            result = invocation_continue(invocation, result, r, &problem, err);
        else
            json_array_append_new(objects, volume_to_inspect(volume));
    }
    r = inspect_print(objects, format, stdout, result < 0 ? NULL : err);
    return result < 0 ? result : r;
}

int cli_volume_inspect(Invocation *invocation, Error *err)
{
    _cleanup_(inspect_options_done) InspectOptions options = {};
    _cleanup_(engine_closep) Engine *engine = NULL;
    int r = invocation_parse(invocation, &options, err);

    if (r >= 0)
        r = open_engine(invocation, &engine, err);
    return r < 0 ? r : inspect(invocation, engine, options.format, err);
}
