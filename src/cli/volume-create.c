/* SPDX-License-Identifier: Apache-2.0 */

/* `cay volume create` and `cay volume update`. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cli/commands.h"
#include "cli/open-engine.h"
#include "cli/pair-option.h"
#include "engine/volume.h"

typedef struct CreateOptions {
    char *driver;
    StringMap labels;
    StringMap options;
} CreateOptions;

static const Option create_options[] = {
    { "driver", 'd', .type = OPTION_STRING, .argument = "string",
      .offset = offsetof(CreateOptions, driver),
      .help = "Who has the volume's files: 'local', or a plug-in (default \"local\")" },
    { "label", .type = OPTION_HANDLER, .argument = "list", .handler = option_take_pair,
      .offset = offsetof(CreateOptions, labels), .help = "Set metadata on the volume" },
    { "opt", 'o', .type = OPTION_HANDLER, .argument = "map", .handler = option_take_pair,
      .offset = offsetof(CreateOptions, options),
      .help = "Set an option of the driver ('type=tmpfs', 'device=/dev/sdb1', 'o=ro,noatime')" },
};

#define NO_CLUSTER .instead = "there are no cluster volumes"

static const UnsupportedOption unsupported_options[] = {
    { "availability", NO_CLUSTER },
    { "group", NO_CLUSTER },
    { "limit-bytes", NO_CLUSTER },
    { "required-bytes", NO_CLUSTER },
    { "scope", NO_CLUSTER },
    { "secret", NO_CLUSTER },
    { "sharing", NO_CLUSTER },
    { "topology-preferred", NO_CLUSTER },
    { "topology-required", NO_CLUSTER },
    { "type", NO_CLUSTER },
};

const OptionTable volume_create_option_table = {
    OPTION_TABLE(create_options),
    OPTION_TABLE_UNSUPPORTED(unsupported_options),
};

static void create_options_done(CreateOptions *options)
{
    free(options->driver);
    string_map_done(&options->labels);
    string_map_done(&options->options);
}

int cli_volume_create(Invocation *invocation, Error *err)
{
    _cleanup_(create_options_done) CreateOptions options = {};
    _cleanup_(volume_freep) Volume *volume = NULL;
    _cleanup_(engine_closep) Engine *engine = NULL;
    VolumeRequest request = { .options = &options.options, .labels = &options.labels };
    int r = invocation_parse(invocation, &options, err);

    if (r >= 0)
        r = open_engine(invocation, &engine, err);
    if (r < 0)
        return r;
    request.name = invocation->n_arguments > 0 ? invocation->arguments[0] : NULL;
    request.driver = options.driver;
    r = volume_create(engine, &request, &volume, err);
    if (r >= 0)
        printf("%s\n", volume->name);
    return r;
}

static const UnsupportedOption unsupported_update_options[] = { { "availability", NO_CLUSTER } };

const OptionTable volume_update_option_table = {
    OPTION_TABLE_UNSUPPORTED(unsupported_update_options),
};

int cli_volume_update(Invocation *invocation, Error *err)
{
    _cleanup_(volume_freep) Volume *volume = NULL;
    _cleanup_(engine_closep) Engine *engine = NULL;
    int r = invocation_parse(invocation, NULL, err);

    if (r >= 0)
        r = open_engine(invocation, &engine, err);
    if (r >= 0)
        r = volume_find(engine, invocation->arguments[0], &volume, err);
    if (r < 0)
        return r;
    return error_set(err, ERROR_UNSUPPORTED,
                     "volume '%s' is none of a cluster: there is nothing that could be updated",
                     volume->name);
}
