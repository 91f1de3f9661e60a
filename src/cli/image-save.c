/* SPDX-License-Identifier: Apache-2.0 */

/* `cay save`: images as an archive. */

#include <stdlib.h>

#include "cli/commands.h"
#include "cli/image-command.h"

typedef struct SaveOptions {
    char *output;
    char *platform;
} SaveOptions;

static const Option save_options[] = {
    { "output", 'o', .type = OPTION_STRING, .argument = "string",
      .offset = offsetof(SaveOptions, output),
      .help = "Write to a file instead of standard output" },
    { "platform", .type = OPTION_STRING, .argument = "string",
      .offset = offsetof(SaveOptions, platform),
      .help = "Save nothing but images for this platform" },
};

const OptionTable image_save_option_table = { OPTION_TABLE(save_options) };

static void save_options_done(SaveOptions *options)
{
    free(options->output);
    free(options->platform);
}

int cli_image_save(Invocation *invocation, Error *err)
{
    _cleanup_(save_options_done) SaveOptions options = {};
    _cleanup_(engine_closep) Engine *engine = NULL;
    _cleanup_string_list_ StringList ids = {};
    ImageSaveOptions how = {};
    ImageStore *images;
    int r = invocation_parse(invocation, &options, err);

    if (r >= 0)
        r = open_images(invocation, &engine, &images, err);
    if (r < 0)
        return r;
    how = (ImageSaveOptions) { .names = invocation->arguments,
                               .n_names = invocation->n_arguments,
                               .platform = options.platform,
                               .path = options.output };
    r = image_save(images, &how, &ids, err);
    for (size_t i = 0; i < ids.count; i++)
        engine_tell_image(engine, "save", ids.items[i], NULL);
    return r;
}
