/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* `cay commit`: an image, and what a container has changed in it, become another image. */

#include "base/digest.h"
#include "base/error.h"
#include "base/string-list.h"
#include "image/image-config.h"
#include "image/image-store.h"

typedef struct ImageCommit {
    Digest parent;              /* id of the image; it may have been removed by force since */
    int changes_fd;             /* directory that an overlay on top of it writes to */
    ImageDefaults *defaults;    /* what containers of the new image run; moves into it */
    const Reference *reference; /* NULL: the image gets no name */
    const char *author;         /* NULL: nobody */
    const char *message;        /* recorded as the image's comment; or NULL */
    const char *created_by;     /* the command that has made the changes; or NULL */
    int (*check)(void *data, Error *err); /* asked once all was read: was that all there is? */
    void *check_data;
} ImageCommit;

/*
 * The changes become a layer: packed, and unpacked as if it came from elsewhere, so that the image
 * here and its copy at another place are the same. Changes that come to nothing become no layer.
 * What is not in the image as it is in the container is told in @warnings.
 *
 * Errors: INVALID (a file that no layer can hold), NOT_FOUND (the parent's documents are gone),
 * EXHAUSTED (no space, too many layers), CORRUPT, SYSTEM.
 */
int image_commit(ImageStore *store, ImageCommit *commit, Digest *ret_id, StringList *warnings,
                 Error *err);
