/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * From a source to a destination, byte for byte and without unpacking: a push, a save and
 * `cay image copy`. Every blob is verified on its way.
 */

#include "base/error.h"
#include "image/content-store.h"
#include "image/image-destination.h"
#include "image/image-source.h"
#include "image/transfer-progress.h"

typedef struct ImageCopyOptions {
    ImageSource *source;
    ImageDestination *destination;
    ContentStore *content; /* where blobs from elsewhere wait; used by name of their digest, so that
                              what is here already is not fetched */
    const char *platform;  /* of an index only this image; NULL: all, and the index itself */
    TransferProgressFunction progress; /* NULL: nobody wants to know */
    void *progress_data;
} ImageCopyOptions;

/* *ret_digest (with *ret_size, its bytes) is that of what the destination's name leads to. */
int image_copy(const ImageCopyOptions *options, Digest *ret_digest, size_t *ret_size, Error *err);

/* The same, not yet visible: for a destination that takes several images before its commit. */
int image_copy_put(const ImageCopyOptions *options, Digest *ret_digest, size_t *ret_size,
                   Error *err);
