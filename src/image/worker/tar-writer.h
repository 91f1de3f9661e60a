/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Members of a tar archive in the pax format (POSIX.1-2017, pax): a ustar header, with a record for
 * each thing that it has no room for. The same members always give the same bytes: there is nothing
 * in them of when, where and by whom the archive is made. Holes are written as GNU tar's sparse
 * format 1.0, attributes as SCHILY.xattr records.
 */

#include <stdint.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/string-buffer.h"
#include "image/worker/pack-sink.h"

/* A part of a file that is no hole. */
typedef struct TarExtent {
    int64_t offset;
    int64_t size;
} TarExtent;

typedef struct TarMember {
    const char *path; /* a directory's ends with a slash */
    mode_t mode;      /* with its type */
    bool is_hard_link;
    const char *link; /* what a symbolic or hard link is to; else NULL */
    uint32_t uid, gid;
    int64_t size; /* of a regular file, holes included */
    struct timespec modified;
    dev_t device;
    const StringBuffer *attributes; /* records, made by tar_writer_add_attribute() */
    const TarExtent *extents;       /* of a sparse file; their content follows, nothing else */
    size_t n_extents;
    bool is_sparse;
} TarMember;

/* Append a record for the attribute @name. */
void tar_writer_add_attribute(StringBuffer *records, const char *name, const void *value,
                              size_t size);

/* Write the member's headers. Its content, *ret_size bytes, and zeros up to a whole block follow.
 */
int tar_writer_add(PackSink *sink, const TarMember *member, int64_t *ret_size, Error *err);

/* Zeros up to a whole block, after the content. */
int tar_writer_pad(PackSink *sink, Error *err);

/* The mark of the archive's end. */
int tar_writer_end(PackSink *sink, Error *err);
