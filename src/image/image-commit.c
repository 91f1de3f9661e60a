/* SPDX-License-Identifier: Apache-2.0 */

/* The parent's layers and history, one of each more, and what containers of it are to run. */

#include "image/image-commit.h"

#include <string.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/time-format.h"
#include "image/image-import-private.h"
#include "image/image-store-private.h"

/* An archive without members: two blocks of zeros. */
#define EMPTY_ARCHIVE                                                                              \
    DIGEST_PREFIX "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"

static void replace_text(char **text, const char *with)
{
    free(*text);
    *text = memory_strdup(with);
}

/* The parent's configuration becomes the new image's. */
static void change_config(ImageCommit *commit, ImageConfig *config, const ImageLayer *layer)
{
    bool is_empty = strcmp(layer->diff_id.text, EMPTY_ARCHIVE) == 0;
    ImageHistoryEntry *entry;
    char *now = time_to_rfc3339(time_now());

    free(config->created);
    config->created = now;
    replace_text(&config->author, commit->author);
    replace_text(&config->comment, commit->message);
    json_struct_done(&image_defaults_json, &config->config);
    config->config = *commit->defaults;
    *commit->defaults = (ImageDefaults) {};
    image_config_add_history(config, commit->created_by, commit->message);
    entry = &config->history.items[config->history.count - 1];
    entry->author = memory_strdup(commit->author);
    entry->empty_layer = is_empty;
    if (!config->rootfs.type)
        config->rootfs.type = memory_strdup("layers");
    if (!is_empty)
        string_list_add(&config->rootfs.diff_ids, layer->diff_id.text);
}

static int add_image(ImageStore *store, const ImageCommit *commit, const ImageConfig *config,
                     const ImageLayers *layers, Digest *ret_id, Error *err)
{
    _cleanup_free_ char *text = image_config_to_text(config);

    return image_store_add(store,
                           &(ImageAddition) { .config = text,
                                              .config_size = strlen(text),
                                              .created = image_config_created(config),
                                              .layers = layers,
                                              .references = commit->reference,
                                              .n_references = commit->reference ? 1 : 0 },
                           ret_id, err);
}

static int commit_locked(ImageStore *store, ImageCommit *commit, Digest *ret_id,
                         StringList *warnings, Error *err)
{
    _cleanup_(content_staging_freep) ContentStaging *staging = NULL;
    _cleanup_image_config_ ImageConfig config = {};
    _cleanup_image_layers_ ImageLayers layers = {};
    _cleanup_image_layer_ ImageLayer layer = {};
    _cleanup_close_ int lock_fd = -EBADF;
    LayerSource source = {};
    Digest top;
    int r = content_store_lock(store->content, CONTENT_LOCK_ADD, true, &lock_fd, err);

    if (r >= 0)
        r = content_staging_begin(store->content, &staging, err);
    if (r >= 0)
        r = image_store_read_config(store, &commit->parent, &config, err);
    if (r >= 0)
        r = image_store_recall_layers(store, &commit->parent, &config, &layers, err);
    if (r < 0)
        return r;
    if (layers.count >= IMAGE_MAX_LAYERS)
        return error_set(err, ERROR_EXHAUSTED,
                         "the image has %d layers already, more than which none may have",
                         IMAGE_MAX_LAYERS);
    if (layers.count > 0)
        top = layers.items[layers.count - 1].chain_id;
    source.staging = staging;
    source.parent = layers.count > 0 ? &top : NULL;
    r = image_store_add_changes(store, &source, commit->changes_fd, &layer, warnings, err);
    if (r >= 0)
        r = commit->check(commit->check_data, err);
    if (r < 0)
        return r;

    change_config(commit, &config, &layer);
    if (config.rootfs.diff_ids.count > layers.count)
        image_layers_take(&layers, &layer);
    return add_image(store, commit, &config, &layers, ret_id, err);
}

int image_commit(ImageStore *store, ImageCommit *commit, Digest *ret_id, StringList *warnings,
                 Error *err)
{
    int r = commit_locked(store, commit, ret_id, warnings, err);

    /* Layers that came to nothing, here or where one was killed. While others add, it waits. */
    (void)image_store_collect(store, false, NULL);
    return r;
}
