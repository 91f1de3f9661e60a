/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One pass over an archive's bytes for everybody who wants them.
 */

#include "image/worker/layer-stream.h"

#include <errno.h>
#include <string.h>

#include "base/memory.h"
#include "image/manifest.h"

/* The blob is the input as it is, or what an encoder makes of it. */
static int open_blob(LayerStream *stream, const LayerStreamOptions *options, Error *err)
{
    LayerStreamInput *input = &stream->input;
    bool encode = !decoder_media_type(input->decoder) ||
                  (options->compress_blob && !decoder_is_compressed(input->decoder));

    if (options->blob_fd < 0)
        return 0;
    return encode ? blob_encoder_open(options->blob_fd, &stream->encoder, err)
                  : source_copy_to(&input->source, options->blob_fd, err);
}

/* A bomb is what unpacks to far more than any honest archive of its size. */
static int check_limits(const LayerStreamInput *input, Error *err)
{
    const ImageLimits *limits = input->limits;

    if (input->total > limits->max_bytes)
        return error_set(err, ERROR_EXHAUSTED,
                         "archive unpacks to more than the limit of %lld bytes",
                         (long long)limits->max_bytes);
    if (input->total > limits->ratio_floor &&
        (input->total - limits->ratio_floor) / limits->max_ratio > input->source.total)
        return error_set(err, ERROR_EXHAUSTED,
                         "archive unpacks to more than %lld times its size: a decompression bomb",
                         (long long)limits->max_ratio);
    return 0;
}

static void note_nonzero_end(LayerStreamInput *input, const uint8_t *block, size_t size)
{
    size_t end = size;

    while (end > 0 && block[end - 1] == 0)
        end--;
    if (end > 0)
        input->nonzero_end = input->total + (int64_t)end;
}

/* ReadAheadFunction */
static ssize_t read_input(void *data, uint8_t *block, Error *err)
{
    LayerStreamInput *input = data;
    ssize_t size = decoder_read(input->decoder, block, READ_AHEAD_BLOCK_SIZE, err);
    int r;

    if (size <= 0)
        return size;
    note_nonzero_end(input, block, (size_t)size);
    input->total += size;
    r = check_limits(input, err);
    return r < 0 ? r : size;
}

/* ReadAheadFunction: inflating, hashing and compressing each take as long as writing files does, or
 * longer, so what follows the first of them has a thread of its own. */
static ssize_t pass_on(void *data, uint8_t *block, Error *err)
{
    LayerStream *stream = data;
    const void *decoded;
    ssize_t size = read_ahead_next(stream->decoded, &decoded, err);
    int r;

    if (size <= 0)
        return size;
    if (stream->is_hashed)
        digest_add(&stream->digest, decoded, (size_t)size);
    if (stream->encoder) {
        r = blob_encoder_add(stream->encoder, decoded, (size_t)size, err);
        if (r < 0)
            return r;
    }
    memcpy(block, decoded, (size_t)size);
    return size;
}

int layer_stream_init(LayerStream *stream, const LayerStreamOptions *options, Error *err)
{
    LayerStreamInput *input = &stream->input;
    int r;

    *stream = (LayerStream) { .input = { .limits = options->limits } };
    digest_begin(&stream->digest);
    r = source_init(&input->source, options->input_fd, !options->is_unhashed, err);
    if (r < 0)
        return r;
    input->decoder = decoder_new(&input->source);
    stream->is_hashed = !options->is_unhashed && decoder_is_compressed(input->decoder);
    r = open_blob(stream, options, err);
    if (r >= 0)
        r = read_ahead_new(read_input, input, &stream->decoded, err);
    if (r < 0)
        return r;
    input->source.stop_fd = read_ahead_stop_fd(stream->decoded);
    return stream->is_hashed || stream->encoder
               ? read_ahead_new(pass_on, stream, &stream->passed, err)
               : 0;
}

void layer_stream_done(LayerStream *stream)
{
    LayerStreamInput *input = &stream->input;

    /* The threads first, which use the rest: one may wait for the other. */
    if (stream->decoded)
        read_ahead_stop(stream->decoded);
    read_ahead_free(stream->passed);
    read_ahead_free(stream->decoded);
    blob_encoder_close(stream->encoder);
    decoder_free(input->decoder);
    source_done(&input->source);
    error_done(&stream->error);
}

ssize_t layer_stream_read(LayerStream *stream, const void **ret_block)
{
    ssize_t size;

    if (error_is_set(&stream->error))
        return -stream->error.errnum;
    if (stream->ended)
        return 0;
    size = read_ahead_next(stream->passed ? stream->passed : stream->decoded, ret_block,
                           &stream->error);
    stream->ended = size == 0;
    return size;
}

int layer_stream_drain(LayerStream *stream, Error *err)
{
    const void *block;
    ssize_t size;

    do
        size = layer_stream_read(stream, &block);
    while (size > 0);
    if (size < 0)
        error_move(err, &stream->error);
    return (int)size;
}

static int check_digest(const char *what, const Digest *expected, const Digest *actual, Error *err)
{
    if (!digest_is_set(expected) || digest_equal(expected, actual))
        return 0;
    return error_set(err, ERROR_CORRUPT, "%s has digest %s, expected %s", what, actual->text,
                     expected->text);
}

int layer_stream_finish(LayerStream *stream, const UnpackOptions *options, UnpackResult *ret,
                        Error *err)
{
    LayerStreamInput *input = &stream->input;
    const char *media_type = decoder_media_type(input->decoder);
    Digest packed = digest_end(&input->source.digest);
    Digest diff_id = packed; /* hashed once where both are the same bytes */
    int r;

    if (stream->is_hashed)
        diff_id = digest_end(&stream->digest);
    r = check_digest("blob", &options->expected_blob, &packed, err);
    if (r >= 0)
        r = check_digest("uncompressed layer", &options->expected_diff_id, &diff_id, err);
    if (r < 0)
        return r;

    ret->blob_digest = packed;
    ret->blob_size = input->source.total;
    if (stream->encoder) {
        media_type = MEDIA_TYPE_OCI_LAYER "+zstd";
        r = blob_encoder_finish(stream->encoder, &ret->blob_digest, &ret->blob_size, err);
        if (r < 0)
            return r;
    }

    ret->diff_id = diff_id;
    ret->diff_size = input->total;
    ret->media_type = memory_strdup(media_type);
    return 0;
}
