/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Where the bytes of an archive go that is being made: counted, hashed and compressed where that is
 * wanted, and written in large blocks. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/error.h"
#include "image/worker/blob-encoder.h"

typedef struct PackSink {
    int fd; /* not owned */
    uint8_t *buffer;
    size_t used;
    int64_t total; /* bytes of the archive so far */
    bool is_hashed;
    DigestState digest;
    BlobEncoder *encoder; /* NULL: it is written as it is */
} PackSink;

int pack_sink_init(PackSink *sink, int fd, bool is_hashed, bool is_compressed, Error *err);
void pack_sink_done(PackSink *sink);
#define _cleanup_pack_sink_ _cleanup_(pack_sink_done)

int pack_sink_add(PackSink *sink, const void *data, size_t size, Error *err);
int pack_sink_add_zeros(PackSink *sink, int64_t size, Error *err);

/* Room for what is read right into the archive: at least one byte. Then say how much there is. */
int pack_sink_room(PackSink *sink, void **ret, size_t *ret_size, Error *err);
void pack_sink_filled(PackSink *sink, size_t size);

/* Write all that is still here, and complete the compressed stream. */
int pack_sink_finish(PackSink *sink, Digest *ret_blob, int64_t *ret_blob_size, Error *err);
