/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The uncompressed stream of one archive: decoded, hashed, measured against the limits and, where a
 * blob is wanted, compressed on its way past. It is always read to its very end, so that digests
 * cover all of it. All of that is done ahead of who reads, by other threads where the stream is
 * long enough for them (image/worker/read-ahead.h): one that decodes, one that compresses.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/digest.h"
#include "base/error.h"
#include "image/worker-client.h"
#include "image/worker/blob-encoder.h"
#include "image/worker/decoder.h"
#include "image/worker/read-ahead.h"
#include "image/worker/source.h"

typedef struct LayerStreamOptions {
    int input_fd;
    int blob_fd; /* -EBADF: none */
    bool compress_blob;
    bool is_unhashed;          /* nobody wants digests: those of the result mean nothing */
    const ImageLimits *limits; /* must outlive the stream */
} LayerStreamOptions;

/* What is on its way to the reader: until the stream has ended, only for the thread that decodes.
 */
typedef struct LayerStreamInput {
    Source source;
    Decoder *decoder;
    const ImageLimits *limits;
    int64_t total;       /* uncompressed bytes so far */
    int64_t nonzero_end; /* where the last byte that is not zero ends */
} LayerStreamInput;

typedef struct LayerStream {
    LayerStreamInput input;
    ReadAhead *decoded;
    DigestState digest;
    bool is_hashed;       /* the uncompressed bytes, apart from the source's */
    BlobEncoder *encoder; /* NULL: the blob is kept as given, or not wanted */
    ReadAhead *passed;    /* where there is something to hash or encode: what has been */
    bool ended;
    Error error; /* what a read met; set once, the stream is dead then */
} LayerStream;

/* The stream stays where it is until layer_stream_done(), which frees it even after a failure. */
int layer_stream_init(LayerStream *stream, const LayerStreamOptions *options, Error *err);
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
