/* SPDX-License-Identifier: Apache-2.0 */

/* `cay inspect` and `cay container inspect`: everything about containers, images, networks and
 * volumes as JSON. */

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "cli/commands.h"
#include "cli/inspect-output.h"
#include "cli/open-engine.h"
#include "engine/container.h"
#include "engine/network.h"
#include "engine/volume.h"

typedef struct InspectOptions {
    char *format;
    char *type; /* one of types[]; NULL: whichever there is */
    bool size;
} InspectOptions;

static const Option inspect_options[] = {
    { "format", 'f', .type = OPTION_STRING, .argument = "string",
      .offset = offsetof(InspectOptions, format),
      .help = "Format the output with a Go template, or 'json' for one line" },
    { "size", 's', .type = OPTION_BOOL, .offset = offsetof(InspectOptions, size),
      .help = "Show the sizes of containers' files as well" },
    { "type", .type = OPTION_STRING, .argument = "string", .flags = OPTION_OF_VARIANT,
      .offset = offsetof(InspectOptions, type),
      .help = "Only objects of this type: 'container', 'image', 'network' or 'volume'" },
};

const OptionTable inspect_option_table = { OPTION_TABLE(inspect_options) };

const OptionTable container_inspect_option_table = {
    OPTION_TABLE(inspect_options),
    .without = OPTION_OF_VARIANT,
};

static void inspect_options_done(InspectOptions *options)
{
    free(options->format);
    free(options->type);
}

static int inspect_container(Engine *engine, const char *name, bool with_size, json_t **ret,
                             Error *err)
{
    _cleanup_(container_freep) Container *container = NULL;
    int r = container_find_live(engine, name, &container, err);

    return r < 0 ? r : container_to_inspect(engine, container, with_size, ret, err);
}

static int inspect_image(Engine *engine, const char *name, bool with_size, json_t **ret, Error *err)
{
    _cleanup_(image_freep) Image *image = NULL;
    ImageStore *images;
    int r = engine_images(engine, &images, err);

    (void)with_size; /* images always show it */
    if (r >= 0)
        r = image_store_find(images, name, &image, err);
    if (r < 0)
        return r;
    *ret = image_to_inspect(image);
    return 0;
}

static int inspect_network(Engine *engine, const char *name, bool with_size, json_t **ret,
                           Error *err)
{
    _cleanup_(network_freep) Network *network = NULL;
    int r = network_find(engine, name, &network, err);

    (void)with_size;
    return r < 0 ? r : network_to_inspect(engine, network, ret, err);
}

static int inspect_volume(Engine *engine, const char *name, bool with_size, json_t **ret,
                          Error *err)
{
    _cleanup_(volume_freep) Volume *volume = NULL;
    int r = volume_find(engine, name, &volume, err);

    (void)with_size;
    if (r >= 0)
        r = volume_describe(volume, err);
    if (r < 0)
        return r;
    *ret = volume_to_inspect(volume);
    return 0;
}

/* In the order in which they are tried. */
static const struct {
    const char *type;
    int (*inspect)(Engine *engine, const char *name, bool with_size, json_t **ret, Error *err);
} types[] = {
    { "container", inspect_container },
    { "image", inspect_image },
    { "network", inspect_network },
    { "volume", inspect_volume },
};

static int inspect_any(Engine *engine, const char *name, const InspectOptions *options,
                       json_t **ret, Error *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        _cleanup_error_ Error problem = {};
        int r;

        if (options->type && strcmp(types[i].type, options->type) != 0)
            continue;
        r = types[i].inspect(engine, name, options->size, ret, &problem);
        if (r >= 0)
            return r;
        if (options->type || (problem.kind != ERROR_NOT_FOUND && problem.kind != ERROR_INVALID)) {
            error_move(err, &problem);
            return r;
        }
    }

    return error_set(err, ERROR_NOT_FOUND, "no such object: '%s'", name);
}

static int check_type(const char *type, Error *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(types) && type; i++)
        if (strcmp(types[i].type, type) == 0)
            return 0;

    return type ? error_set(err, ERROR_INVALID,
                            "'--type %s': there are 'container', 'image', 'network' and 'volume'",
                            type)
                : 0;
}

/* What is found is shown, even when something is not. */
static int inspect(Invocation *invocation, const InspectOptions *options, Error *err)
{
    _cleanup_(engine_closep) Engine *engine = NULL;
    _cleanup_json_ json_t *objects = json_array();
    int r = open_engine(invocation, &engine, err), printed, result = 0;

    if (r < 0)
        return r;
    for (size_t i = 0; i < invocation->n_arguments; i++) {
        _cleanup_error_ Error problem = {};
        json_t *object;

        r = inspect_any(engine, invocation->arguments[i], options, &object, &problem);
        if (r < 0)
            result = invocation_continue(invocation, result, r, &problem, err);
        else
            json_array_append_new(objects, object);
    }
    printed = inspect_print(objects, options->format, stdout, result < 0 ? NULL : err);
    return result < 0 ? result : printed;
}

int cli_inspect(Invocation *invocation, Error *err)
{
    _cleanup_(inspect_options_done) InspectOptions options = {};
    int r = invocation_parse(invocation, &options, err);

    if (r >= 0)
        r = invocation_misuse(invocation, check_type(options.type, err));
    return r < 0 ? r : inspect(invocation, &options, err);
}

int cli_container_inspect(Invocation *invocation, Error *err)
{
    _cleanup_(inspect_options_done) InspectOptions options = { .type = memory_strdup("container") };
    int r = invocation_parse(invocation, &options, err);

    return r < 0 ? r : inspect(invocation, &options, err);
}
