/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a layer gets in: unpacked by the worker into the layer store while its blob is written to the
 * content store, then recorded. A layer that a killed process stored but did not record is unpacked
 * again: only the record says how large it is.
 */

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "image/image-store-private.h"

#define BLOB_FILE "layer-blob"

void image_layer_done(ImageLayer *layer)
{
    free(layer->media_type);
    *layer = (ImageLayer) {};
}

void image_layers_done(ImageLayers *layers)
{
    for (size_t i = 0; i < layers->count; i++)
        image_layer_done(&layers->items[i]);
    free(layers->items);
    *layers = (ImageLayers) {};
}

void image_layers_take(ImageLayers *layers, ImageLayer *layer)
{
    layers->items =
        memory_grow(layers->items, &layers->capacity, layers->count + 1, sizeof(*layers->items));
    layers->items[layers->count++] = *layer;
    *layer = (ImageLayer) {};
}

/* The manifest's word on the blob, where there is one, comes before what was recorded. */
static void use_manifest_blob(const LayerSource *source, ImageLayer *layer)
{
    if (!digest_is_set(&source->blob))
        return;
    layer->blob = source->blob;
    layer->blob_size = source->blob_size;
    free(layer->media_type);
    layer->media_type = memory_strdup(source->media_type);
}

int image_layer_read_record(ImageStore *store, ImageLayer *layer, Error *err)
{
    _cleanup_(statement_freep) Statement *statement = NULL;
    int r = database_prepare(store->database, &statement, err,
                             "SELECT blob, blob_size, media_type, size FROM layer "
                             "WHERE chain_id = ?",
                             "s", layer->chain_id.text);

    if (r >= 0)
        r = statement_step(statement, err);
    if (r <= 0)
        return r;
    if (digest_parse(statement_text(statement, 0), &layer->blob) < 0)
        return error_set(err, ERROR_CORRUPT, "the database holds a malformed blob digest");
    layer->blob_size = statement_int(statement, 1);
    layer->media_type = memory_strdup(statement_text(statement, 2));
    layer->size = statement_int(statement, 3);
    return 1;
}

static int read_manifest(ImageStore *store, const Digest *id, Manifest *ret, Error *err)
{
    _cleanup_(statement_freep) Statement *statement = NULL;
    _cleanup_free_ char *text = NULL;
    Digest digest;
    size_t size;
    int r = database_prepare(store->database, &statement, err,
                             "SELECT manifest FROM image WHERE id = ?", "s", id->text);

    if (r >= 0)
        r = statement_step(statement, err);
    if (r == 0)
        return error_set(err, ERROR_NOT_FOUND, "image '%s' was removed", id->text);
    if (r < 0)
        return r;
    if (digest_parse(statement_text(statement, 0), &digest) < 0)
        return error_set(err, ERROR_CORRUPT, "the database holds a malformed manifest digest");
    r = content_store_read(store->content, &digest, &text, &size, err);
    return r < 0 ? r : manifest_parse(text, size, ret, err);
}

/* Its size is as it was recorded; its blob may have been that of another image by then. */
static int recall_layer(ImageStore *store, const Descriptor *blob, ImageLayer *layer, Error *err)
{
    int r = image_layer_read_record(store, layer, err);

    if (r < 0)
        return r;
    if (r == 0 || digest_parse(blob->digest, &layer->blob) < 0)
        return error_set(err, ERROR_CORRUPT, "nothing is recorded of layer '%s'",
                         layer->chain_id.text);
    layer->blob_size = blob->size;
    free(layer->media_type);
    layer->media_type = memory_strdup(blob->media_type);
    return 0;
}

int image_store_recall_layers(ImageStore *store, const Digest *id, const ImageConfig *config,
                              ImageLayers *ret, Error *err)
{
    _cleanup_free_ Digest *chain_ids = image_config_chain_ids(config);
    _cleanup_image_layers_ ImageLayers layers = {};
    _cleanup_manifest_ Manifest manifest = {};
    int r = read_manifest(store, id, &manifest, err);

    if (r < 0)
        return r;
    if (manifest.layers.count != config->rootfs.diff_ids.count)
        return error_set(err, ERROR_CORRUPT, "image '%s' has another number of layers than blobs",
                         id->text);
    for (size_t i = 0; i < manifest.layers.count; i++) {
        _cleanup_image_layer_ ImageLayer layer = { .chain_id = chain_ids[i] };

        if (digest_parse(config->rootfs.diff_ids.items[i], &layer.diff_id) < 0)
            return error_set(err, ERROR_CORRUPT, "image '%s' has a malformed diff id", id->text);
        r = recall_layer(store, &manifest.layers.items[i], &layer, err);
        if (r < 0)
            return r;
        image_layers_take(&layers, &layer);
    }

    *ret = layers;
    layers = (ImageLayers) {};
    return 0;
}

