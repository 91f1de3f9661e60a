/* SPDX-License-Identifier: Apache-2.0 */
/* A root file system becomes an image: checked first, then unpacked, then made visible. */

#include "image/image-import.h"

#include <string.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/time-format.h"
#include "image/image-changes.h"
#include "image/image-import-private.h"
#include "image/platform.h"

#define DEFAULT_MESSAGE "Imported from -"

void image_config_add_history(ImageConfig *config, const char *created_by, const char *comment)
{
    ImageHistoryEntry *entry = JSON_ARRAY_ADD(&config->history);

    entry->created = memory_strdup(config->created);
    entry->created_by = memory_strdup(created_by);
    entry->comment = memory_strdup(comment);
}

int image_import_rootfs(ImageStore *store, const RootfsSource *source, ImageConfig *config,
                        Digest *ret_id, Error *err)
{
    LayerSource layer_source = { .staging = source->staging,
                                 .fd = source->fd,
                                 .is_plain_rootfs = true,
                                 .limits = source->limits };
    _cleanup_image_layers_ ImageLayers layers = {};
    _cleanup_free_ char *text = NULL;
    ImageLayer layer = {};
    int r;

    r = image_store_add_layer(store, &layer_source, &layer, err);
    if (r < 0)
        return r;
    config->rootfs.type = memory_strdup("layers");
    string_list_add(&config->rootfs.diff_ids, layer.diff_id.text);
    image_layers_take(&layers, &layer);

    text = image_config_to_text(config);
    return image_store_add(store,
                           &(ImageAddition) { .config = text,
                                              .config_size = strlen(text),
                                              .created = image_config_created(config),
                                              .layers = &layers,
                                              .references = source->reference,
                                              .n_references = source->reference ? 1 : 0 },
                           ret_id, err);
}

static int make_config(const ImageImportOptions *options, ImageConfig *config, Error *err)
{
    const char *message = options->message ? options->message : DEFAULT_MESSAGE;
    _cleanup_platform_ Platform platform = {};
    int r;

    r = platform_choose(options->platform, &platform, err);
    if (r < 0)
        return r;
    config->os = TAKE_PTR(platform.os);
    config->architecture = TAKE_PTR(platform.architecture);
    config->variant = TAKE_PTR(platform.variant);
    config->created = time_to_rfc3339(time_now());
    config->comment = memory_strdup(message);
    image_config_add_history(config, NULL, message);
    return options->changes ? image_changes_apply(options->changes, &config->config, err) : 0;
}

static int import_locked(ImageStore *store, const ImageImportOptions *options, Digest *ret_id,
                         Error *err)
{
    _cleanup_(content_staging_freep) ContentStaging *staging = NULL;
    _cleanup_image_config_ ImageConfig config = {};
    _cleanup_close_ int lock_fd = -EBADF;
    RootfsSource source = { .fd = options->input_fd,
                            .reference = options->reference,
                            .limits = options->limits };
    int r;

    if (options->reference && digest_is_set(&options->reference->digest))
        return error_set(err, ERROR_INVALID, "cannot import with a digest reference");
    r = make_config(options, &config, err);
    if (r < 0)
        return r;
    r = content_store_lock(image_store_content(store), CONTENT_LOCK_ADD, true, &lock_fd, err);
    if (r < 0)
        return r;
    r = content_staging_begin(image_store_content(store), &staging, err);
    if (r < 0)
        return r;
    source.staging = staging;
    return image_import_rootfs(store, &source, &config, ret_id, err);
}

int image_import(ImageStore *store, const ImageImportOptions *options, Digest *ret_id, Error *err)
{
    int r = import_locked(store, options, ret_id, err);

    /* Layers that came to nothing, here or where one was killed. While others add, it waits. */
    (void)image_store_collect(store, false, NULL);
    return r;
}
