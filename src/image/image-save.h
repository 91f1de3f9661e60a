/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * `cay save`: images of this machine in one archive, as Docker writes it: an OCI layout, and
 * Docker's own manifest.json that leads to the same blobs. Layers are as they came, compressed or
 * not.
 */

#include "base/digest.h"
#include "base/error.h"
#include "base/string-list.h"
#include "image/image-store.h"

typedef struct ImageSaveOptions {
    char *const *names; /* each a name, with all its tags if it has none, or an id: then the image
                           is without a name in the archive */
    size_t n_names;
    const char *platform; /* NULL: whatever the images are for; else all have to be for it */
    const char *path;     /* NULL: standard output, which must not be a terminal */
} ImageSaveOptions;

/* *ret_ids gets the id of each saved image. On failure there is no file. Errors: NOT_FOUND, INVALID
 * (a terminal), CORRUPT (a blob is damaged), EXHAUSTED, SYSTEM. */
int image_save(ImageStore *store, const ImageSaveOptions *options, StringList *ret_ids, Error *err);
