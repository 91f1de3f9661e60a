/* SPDX-License-Identifier: Apache-2.0 */

/* `cay rmi`: each image is tried, whatever becomes of the others. */

#include <stdio.h>

#include "cli/commands.h"
#include "cli/image-command.h"
#include "cli/open-engine.h"

typedef struct RemoveOptions {
    bool force;
    bool no_prune;
} RemoveOptions;

static const Option remove_options[] = {
    { "force", 'f', .type = OPTION_BOOL, .offset = offsetof(RemoveOptions, force),
      .help = "Remove the image even if it has several names, or a stopped container uses it" },
    { "no-prune", .type = OPTION_BOOL, .offset = offsetof(RemoveOptions, no_prune),
      .help = "Do not delete untagged parents (images have none here: nothing changes)" },
};

static const UnsupportedOption unsupported_options[] = { { "platform" } };

const OptionTable image_remove_option_table = {
    OPTION_TABLE(remove_options),
    OPTION_TABLE_UNSUPPORTED(unsupported_options),
};

static void print_removals(const ImageRemovals *list)
{
    for (size_t i = 0; i < list->removals.count; i++) {
        const ImageRemoval *removal = &list->removals.items[i];

        if (removal->untagged)
            printf("Untagged: %s\n", removal->untagged);
        else
            printf("Deleted: %s\n", removal->deleted);
    }
}

static int remove_one(Engine *engine, ImageStore *images, const char *name, bool force, Error *err)
{
    _cleanup_image_removals_ ImageRemovals removals = {};
    _cleanup_(image_freep) Image *image = NULL;
    int r = image_store_find(images, name, &image, err);

    if (r >= 0)
        r = image_store_remove(images, name, force, &removals, err);
    print_removals(&removals);
    if (image)
        engine_tell_image_removal(engine, image->id.text, &removals);
    return r;
}

static int remove_all(const Invocation *invocation, Engine *engine, ImageStore *images, bool force,
                      Error *err)
{
    int result = 0;

    for (size_t i = 0; i < invocation->n_arguments; i++) {
        _cleanup_error_ Error problem = {};
        int r = remove_one(engine, images, invocation->arguments[i], force, &problem);

        if (r < 0 && force && problem.kind == ERROR_NOT_FOUND)
            invocation_report(invocation, &problem); /* it is gone, which is what was asked for */
        else if (r < 0)
            result = invocation_continue(invocation, result, r, &problem, err);
    }
    return result;
}

int cli_image_remove(Invocation *invocation, Error *err)
{
    _cleanup_(engine_closep) Engine *engine = NULL;
    RemoveOptions options = {};
    ImageStore *images;
    int r = invocation_parse(invocation, &options, err);

    if (r >= 0)
        r = open_engine_recovered(invocation, &engine, err); /* a killed run uses no image */
    if (r >= 0)
        r = engine_images(engine, &images, err);
    if (r >= 0)
        r = remove_all(invocation, engine, images, options.force, err);
    return r;
}
