/* SPDX-License-Identifier: Apache-2.0 */

/* `cay load`: the images of an archive. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "cli/archive-options.h"
#include "cli/commands.h"
#include "cli/image-command.h"

typedef struct LoadOptions {
    char *input;
    char *platform;
    bool quiet;
    ImageLimits limits;
} LoadOptions;

static const Option load_options[] = {
    { "input", 'i', .type = OPTION_STRING, .argument = "string",
      .offset = offsetof(LoadOptions, input),
      .help = "Read from this file instead of standard input" },
    ARCHIVE_LIMIT_OPTIONS(LoadOptions),
    { "platform", .type = OPTION_STRING, .argument = "string",
      .offset = offsetof(LoadOptions, platform),
      .help = "Load only the images for this platform, where there are several" },
    { "quiet", 'q', .type = OPTION_BOOL, .offset = offsetof(LoadOptions, quiet),
      .help = "Print only what was loaded (there is nothing else to print)" },
};

const OptionTable image_load_option_table = { OPTION_TABLE(load_options) };

static void load_options_done(LoadOptions *options)
{
    free(options->input);
    free(options->platform);
}

/* @line is "Loaded image: NAME" or "Loaded image ID: ID". */
static void tell(Engine *engine, ImageStore *images, const char *line)
{
    _cleanup_(image_freep) Image *image = NULL;
    const char *name = strstr(line, ": ");

    if (name && image_store_find(images, name + 2, &image, NULL) >= 0)
        engine_tell_image(engine, "load", image->id.text, NULL);
}

static int load(Engine *engine, ImageStore *images, const LoadOptions *options, Error *err)
{
    _cleanup_close_ int fd = -EBADF;
    _cleanup_string_list_ StringList lines = {};
    int r = archive_open(options->input, &fd, err);

    if (r < 0)
        return r;
    r = image_load(images,
                   &(ImageLoadOptions) {
                       .input_fd = fd, .platform = options->platform, .limits = &options->limits },
                   &lines, err);

    /* Images before a faulty one stay loaded: they are named even then. */
    for (size_t i = 0; i < lines.count; i++) {
        puts(lines.items[i]);
        tell(engine, images, lines.items[i]);
    }
    return r;
}

int cli_image_load(Invocation *invocation, Error *err)
{
    _cleanup_(load_options_done) LoadOptions options = { .limits = image_limits_default() };
    _cleanup_(engine_closep) Engine *engine = NULL;
    ImageStore *images;
    int r = invocation_parse(invocation, &options, err);

    if (r >= 0)
        r = invocation_misuse(invocation, archive_limits_check(&options.limits, err));
    if (r >= 0)
        r = open_images(invocation, &engine, &images, err);
    if (r >= 0)
        r = load(engine, images, &options, err);
    return r;
}
