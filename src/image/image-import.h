/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* `cay import`: a root file system in a tar becomes an image of one layer. */

#include "base/digest.h"
#include "base/error.h"
#include "base/string-list.h"
#include "image/image-store.h"
#include "image/worker-client.h"

/* Told what is going on, one line without newline at a time; for people. */
typedef void (*ImageProgressFunction)(void *data, const char *line);

typedef struct ImageImportOptions {
    int input_fd;               /* tar: plain, gzip, zstd, xz or bzip2; may be a pipe */
    const Reference *reference; /* NULL: the image gets no name */
    const StringList *changes;  /* Dockerfile instructions, as `docker import --change`; or NULL */
    const char *message;        /* recorded as the image's comment; NULL: "Imported from -" */
    const char *platform;       /* "linux/arm64"; NULL: the host's */
    const ImageLimits *limits;  /* NULL: image_limits_default() */
} ImageImportOptions;

/* Errors: INVALID (a change, the platform, an entry of the archive), CORRUPT, EXHAUSTED, SYSTEM. */
int image_import(ImageStore *store, const ImageImportOptions *options, Digest *ret_id, Error *err);
