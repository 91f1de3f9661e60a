/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Unpacked layers, each once per chain ID, shared by all images and containers.
 *
 *     layers/<chain-id hex>/diff    a whole layer, never changed again
 *     layers/.<random>              somebody's work in progress: a layer being unpacked or deleted
 *
 * A layer appears and disappears by one rename(2), so whatever has its final name is whole. Work in
 * progress is flock(2)ed by who does it; what nobody holds was left by a process that died, and
 * layer_store_collect_staging() deletes it. No count of users is kept: who removes a layer knows
 * from the database that no image and no container needs it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/error.h"

typedef struct LayerStore LayerStore;
typedef struct LayerStaging LayerStaging;

/* Open (and make, where missing) the directory "layers" in the directory @state_fd. */
int layer_store_open(int state_fd, LayerStore **ret, Error *err);
void layer_store_close(LayerStore *store);
DEFINE_CLEANUP(LayerStore *, layer_store_close);

/* Is the layer there, whole? The answer can be outdated at once; layer_store_open_layer() is not.
 */
bool layer_store_has(const LayerStore *store, const Digest *chain_id);

/*
 * A handle (O_PATH) of the layer's root directory, for a snapshot. It stays usable when the layer
 * is removed meanwhile, but then its files go away. Errors: NOT_FOUND, SYSTEM.
 */
int layer_store_open_layer(const LayerStore *store, const Digest *chain_id, int *ret_fd,
                           Error *err);

/* All whole layers, in no particular order. The caller frees *ret_chain_ids (NULL when none). */
int layer_store_list(const LayerStore *store, Digest **ret_chain_ids, size_t *ret_count,
                     Error *err);

/*
 * Bytes that the layer occupies on disk, as du(1) counts them: blocks, each hard-linked file once.
 * Takes time in proportion to its files. Errors: NOT_FOUND, SYSTEM.
 */
int layer_store_usage(const LayerStore *store, const Digest *chain_id, uint64_t *ret_bytes,
                      Error *err);

/*
 * Remove a layer; a missing one is success. It is gone at once for everybody else, also when this
 * process dies before all its files are deleted.
 */
int layer_store_remove(LayerStore *store, const Digest *chain_id, Error *err);

/*
 * Delete what processes that died left behind. Cheap when there is nothing; safe at any time, also
 * while others stage and remove.
 */
int layer_store_collect_staging(LayerStore *store, Error *err);

/*
 * Begin a layer: an empty directory, 0755 and owned by the caller. The store must outlive it.
 * Errors: EXHAUSTED (no space), SYSTEM.
 */
int layer_staging_begin(LayerStore *store, LayerStaging **ret, Error *err);

/*
 * The directory to unpack into (O_RDONLY), which becomes the layer's root. Whoever unpacks also
 * gives it the root's mode and owner: those of the archive's entry for it, else the parent layer's.
 * The descriptor stays the staging's. Its lock belongs to the open file description: a worker that
 * inherits it keeps the directory from being collected as long as it lives.
 */
int layer_staging_fd(const LayerStaging *staging);

/*
 * Make it the layer @chain_id, synced to disk first. When somebody else committed that chain ID
 * meanwhile, theirs stays, ours is discarded, and that is success. Afterwards only
 * layer_staging_free() may be called. Errors: EXHAUSTED (no space), SYSTEM; the staging is then
 * as before.
 */
int layer_staging_commit(LayerStaging *staging, const Digest *chain_id, Error *err);

/* The same for what is on the disk already: whoever wrote it has synced it. */
int layer_staging_publish(LayerStaging *staging, const Digest *chain_id, Error *err);

/* Delete it, unless it was committed. */
void layer_staging_free(LayerStaging *staging);
DEFINE_CLEANUP(LayerStaging *, layer_staging_free);
