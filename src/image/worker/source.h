/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The input as it arrives: read in blocks, hashed, and copied to the blob where it is kept as
 * given. Whoever decodes takes bytes from the front of the view; every byte up to the end of file
 * is counted, whether a decoder wanted it or not.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/error.h"

#define SOURCE_BLOCK_SIZE ((size_t)256 << 10)

typedef struct Source {
    int fd;      /* not owned */
    int copy_fd; /* not owned; -EBADF: no copy is made */
    uint8_t *buffer;
    const uint8_t *data; /* the view: bytes read and not taken yet */
    size_t available;
    int64_t total; /* bytes read so far */
    bool ended;    /* end of file was seen */
    DigestState digest;
    bool is_hashed;
    int stop_fd; /* not owned; when it is readable nothing more is waited for. -EBADF: none */
} Source;

/* Read the first block, so that the view shows what kind of data this is. */
int source_init(Source *source, int fd, bool is_hashed, Error *err);
void source_done(Source *source);

/* From here on, and from the first byte, copy to @fd. Only before the first block was taken. */
int source_copy_to(Source *source, int fd, Error *err);

/* Read the next block when the view is empty. Returns 1, or 0 at end of file, or -errno
 * (-ECANCELED: stopped). */
int source_fill(Source *source, Error *err);

void source_take(Source *source, size_t size);

/* Give back the last @size bytes that were taken of the current block; false if they are not all
 * there any more. */
bool source_give_back(Source *source, int64_t size);

/* Take everything to the end. Errors: CORRUPT when a byte of it is not zero. */
int source_drain_zeros(Source *source, Error *err);
