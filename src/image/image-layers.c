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

struct LayerAddition {
    ImageStore *store;
    LayerSource source;
    LayerStaging *staging; /* NULL: the layer is there */
    char *blob_file;       /* in source.staging; NULL: the source has a blob */
    ImageWorker *worker;
    ImageLayer layer;
};

void image_layer_addition_free(LayerAddition *addition)
{
    if (!addition)
        return;
    if (addition->worker)
        image_worker_free(addition->worker); /* first: it writes into the rest */
    if (addition->staging)
        layer_staging_free(addition->staging);
    image_layer_done(&addition->layer);
    free(addition->blob_file);
    free(addition);
}

/* Without a blob of its own, the source becomes one on the way. */
static int begin_unpacking(LayerAddition *addition, Error *err)
{
    const LayerSource *source = &addition->source;
    _cleanup_close_ int blob_fd = -EBADF;
    bool has_blob = digest_is_set(&source->blob);
    UnpackOptions options = { .input_fd = source->fd,
                              .compress_blob = !has_blob,
                              .apply_whiteouts = !source->is_plain_rootfs,
                              .expected_blob = source->blob,
                              .expected_diff_id = source->diff_id,
                              .limits = source->limits };
    int r = layer_staging_begin(addition->store->layers, &addition->staging, err);

    if (r < 0)
        return r;
    if (!has_blob) {
        Digest chain_id = image_chain_id(source->parent, &source->diff_id);

        addition->blob_file = memory_printf(BLOB_FILE "-%s", digest_hex(&chain_id));
        r = content_staging_create(source->staging, addition->blob_file, &blob_fd, err);
        if (r < 0)
            return r;
    }
    options.target_fd = layer_staging_fd(addition->staging);
    options.blob_fd = blob_fd;
    return image_worker_unpack_begin(&options, &addition->worker, err);
}

int image_layer_begin(ImageStore *store, const LayerSource *source, LayerAddition **ret, Error *err)
{
    _cleanup_(image_layer_addition_freep) LayerAddition *addition = NEW(LayerAddition);
    int r = 0;

    addition->store = store;
    addition->source = *source;
    if (digest_is_set(&source->diff_id))
        r = find_layer(store, source, &addition->layer, err);
    if (r == 0)
        r = begin_unpacking(addition, err);
    if (r < 0)
        return source->name ? error_wrap(err, r, "layer '%.200s'", source->name) : r;

    *ret = TAKE_PTR(addition);
    return 0;
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

int image_layer_publish(ImageStore *store, LayerStaging *staging, const Digest *parent,
                        const ImageLayer *layer, Error *err)
{
    int r = parent ? image_layer_inherit_root(store, parent, layer_staging_fd(staging), err) : 0;

    if (r > 0 && fsync(layer_staging_fd(staging)) < 0)
        r = error_errno(err, "sync the layer's root directory");
    if (r >= 0)
        r = layer_staging_publish(staging, &layer->chain_id, err);
    return r < 0 ? r : image_layer_record(store, layer, err);
}

/* What the worker has made becomes blob, layer and record. */
static int store_unpacked(LayerAddition *addition, UnpackResult *result, Error *err)
{
    const LayerSource *source = &addition->source;
    ImageLayer *layer = &addition->layer;
    int r = 0;

    layer->diff_id = result->diff_id;
    layer->chain_id = image_chain_id(source->parent, &result->diff_id);
    layer->blob = result->blob_digest;
    layer->blob_size = result->blob_size;
    layer->media_type = TAKE_PTR(result->media_type);
    layer->size = result->tree_size;
    use_manifest_blob(source, layer);

    /* Not read again: who wrote a layer's tree may be believed what it wrote of the blob. */
    if (addition->blob_file)
        r = content_staging_commit_hashed(source->staging, addition->blob_file,
                                          &result->blob_digest, err);
    return r < 0 ? r
                 : image_layer_publish(addition->store, addition->staging,
                                       result->has_root ? NULL : source->parent, layer, err);
}

int image_layer_end(LayerAddition *addition, ImageLayer *ret, Error *err)
{
    _cleanup_unpack_result_ UnpackResult result = {};
    const char *name = addition->source.name;
    int r = 0;

    if (addition->worker) {
        r = image_worker_unpack_end(addition->worker, &result, err);
        if (r >= 0)
            r = store_unpacked(addition, &result, err);
    }
    if (r < 0)
        return name ? error_wrap(err, r, "layer '%.200s'", name) : r;

    *ret = addition->layer;
    addition->layer = (ImageLayer) {};
    return 0;
}

int image_store_add_layer(ImageStore *store, const LayerSource *source, ImageLayer *ret, Error *err)
{
    _cleanup_(image_layer_addition_freep) LayerAddition *addition = NULL;
    int r = image_layer_begin(store, source, &addition, err);

    return r < 0 ? r : image_layer_end(addition, ret, err);
}
