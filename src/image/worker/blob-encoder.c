/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Compression of a layer while it is unpacked, by libzstd.
 */

#include "image/worker/blob-encoder.h"

#include <stdlib.h>
#include <zstd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "image/worker/failure.h"

/* Already smaller than gzip's; the next levels save a tenth more and take half as long again. */
#define BLOB_LEVEL 1

struct BlobEncoder {
    int fd; /* not owned */
    ZSTD_CCtx *context;
    void *output;
    size_t output_size;
    int64_t written;
    DigestState digest;
};

int blob_encoder_open(int fd, BlobEncoder **ret, Error *err)
{
    _cleanup_(blob_encoder_closep) BlobEncoder *encoder = NEW(BlobEncoder);

    encoder->fd = fd;
    encoder->context = ZSTD_createCCtx();
    if (!encoder->context ||
        ZSTD_isError(
            ZSTD_CCtx_setParameter(encoder->context, ZSTD_c_compressionLevel, BLOB_LEVEL)) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(encoder->context, ZSTD_c_checksumFlag, 1)))
        return error_set(err, ERROR_EXHAUSTED, "prepare zstd: out of memory");
    encoder->output_size = ZSTD_CStreamOutSize();
    encoder->output = memory_new(1, encoder->output_size);
    digest_begin(&encoder->digest);

    *ret = TAKE_PTR(encoder);
    return 0;
}

void blob_encoder_close(BlobEncoder *encoder)
{
    if (!encoder)
        return;
    ZSTD_freeCCtx(encoder->context);
    free(encoder->output);
    free(encoder);
}

/* Feed @input; returns how much zstd still holds back, or -errno. */
static ssize_t encode(BlobEncoder *encoder, ZSTD_inBuffer *input, ZSTD_EndDirective directive,
                      Error *err)
{
    ZSTD_outBuffer output = { encoder->output, encoder->output_size, 0 };
    size_t left = ZSTD_compressStream2(encoder->context, &output, input, directive);
    int r;

    if (ZSTD_isError(left))
        return error_set(err, ERROR_SYSTEM, "compress with zstd: %s", ZSTD_getErrorName(left));

    digest_add(&encoder->digest, output.dst, output.pos);
    encoder->written += (int64_t)output.pos;
    r = fd_write_all(encoder->fd, output.dst, output.pos);
    return r < 0 ? failure_write(err, r, "write the blob") : (ssize_t)left;
}

int blob_encoder_add(BlobEncoder *encoder, const void *data, size_t size, Error *err)
{
    ZSTD_inBuffer input = { data, size, 0 };

    while (input.pos < input.size) {
        ssize_t left = encode(encoder, &input, ZSTD_e_continue, err);

        if (left < 0)
            return (int)left;
    }
    return 0;
}

int blob_encoder_finish(BlobEncoder *encoder, Digest *ret_digest, int64_t *ret_size, Error *err)
{
    ZSTD_inBuffer input = {};
    ssize_t left;

    do
        left = encode(encoder, &input, ZSTD_e_end, err);
    while (left > 0);
    if (left < 0)
        return (int)left;

    *ret_digest = digest_end(&encoder->digest);
    *ret_size = encoder->written;
    return 0;
}
