/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * `cay load`: images from an archive that `docker save`, `skopeo copy` or `podman save` wrote, in
 * the docker-archive or the OCI layout, compressed or not. Every digest that the archive states is
 * verified; no name in it is ever used as a path.
 */

#include "base/error.h"
#include "base/string-list.h"
#include "image/image-store.h"
#include "image/worker-client.h"

typedef struct ImageLoadOptions {
    int input_fd;              /* may be a pipe */
    const char *platform;      /* which of several to take; NULL: the host's */
    const ImageLimits *limits; /* NULL: image_limits_default() */
} ImageLoadOptions;

/*
 * *ret gets Docker's lines, "Loaded image: debian:bookworm" or "Loaded image ID: sha256:...", one
 * per name, in the archive's order. Images before a faulty one stay loaded.
 * Errors: INVALID (contradictory or malformed documents), CORRUPT (not an archive, cut short,
 * digests), NOT_FOUND (no image for the platform), EXHAUSTED, SYSTEM.
 */
int image_load(ImageStore *store, const ImageLoadOptions *options, StringList *ret, Error *err);
