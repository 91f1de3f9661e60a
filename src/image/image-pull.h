/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * From a source into the store of this machine: layers are fetched, verified, inflated and unpacked
 * at the same time, several at once. A pull that fails, or is killed, changes nothing that can be
 * seen, and the next one goes on where it ended.
 */

#include "base/error.h"
#include "image/image-source.h"
#include "image/image-store.h"
#include "image/transfer-progress.h"
#include "image/worker-client.h"

typedef struct ImagePullOptions {
    ImageSource *source;
    const Reference *reference; /* the name it gets: with a tag, that; with a digest, that is kept
                                   as its digest, too. NULL: none */
    const char *platform;       /* which of several; NULL: the host's */
    const ImageLimits *limits;  /* NULL: image_limits_default() */
    TransferProgressFunction progress; /* NULL: nobody wants to know */
    void *progress_data;
} ImagePullOptions;

typedef struct ImagePullResult {
    Digest id;     /* of the image */
    Digest digest; /* of what the source's name leads to: the index, where there is one */
    bool is_new;   /* the name led to another image before, or to none */
} ImagePullResult;

/*
 * Errors: NOT_FOUND (nothing of that name; nothing for the platform: the message lists what there
 * is), CORRUPT (a digest, a size, a stream cut short), INVALID, UNSUPPORTED (no image: an
 * artifact), EXHAUSTED (limits, no space), and those of the source.
 */
int image_pull(ImageStore *store, const ImagePullOptions *options, ImagePullResult *ret,
               Error *err);
