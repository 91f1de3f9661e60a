/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A tar stream on its way into a zstd blob. The same stream always gives the same bytes: one
 * thread, one level, block sizes that do not depend on how the input arrived.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/error.h"

typedef struct BlobEncoder BlobEncoder;

/* Write to @fd, which stays the caller's. */
int blob_encoder_open(int fd, BlobEncoder **ret, Error *err);
void blob_encoder_close(BlobEncoder *encoder);
DEFINE_CLEANUP(BlobEncoder *, blob_encoder_close);

int blob_encoder_add(BlobEncoder *encoder, const void *data, size_t size, Error *err);

/* Complete the frame. @ret_digest and @ret_size are those of what was written. */
int blob_encoder_finish(BlobEncoder *encoder, Digest *ret_digest, int64_t *ret_size, Error *err);