/* Returns 1 when the layer is stored, recorded, and its blob intact; 0 when it must be unpacked. */
static int find_layer(ImageStore *store, const LayerSource *source, ImageLayer *ret, Error *err)
{
    _cleanup_image_layer_ ImageLayer layer = { .diff_id = source->diff_id };
    int r;

    layer.chain_id = image_chain_id(source->parent, &source->diff_id);
    if (!layer_store_has(store->layers, &layer.chain_id))
        return 0;
    r = image_layer_read_record(store, &layer, err);
    if (r <= 0)
        return r;
    use_manifest_blob(source, &layer);
    if (!content_store_verify(store->content, &layer.blob, NULL))
        return 0;

    *ret = layer;
    layer = (ImageLayer) {};
    return 1;
}

int image_layer_inherit_root(ImageStore *store, const Digest *parent, int target_fd, Error *err)
{
    _cleanup_close_ int parent_fd = -EBADF;
    struct stat st, own;
    int r;

    r = layer_store_open_layer(store->layers, parent, &parent_fd, err);
    if (r < 0)
        return r;
    if (fstat(parent_fd, &st) < 0 || fstat(target_fd, &own) < 0)
        return error_errno(err, "examine the layer's root directory");
    if (st.st_uid == own.st_uid && st.st_gid == own.st_gid && st.st_mode == own.st_mode)
        return 0;
    if (fchown(target_fd, st.st_uid, st.st_gid) < 0 || fchmod(target_fd, st.st_mode & 07777) < 0)
        return error_errno(err, "prepare the layer's root directory");
    return 1;
}

/* Without a blob of its own, the source becomes one on the way. */
static int unpack(ImageStore *store, const LayerSource *source, int target_fd, UnpackResult *ret,
                  Error *err)
{
    _cleanup_close_ int blob_fd = -EBADF;
    bool has_blob = digest_is_set(&source->blob);
    UnpackOptions options = { .input_fd = source->fd,
                              .target_fd = target_fd,
                              .compress_blob = !has_blob,
                              .apply_whiteouts = !source->is_plain_rootfs,
                              .expected_blob = source->blob,
                              .expected_diff_id = source->diff_id,
                              .limits = source->limits };
    int r;

    if (source->parent) {
        r = image_layer_inherit_root(store, source->parent, target_fd, err);
        if (r < 0)
            return r;
    }
    if (!has_blob) {
        r = content_staging_create(source->staging, BLOB_FILE, &blob_fd, err);
        if (r < 0)
            return r;
    }
    options.blob_fd = blob_fd;
    r = image_worker_unpack(&options, ret, err);
    if (r < 0 || has_blob)
        return r;
    /* Not read again: who wrote a layer's tree may be believed what it wrote of the blob. */
    return content_staging_commit_hashed(source->staging, BLOB_FILE, &ret->blob_digest, err);
}

int image_layer_record(ImageStore *store, const ImageLayer *layer, Error *err)
{
    return database_execute(store->database, NULL, err,
                            "INSERT INTO layer (chain_id, blob, blob_size, media_type, size) "
                            "VALUES (?, ?, ?, ?, ?) ON CONFLICT (chain_id) DO UPDATE SET "
                            "blob = excluded.blob, blob_size = excluded.blob_size, "
                            "media_type = excluded.media_type, size = excluded.size",
                            "ssisi", layer->chain_id.text, layer->blob.text, layer->blob_size,
                            layer->media_type, layer->size);
}

static int unpack_new(ImageStore *store, const LayerSource *source, ImageLayer *ret, Error *err)
{
    _cleanup_(layer_staging_freep) LayerStaging *layer_staging = NULL;
    _cleanup_unpack_result_ UnpackResult result = {};
    _cleanup_image_layer_ ImageLayer layer = {};
    int r;

    r = layer_staging_begin(store->layers, &layer_staging, err);
    if (r < 0)
        return r;
    r = unpack(store, source, layer_staging_fd(layer_staging), &result, err);
    if (r < 0)
        return r;

    layer.diff_id = result.diff_id;
    layer.chain_id = image_chain_id(source->parent, &result.diff_id);
    layer.blob = result.blob_digest;
    layer.blob_size = result.blob_size;
    layer.media_type = TAKE_PTR(result.media_type);
    layer.size = result.tree_size;
    use_manifest_blob(source, &layer);

    r = layer_staging_commit(layer_staging, &layer.chain_id, err);
    if (r < 0)
        return r;
    r = image_layer_record(store, &layer, err);
    if (r < 0)
        return r;
    *ret = layer;
    layer = (ImageLayer) {};
    return 0;
}

int image_store_add_layer(ImageStore *store, const LayerSource *source, ImageLayer *ret, Error *err)
{
    int r;

    if (digest_is_set(&source->diff_id)) {
        r = find_layer(store, source, ret, err);
        if (r != 0)
            return r < 0 ? r : 0;
    }
    return unpack_new(store, source, ret, err);
}
