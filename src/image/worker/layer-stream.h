/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The uncompressed stream of one archive: decoded, hashed, measured against the limits and, where a
 * blob is wanted, compressed on its way past. It is always read to its very end, so that digests
 * cover all of it.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/digest.h"
#include "base/error.h"
#include "image/worker-client.h"
#include "image/worker/blob-encoder.h"
#include "image/worker/decoder.h"
#include "image/worker/source.h"

typedef struct LayerStream {
    Source source;
    Decoder *decoder;
    BlobEncoder *encoder; /* NULL: the blob is kept as given, or not wanted */
    const ImageLimits *limits;
    DigestState digest;
    int64_t total;       /* uncompressed bytes so far */
    int64_t nonzero_end; /* where the last byte that is not zero ends */
    bool ended;
    Error error; /* what a read met; set once, the stream is dead then */
} LayerStream;

/* @blob_fd: -EBADF for none. @limits must outlive the stream. Free with layer_stream_done() even
 * after a failure. */
int layer_stream_init(LayerStream *stream, int input_fd, int blob_fd, bool compress_blob,
                      const ImageLimits *limits, Error *err);
void layer_stream_done(LayerStream *stream);
#define _cleanup_layer_stream_ _cleanup_(layer_stream_done)

/* The next block, valid until the next call. Returns its size, 0 at the end, -errno with
 * stream->error set. */
ssize_t layer_stream_read(LayerStream *stream, const void **ret_block);

/* Read what is left. */
int layer_stream_drain(LayerStream *stream, Error *err);

/*
 * After the end: complete the blob, fill digests, sizes and media type, and compare the digests
 * with those that @options expects. Errors: CORRUPT, EXHAUSTED (no space).
 */
int layer_stream_finish(LayerStream *stream, const UnpackOptions *options, UnpackResult *ret,
                        Error *err);
