/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * From the input's bytes to the tar stream: one driver per compression, chosen by the first bytes
 * and never by a name. Exactly one layer of compression is undone: an archive that was compressed
 * twice is not an archive. Checksums are verified; nothing but zeros may follow the compressed
 * data.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "image/worker/source.h"

typedef struct Decoder Decoder;

/* Choose a driver; nothing is taken from @source yet, which must outlive the decoder. */
Decoder *decoder_new(Source *source);
void decoder_free(Decoder *decoder);
DEFINE_CLEANUP(Decoder *, decoder_free);

/*
 * Fill @block with the next @size bytes of the uncompressed stream. Returns how many there are,
 * which is less only at the end: then 0, or -errno. Errors: CORRUPT (damaged, cut short), EXHAUSTED
 * (memory), SYSTEM.
 */
ssize_t decoder_read(Decoder *decoder, uint8_t *block, size_t size, Error *err);

bool decoder_is_compressed(const Decoder *decoder);

/* The OCI media type of a layer compressed like this; NULL where OCI names none. */
const char *decoder_media_type(const Decoder *decoder);
