/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Bytes from outside, parsed at arm's length: archives and layers are read by the program
 * `cay-image`, which is confined to the one directory it fills before it reads the first byte.
 *
 * Every call starts one worker, waits for it and takes one result. Nothing that a worker says is
 * more trustworthy than its input: names are data, never paths to open.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/error.h"
#include "base/json-fields.h"

/* What one layer or archive may cost. Exceeding any of them is ERROR_EXHAUSTED. */
typedef struct ImageLimits {
    int64_t max_bytes;       /* unpacked: of the tar stream, and of the files' contents */
    int64_t max_entries;     /* members of the archive */
    int64_t max_ratio;       /* unpacked : packed; counts only what exceeds ratio_floor */
    int64_t ratio_floor;     /* unpacked bytes that are fine whatever the ratio */
    int64_t max_path;        /* bytes of one entry's name; at most PATH_MAX - 1 */
    int64_t max_depth;       /* components of one entry's name */
    int64_t max_xattr_bytes; /* names and values of one entry's extended attributes */
} ImageLimits;

/* Generous for any real image; the caller overrides single members as its user asks. */
ImageLimits image_limits_default(void);

typedef struct UnpackOptions {
    int input_fd;         /* the layer, from its current position to end of file; may be a pipe */
    int target_fd;        /* directory handle, empty, on the file system of the layers */
    int blob_fd;          /* regular file that receives the blob, or -EBADF; see UnpackResult */
    bool compress_blob;   /* a plain tar becomes a zstd blob; without it, it is kept plain */
    bool apply_whiteouts; /* a layer: ".wh." names become overlayfs's own marks;
                             else (a root file system) they are ordinary files */
    Digest expected_blob; /* of the bytes in input_fd; not set: not checked */
    Digest expected_diff_id;   /* of the uncompressed tar; not set: not checked */
    const ImageLimits *limits; /* NULL: image_limits_default() */
} UnpackOptions;

typedef struct UnpackResult {
    Digest blob_digest; /* of the blob: what was written to blob_fd, else of input_fd */
    int64_t blob_size;  /* bytes */
    char *media_type;   /* of the blob: application/vnd.oci.image.layer.v1.tar[+gzip|+zstd];
                           NULL without blob_fd and for a compression that OCI does not name */
    Digest diff_id;     /* of the whole uncompressed stream */
    int64_t diff_size;  /* its bytes */
    int64_t tree_size;  /* bytes of regular files, hard links counted once: Docker's size */
    int64_t entries;    /* members of the archive */
} UnpackResult;

/* Frees the members and zeroes the struct. */
void unpack_result_done(UnpackResult *result);
#define _cleanup_unpack_result_ _cleanup_(unpack_result_done)

/*
 * Unpack one layer (tar: plain, gzip, zstd, xz or bzip2) into @options->target_fd, owners, modes,
 * times, extended attributes, devices, holes and hard links exactly as recorded, and sync it once.
 *
 * The blob is copied to blob_fd on the way as it is when OCI has a media type for it, and as zstd
 * (always the same bytes for the same tar) when it does not or @compress_blob asks for it. It is
 * synced too. On failure the target holds part of a tree and the blob part of a file: remove them.
 *
 * Errors: CORRUPT (not an archive, cut short, damaged, a digest that does not match), INVALID (an
 * entry that would leave the target or cannot be kept exactly, named), EXHAUSTED (no space, a
 * limit), UNAVAILABLE (the worker is missing or was killed), UNSUPPORTED (the host cannot confine
 * it), SYSTEM.
 */
int image_worker_unpack(const UnpackOptions *options, UnpackResult *ret, Error *err);

/* One member of an outer archive, in the archive's order. Exactly one of file and link is set. */
typedef struct IngestEntry {
    char *path;        /* as the archive says, without leading "./"; relative, no ".." */
    char *file;        /* regular file: its name in the target directory, "0", "1", ... */
    char *link;        /* symbolic or hard link: the target as the archive says, unchecked */
    bool is_hard_link; /* link is relative to the archive's root, not to path's directory */
    char *digest;      /* of file, as Digest.text */
    int64_t size;      /* of file, bytes */
} IngestEntry;

typedef struct IngestResult {
    JSON_ARRAY_OF(IngestEntry) entries;
} IngestResult;

void ingest_result_done(IngestResult *result);
#define _cleanup_ingest_result_ _cleanup_(ingest_result_done)

typedef struct IngestOptions {
    int input_fd;              /* the archive, from its current position; may be a pipe */
    int target_fd;             /* directory handle, empty */
    const ImageLimits *limits; /* NULL: image_limits_default() */
} IngestOptions;

/*
 * Take an outer archive (docker-archive, oci-archive; plain, gzip, zstd, xz or bzip2) apart:
 * regular members become flat files in the target, never under their own names, mode 0600;
 * directories are left out; links are only reported. Files are not synced: what is kept is copied
 * or moved by the caller. A name that occurs twice is refused, an archive that says two things says
 * nothing.
 *
 * Errors: as image_worker_unpack().
 */
int image_worker_ingest(const IngestOptions *options, IngestResult *ret, Error *err);
