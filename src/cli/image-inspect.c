/* SPDX-License-Identifier: Apache-2.0 */

/* `cay image inspect`: images as JSON. What is found is shown, even when something is not. */

#include <stdlib.h>

#include "base/json-fields.h"
#include "cli/commands.h"
#include "cli/image-command.h"
#include "cli/inspect-output.h"

typedef struct InspectOptions {
    char *format;
} InspectOptions;

static const Option inspect_options[] = {
    { "format", 'f', .type = OPTION_STRING, .argument = "string",
      .offset = offsetof(InspectOptions, format),
      .help = "Format the output with a Go template, or 'json' for one line" },
};

static const UnsupportedOption unsupported_options[] = { { "platform" } };

const OptionTable image_inspect_option_table = {
    OPTION_TABLE(inspect_options),
    OPTION_TABLE_UNSUPPORTED(unsupported_options),
};

static void inspect_options_done(InspectOptions *options)
{
    free(options->format);
}

static int inspect(const Invocation *invocation, ImageStore *images, const char *format, Error *err)
{
    _cleanup_json_ json_t *objects = json_array();
    int result = 0, r;

    for (size_t i = 0; i < invocation->n_arguments; i++) {
        _cleanup_(image_freep) Image *image = NULL;
        _cleanup_error_ Error problem = {};

        r = image_store_find(images, invocation->arguments[i], &image, &problem);
        if (r < 0) {
            result = invocation_continue(invocation, result, r, &problem, err);
            continue;
        }
        json_array_append_new(objects, image_to_inspect(image));
    }
    r = inspect_print(objects, format, stdout, result < 0 ? NULL : err);
    return result < 0 ? result : r;
}

int cli_image_inspect(Invocation *invocation, Error *err)
{
    _cleanup_(inspect_options_done) InspectOptions options = {};
    _cleanup_(engine_closep) Engine *engine = NULL;
    ImageStore *images;
    int r = invocation_parse(invocation, &options, err);

    if (r >= 0)
        r = open_images(invocation, &engine, &images, err);
    if (r >= 0)
        r = inspect(invocation, images, options.format, err);
    return r;
}
