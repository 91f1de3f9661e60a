/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One tar becomes an image of one layer: what importing and bootstrapping share. */

#include "image/image-config.h"
#include "image/image-store-private.h"

typedef struct RootfsSource {
    ContentStaging *staging;    /* where the blob is made */
    int fd;                     /* tar of a root file system, from its current position */
    const Reference *reference; /* NULL: no name */
    const ImageLimits *limits;
} RootfsSource;

/*
 * Store the layer and the image. @config has all but rootfs, which is filled in here. The caller
 * holds CONTENT_LOCK_ADD. Errors: as image_import().
 */
int image_import_rootfs(ImageStore *store, const RootfsSource *source, ImageConfig *config,
                        Digest *ret_id, Error *err);

/* Append a history entry that made a layer. */
void image_config_add_history(ImageConfig *config, const char *created_by, const char *comment);
