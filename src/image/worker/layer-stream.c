/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One pass over an archive's bytes for everybody who wants them.
 */

#include "image/worker/layer-stream.h"

#include <errno.h>

#include "base/memory.h"
#include "image/manifest.h"

int layer_stream_init(LayerStream *stream, int input_fd, int blob_fd, bool compress_blob,
                      const ImageLimits *limits, Error *err)
{
    bool encode;
    int r;

    *stream = (LayerStream) { .limits = limits };
    digest_begin(&stream->digest);
    r = source_init(&stream->source, input_fd, err);
    if (r < 0)
        return r;
    stream->decoder = decoder_new(&stream->source);
    if (blob_fd < 0)
        return 0;

    encode = !decoder_media_type(stream->decoder) ||
             (compress_blob && !decoder_is_compressed(stream->decoder));
    return encode ? blob_encoder_open(blob_fd, &stream->encoder, err)
                  : source_copy_to(&stream->source, blob_fd, err);
}

void layer_stream_done(LayerStream *stream)
{
    blob_encoder_close(stream->encoder);
    decoder_free(stream->decoder);
    source_done(&stream->source);
    error_done(&stream->error);
}

/* A bomb is what unpacks to far more than any honest archive of its size. */
static int check_limits(LayerStream *stream)
{
    const ImageLimits *limits = stream->limits;

    if (stream->total > limits->max_bytes)
        return error_set(&stream->error, ERROR_EXHAUSTED,
                         "archive unpacks to more than the limit of %lld bytes",
                         (long long)limits->max_bytes);
    if (stream->total > limits->ratio_floor &&
        (stream->total - limits->ratio_floor) / limits->max_ratio > stream->source.total)
        return error_set(&stream->error, ERROR_EXHAUSTED,
                         "archive unpacks to more than %lld times its size: a decompression bomb",
                         (long long)limits->max_ratio);
    return 0;
}

static void note_nonzero_end(LayerStream *stream, const uint8_t *block, size_t size)
{
    size_t end = size;

    while (end > 0 && block[end - 1] == 0)
        end--;
    if (end > 0)
        stream->nonzero_end = stream->total + (int64_t)end;
}

ssize_t layer_stream_read(LayerStream *stream, const void **ret_block)
{
    ssize_t size;
    int r;

    if (error_is_set(&stream->error))
        return -stream->error.errnum;
    if (stream->ended)
        return 0;

    size = decoder_read(stream->decoder, ret_block, &stream->error);
    if (size <= 0) {
        stream->ended = size == 0;
        return size;
    }

    note_nonzero_end(stream, *ret_block, (size_t)size);
    stream->total += size;
    r = check_limits(stream);
    if (r < 0)
        return r;
    if (decoder_is_compressed(stream->decoder))
        digest_add(&stream->digest, *ret_block, (size_t)size);
    if (stream->encoder) {
        r = blob_encoder_add(stream->encoder, *ret_block, (size_t)size, &stream->error);
        if (r < 0)
            return r;
    }
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
    const char *media_type = decoder_media_type(stream->decoder);
    Digest input = digest_end(&stream->source.digest);
    Digest diff_id = input; /* hashed once where both are the same bytes */
    int r;

    if (decoder_is_compressed(stream->decoder))
        diff_id = digest_end(&stream->digest);
    r = check_digest("blob", &options->expected_blob, &input, err);
    if (r >= 0)
        r = check_digest("uncompressed layer", &options->expected_diff_id, &diff_id, err);
    if (r < 0)
        return r;

    ret->blob_digest = input;
    ret->blob_size = stream->source.total;
    if (stream->encoder) {
        media_type = MEDIA_TYPE_OCI_LAYER "+zstd";
        r = blob_encoder_finish(stream->encoder, &ret->blob_digest, &ret->blob_size, err);
        if (r < 0)
            return r;
    }

    ret->diff_id = diff_id;
    ret->diff_size = stream->total;
    ret->media_type = memory_strdup(media_type);
    return 0;
}
