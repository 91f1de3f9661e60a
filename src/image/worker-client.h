/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Bytes from outside, parsed at arm's length: archives and layers are read by the program
 * `cay-image`, which is confined to the one directory it fills before it reads the first byte. It
 * makes archives too, of trees that somebody else may be changing, and can then only read.
 *
 * Every call starts one worker, waits for it and takes one result. Nothing that a worker says is
 * more trustworthy than its input: names are data, never paths to open.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/id-map.h"
#include "base/json-fields.h"
#include "base/string-list.h"

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
    bool caller_finishes;      /* neither hashed nor synced: whoever asks sees to both, or needs
                                  neither. The digests in the result mean nothing */
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
    bool has_root;      /* one of them is the top directory itself */
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

/* How many workers at a time are of use, and not too many. */
size_t image_worker_count(void);

/* The same in two steps, for who writes the archive into a pipe meanwhile: @options are not needed
 * any more after the first. Of a worker that is freed before it has ended nothing more comes. */
typedef struct ImageWorker ImageWorker;
int image_worker_unpack_begin(const UnpackOptions *options, ImageWorker **ret, Error *err);
int image_worker_unpack_end(ImageWorker *worker, UnpackResult *ret, Error *err);
/* Readable when the worker has ended, or soon will have: the end is not waited for then. */
int image_worker_fd(const ImageWorker *worker);
void image_worker_free(ImageWorker *worker);
DEFINE_CLEANUP(ImageWorker *, image_worker_free);

/* One member of an outer archive, in the archive's order. Exactly one of file and link is set. */
typedef struct IngestEntry {
    char *path;        /* as the archive says, without leading "./"; relative, no ".." */
    char *file;        /* regular file: its name in the target directory, "0", "1", ... */
    char *link;        /* symbolic or hard link: the target as the archive says, unchecked */
    bool is_hard_link; /* link is relative to the archive's root, not to path's directory */
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

typedef struct PackOptions {
    int source_fd;    /* directory handle; may be one of a container's own mounts. A detached mount
                         of the caller's is used up by it */
    const char *name; /* one entry of it, a plain name, with all below it; NULL: all it holds */
    const char *as;   /* what the top is called in the archive. NULL: with a name, that; else the
                         directory has no entry of its own. "": it has, "./", and its entries are
                         called as if it had none */
    int output_fd;    /* receives the archive; may be a pipe */
    bool is_layer;    /* overlayfs's marks become ".wh." names; else there are none */
    bool with_mounts; /* also what is mounted below the directory; what belongs to nobody inside is
                         nobody's then (65534), else it is refused */
    bool compress;    /* with zstd: always the same bytes for the same tar */
    bool wants_digest;
    const IdMap *ids; /* through which owners are seen; NULL: they are as images have them */
} PackOptions;

typedef struct PackResult {
    Digest diff_id;     /* of the tar; with wants_digest */
    int64_t diff_size;  /* its bytes */
    Digest blob_digest; /* of what was written; with wants_digest or compress */
    int64_t blob_size;
    int64_t tree_size;   /* bytes of regular files, hard links counted once */
    int64_t entries;     /* members of the archive */
    StringList warnings; /* what is not in it as it is in the tree, a line each, for people; not
                            all of them if there are many */
} PackResult;

void pack_result_done(PackResult *result);
#define _cleanup_pack_result_ _cleanup_(pack_result_done)

/*
 * Make a tar archive (pax) of a tree: owners, modes, times in nanoseconds, extended attributes,
 * devices, holes and hard links as they are, entries sorted by name, so that equal trees give equal
 * bytes. Sockets are left out. Whoever owns the tree may change it meanwhile: nothing outside of it
 * is ever read.
 *
 * Errors: INVALID (an entry that no archive or no layer can hold, named), EXHAUSTED (no space),
 * UNAVAILABLE, UNSUPPORTED (as above), SYSTEM (EPIPE: nobody reads the archive any more).
 */
int image_worker_pack(const PackOptions *options, PackResult *ret, Error *err);

/* The same in two steps, as with image_worker_unpack_begin(), for who reads the archive from a pipe
 * meanwhile. */
int image_worker_pack_begin(const PackOptions *options, ImageWorker **ret, Error *err);
int image_worker_pack_end(ImageWorker *worker, PackResult *ret, Error *err);
