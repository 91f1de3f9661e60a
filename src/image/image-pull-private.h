/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A pull in progress, as its files share it: image-pull.c decides what is needed,
 * image-pull-layers.c what goes on at the same time, image-pull-layer.c does the steps of one
 * layer, image-pull-config.c reads the configuration.
 */

#include "image/image-pull.h"
#include "image/image-select.h"
#include "image/image-store-private.h"

#define PULL_SHORT_ID 12

typedef enum PullState {
    PULL_WAITING,   /* nothing was begun */
    PULL_FETCHING,  /* its blob comes, or has come; nobody unpacks it yet */
    PULL_UNPACKING, /* a worker reads it, while it comes or afterwards */
    PULL_UNPACKED,  /* the blob is stored; the tree waits for the layers below */
    PULL_DONE,
} PullState;

typedef struct PullLayer {
    const Descriptor *descriptor;
    const Digest *parent; /* chain ID of the layer below; NULL: the lowest */
    ImageLayer layer;     /* what will be recorded of it */
    char id[PULL_SHORT_ID + 1];
    PullState state;
    bool is_unpacked;   /* here already: only the blob is wanted */
    bool has_old_bytes; /* some of the blob were here before: if it is damaged, they may be why */
    bool is_damaged;    /* the blob in the content store is: another one is fetched */
    bool has_failed;    /* its worker, with .. */
    Error failure;      /* .. this; unless the transfer fails, too, and then that is why */
    int64_t told;       /* bytes that the last message was about */
    ContentPartial *partial;    /* NULL: the blob is in the content store */
    RegistryTransfer *transfer; /* NULL: there is none, or it is over */
    LayerStaging *staging;
    ImageWorker *worker;
    bool has_root; /* the layer says what its root directory is like */
} PullLayer;

typedef struct Pull {
    ImageStore *store;
    ImageSource *source;
    const ImagePullOptions *options;
    Platform platform;
    ImageSelection selection;
    RegistryDocument config_document;
    ImageConfig config;
    Digest *chain_ids; /* of the layers, bottom to top */
    PullLayer *layers;
    size_t n_layers;
} Pull;

/* Both @id and @status may be of any origin. */
void pull_tell(const Pull *pull, const char *id, const char *status);
void pull_tell_amount(const Pull *pull, const char *id, const char *status, int64_t current,
                      int64_t total);

/* The configuration, verified, into pull->config and config_document. (image-pull-config.c) */
int pull_read_config(Pull *pull, Error *err);

/* Bring and store all pull->layers that are not there. (image-pull-layers.c) */
int pull_layers_run(Pull *pull, Error *err);

/* image-pull-layer.c: the steps of one layer. */

/* Is all of it there? It is PULL_DONE then. */
int pull_layer_look(Pull *pull, PullLayer *layer, Error *err);

/* WAITING -> FETCHING, or DONE if somebody else was faster. Returns -EAGAIN without an error when
 * somebody else is at the same blob, and @wait is false. */
int pull_layer_fetch(Pull *pull, PullLayer *layer, bool wait, Error *err);

/* FETCHING -> UNPACKING. */
int pull_layer_unpack(Pull *pull, PullLayer *layer, Error *err);

/* Its transfer may have progressed, or ended. */
int pull_layer_check_transfer(Pull *pull, PullLayer *layer, Error *err);

/* Its worker has ended: UNPACKING -> UNPACKED; or FETCHING, all over again. */
int pull_layer_end_unpacking(Pull *pull, PullLayer *layer, Error *err);

/* The worker has failed and the transfer is over: what the layer fails with, or all over again. */
int pull_layer_end_failed(Pull *pull, PullLayer *layer, Error *err);

/* UNPACKED -> DONE; of a layer all below which are done. */
int pull_layer_commit(Pull *pull, PullLayer *layer, Error *err);

/* FETCHING -> DONE, of a layer that is unpacked and whose blob has come. */
int pull_layer_store_blob(Pull *pull, PullLayer *layer, Error *err);

void pull_layer_done(PullLayer *layer);
