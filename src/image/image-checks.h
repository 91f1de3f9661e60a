/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The checks of manifests and indexes that all who read them share. */

#include "base/error.h"
#include "image/image-config.h"
#include "image/manifest.h"
#include "image/platform.h"

/* An image is an index, or an index in an index; deeper is a trick. */
#define IMAGE_MAX_INDEX_DEPTH 4

/* A manifest whose text says one type and whose descriptor another can be read in two ways. NULL:
 * nothing is said. Errors: INVALID. */
int image_check_type(const char *digest, const char *said, const char *own, Error *err);

/* Is it the manifest of an image, with layers that can be read? Errors: UNSUPPORTED. */
int image_check_manifest(const Manifest *manifest, Error *err);

/* Do configuration and manifest speak of the same layers, for a Linux system? Errors: INVALID,
 * UNSUPPORTED. */
int image_check_config(const Manifest *manifest, const ImageConfig *config, Error *err);

/* The manifest or index among those of @index that fits best where @platform is wanted; NULL: none.
 */
const Descriptor *image_index_choose(const ManifestIndex *index, const Platform *platform);

/* The next after @previous (NULL: the first) that does not say what it is for; NULL: none. */
const Descriptor *image_index_next_unsaid(const ManifestIndex *index, const Descriptor *previous);
