/* SPDX-License-Identifier: Apache-2.0 */

/* `cay image mount` and `cay image unmount`: an image's files for the host to look at. */

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "cli/commands.h"
#include "cli/each-argument.h"
#include "cli/image-command.h"
#include "cli/open-engine.h"
#include "cli/row-writer.h"
#include "engine/image-mount.h"

typedef struct MountOptions {
    char *format;
    bool no_trunc;
    bool quiet;
} MountOptions;

static const Option mount_options[] = {
    { "format", .type = OPTION_STRING, .argument = "string",
      .offset = offsetof(MountOptions, format),
      .help = "Of the list: 'table', 'table TEMPLATE', 'json', or a Go template for each mount" },
    { "no-trunc", .type = OPTION_BOOL, .offset = offsetof(MountOptions, no_trunc),
      .help = "Show whole ids in the list" },
    { "quiet", 'q', .type = OPTION_BOOL, .offset = offsetof(MountOptions, quiet),
      .help = "List mount points only" },
};

const OptionTable image_mount_option_table = { OPTION_TABLE(mount_options) };

static const RowColumn columns[] = {
    { "ID", "IMAGE ID" },
    { "Image", "IMAGE" },
    { "Target", "TARGET" },
};

static const RowLayout layout = {
    .table = "table {{.Image}}\t{{.ID}}\t{{.Target}}",
    .quiet = "{{.Target}}",
    .columns = columns,
    .n_columns = ARRAY_SIZE(columns),
};

static void mount_options_done(MountOptions *options)
{
    free(options->format);
}

static int add_row(RowWriter *writer, ImageStore *images, const ImageMount *mount, bool no_trunc,
                   Error *err)
{
    _cleanup_(image_freep) Image *image = NULL;
    _cleanup_free_ char *id = image_short_id(mount->image.text, no_trunc);
    _cleanup_json_ json_t *row = NULL;
    bool is_named =
        image_store_find(images, mount->image.text, &image, NULL) >= 0 && image->names.count > 0;

    row = json_pack("{s:s, s:s, s:s}", "ID", id, "Image",
                    is_named ? image->names.items[0] : "<none>", "Target", mount->target);
    return row_writer_add(writer, row, NULL, err);
}

static int list_mounts(Engine *engine, const MountOptions *options, Error *err)
{
    _cleanup_(row_writer_freep) RowWriter *writer = NULL;
    _cleanup_image_mounts_ ImageMounts mounts = {};
    ImageStore *images;
    int r = row_writer_new(&layout, options->format, options->quiet, &writer, err);

    if (r >= 0)
        r = engine_images(engine, &images, err);
    if (r >= 0)
        r = image_mount_list(engine, &mounts, err);
    for (size_t i = 0; r >= 0 && i < mounts.count; i++)
        r = add_row(writer, images, &mounts.items[i], options->no_trunc, err);
    return r < 0 ? r : row_writer_finish(writer, stdout, err);
}

static int check_arguments(const Invocation *invocation, const MountOptions *options, Error *err)
{
    if (invocation->n_arguments == 1)
        return error_set(err, ERROR_INVALID,
                         "needs a directory as well: cay image mount IMAGE TARGET");
    if (invocation->n_arguments > 0 && (options->format || options->no_trunc || options->quiet))
        return error_set(err, ERROR_INVALID,
                         "the options are those of the list, which is shown without arguments");
    return 0;
}

int cli_image_mount(Invocation *invocation, Error *err)
{
    _cleanup_(mount_options_done) MountOptions options = {};
    _cleanup_(engine_closep) Engine *engine = NULL;
    _cleanup_free_ char *target = NULL;
    int r = invocation_parse(invocation, &options, err);

    if (r >= 0)
        r = invocation_misuse(invocation, check_arguments(invocation, &options, err));
    if (r >= 0)
        r = open_engine(invocation, &engine, err);
    if (r < 0)
        return r;
    if (invocation->n_arguments == 0)
        return list_mounts(engine, &options, err);
    r = image_mount(engine, invocation->arguments[0], invocation->arguments[1], &target, err);
    if (r < 0)
        return r;
    printf("%s\n", target);
    return 0;
}

static int unmount_one(Engine *engine, const char *target, void *data, Error *err)
{
    (void)data;
    return image_unmount(engine, target, err);
}

int cli_image_unmount(Invocation *invocation, Error *err)
{
    _cleanup_(engine_closep) Engine *engine = NULL;
    int r = invocation_parse(invocation, NULL, err);

    if (r >= 0)
        r = open_engine(invocation, &engine, err);
    return r < 0 ? r : each_argument(invocation, engine, unmount_one, NULL, err);
}
