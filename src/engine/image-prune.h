/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Removing all images that are not used. */

#include "engine/images.h"
#include "engine/prune.h"

/*
 * Remove the images without a name, or with @all every one that no container is made from. What was
 * removed is added to @removed, and the bytes that it occupied to *reclaimed. One that cannot be
 * removed, as a container is being made from it, stays. Errors: those of image_store_list().
 */
int image_prune(Engine *engine, const PruneFilter *filter, bool all, ImageRemovals *removed,
                int64_t *reclaimed, Error *err);
