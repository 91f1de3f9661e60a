/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the files of this folder know about the store: how layers get in, how an image's row is
 * written. All of it is called while holding CONTENT_LOCK_ADD, but image_store_rebuild_index(),
 * which runs inside a write transaction.
 */

#include "image/image-store.h"
#include "image/worker-client.h"

struct ImageStore {
    Database *database;
    LayerStore *layers;
    ContentStore *content;
    ImageUsersFunction users;
    void *users_data;
};

/* One layer that is unpacked and whose blob is stored. */
typedef struct ImageLayer {
    Digest chain_id;
    Digest diff_id;
    Digest blob;
    int64_t blob_size;
    char *media_type;
    int64_t size; /* bytes of its files */
} ImageLayer;

typedef struct ImageLayers {
    ImageLayer *items;
    size_t count;
    size_t capacity;
} ImageLayers;

void image_layer_done(ImageLayer *layer);
void image_layers_done(ImageLayers *layers);
#define _cleanup_image_layer_ _cleanup_(image_layer_done)
#define _cleanup_image_layers_ _cleanup_(image_layers_done)

/* The list owns what @layer owned; @layer is empty afterwards. */
void image_layers_take(ImageLayers *layers, ImageLayer *layer);

typedef struct LayerSource {
    ContentStaging *staging; /* where its blob is made */
    int fd;                  /* the layer as tar, compressed or not, from its current position */
    const Digest *parent;    /* chain ID of the layer below; NULL: the lowest */
    Digest diff_id;          /* what the image says; not set: whatever it is */
    Digest blob;             /* what the manifest says; not set: whatever it is */
    int64_t blob_size;       /* with blob: its bytes, and */
    const char *media_type;  /* its type, as the manifest says */
    bool is_plain_rootfs;    /* not a layer: names like ".wh.x" are files */
    const char *name;        /* for messages; NULL: none */
    const ImageLimits *limits;
} LayerSource;

/*
 * The layer for @source, unpacked by the worker and stored, or found: a layer that is there already
 * is not unpacked again. Errors: as image_worker_unpack().
 */
int image_store_add_layer(ImageStore *store, const LayerSource *source, ImageLayer *ret,
                          Error *err);

/*
 * The same in two steps, so that several layers may be unpacked at a time: what @source points to
 * must outlive the addition, its descriptor need not. The layers of an image are ended in their
 * order. Of one that is freed before it was ended nothing stays.
 */
typedef struct LayerAddition LayerAddition;
int image_layer_begin(ImageStore *store, const LayerSource *source, LayerAddition **ret,
                      Error *err);
int image_layer_end(LayerAddition *addition, ImageLayer *ret, Error *err);
void image_layer_addition_free(LayerAddition *addition);
DEFINE_CLEANUP(LayerAddition *, image_layer_addition_free);

/* A layer that says nothing about its root directory has the root of the layer below. Returns 1
 * when that has changed anything, else 0. */
int image_layer_inherit_root(ImageStore *store, const Digest *parent, int target_fd, Error *err);

/*
 * Make what @staging holds, synced, the layer @layer, and write it down. It gets its root directory
 * from @parent, unless that is NULL.
 */
int image_layer_publish(ImageStore *store, LayerStaging *staging, const Digest *parent,
                        const ImageLayer *layer, Error *err);

/* Write down what is known of a stored layer, and fill in what was written down of the layer
 * @layer->chain_id: 1, or 0 when nothing was. */
int image_layer_record(ImageStore *store, const ImageLayer *layer, Error *err);
int image_layer_read_record(ImageStore *store, ImageLayer *layer, Error *err);

/*
 * A layer of what an overlay on top of the layer @source->parent has written to the directory
 * @changes_fd. Of @source the place for the blob and the parent count. Errors: as image_commit().
 * (image-layer-changes.c)
 */
int image_store_add_changes(ImageStore *store, const LayerSource *source, int changes_fd,
                            ImageLayer *ret, StringList *warnings, Error *err);

/* All layers of the image @id, whose configuration is @config, bottom to top, with the blobs that
 * its manifest names. Errors: NOT_FOUND (it was removed), CORRUPT, SYSTEM. */
int image_store_recall_layers(ImageStore *store, const Digest *id, const ImageConfig *config,
                              ImageLayers *ret, Error *err);

/*
 * Make an image of stored layers visible: its documents are stored, then one transaction writes its
 * row, its layers and its names. An image that exists gets the new manifest and layers.
 */
typedef struct ImageAddition {
    const char *config; /* text of the configuration, parsed already */
    size_t config_size;
    const char *manifest; /* text of the manifest; NULL: one is made of the layers */
    size_t manifest_size;
    const char *manifest_media_type;
    int64_t created; /* nanoseconds since 1970, 0: not known */
    const ImageLayers *layers;
    const Reference *references; /* the names it gets: their tags, and digests; may be NULL */
    size_t n_references;
} ImageAddition;

int image_store_add(ImageStore *store, const ImageAddition *addition, Digest *ret_id, Error *err);

/* Give the image the tag and the digest of @reference; with neither, "latest". Inside a
 * transaction. (image-names.c) */
int image_name_write(ImageStore *store, const Digest *id, const Reference *reference, Error *err);

/* Names and digests as people know them. */
int image_names_read(ImageStore *store, Image *image, Error *err);

/* Write index.json from the database. */
int image_store_rebuild_index(ImageStore *store, Error *err);

/* Read the configuration @id from the content store. */
int image_store_read_config(ImageStore *store, const Digest *id, ImageConfig *ret, Error *err);

/*
 * The path of a repository in @domain, other than @path, that is known to have the layer blob
 * @blob: an image with it was pulled from there or pushed. NULL: none is known. The caller frees
 * it.
 */
char *image_store_find_other_repository(ImageStore *store, const Digest *blob, const char *domain,
                                        const char *path);
