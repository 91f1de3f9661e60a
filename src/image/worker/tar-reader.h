/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The members of a tar archive, read by libarchive from a layer stream. Only tar is understood.
 *
 * Names come out as the raw bytes of the archive: the process must stay in the "C" locale, because
 * libarchive rewrites pax names to Unicode's composed form in any other.
 */

#include <archive.h>
#include <archive_entry.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "image/worker/layer-stream.h"

typedef struct TarReader TarReader;

/* @stream must outlive the reader. */
int tar_reader_open(LayerStream *stream, TarReader **ret, Error *err);
void tar_reader_close(TarReader *reader);
DEFINE_CLEANUP(TarReader *, tar_reader_close);

/*
 * The next member, valid until the next call; what was not read of the one before is skipped.
 * Returns 1, 0 at the end, or -errno. Errors: CORRUPT, EXHAUSTED (a limit), SYSTEM.
 */
int tar_reader_next(TarReader *reader, struct archive_entry **ret, Error *err);

typedef struct TarBlock {
    const void *data;
    size_t size;
    int64_t offset; /* in the file; what lies between blocks is a hole */
} TarBlock;

/* The next block of the member's content. Returns 1, 0 at the end, or -errno. */
int tar_reader_block(TarReader *reader, TarBlock *ret, Error *err);

/*
 * After the last member: read the stream to its end. Nothing but zeros may follow, and the marker
 * that ends an archive must be there unless the stream's completeness is vouched for by a digest.
 */
int tar_reader_finish(TarReader *reader, bool is_vouched_for, Error *err);

/* Members so far. */
int64_t tar_reader_entries(const TarReader *reader);
