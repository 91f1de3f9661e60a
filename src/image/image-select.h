/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The way from a source's top document, through indexes, to the manifest for a platform.
 */

#include "base/cleanup.h"
#include "base/error.h"
#include "image/content-store.h"
#include "image/image-source.h"
#include "image/manifest.h"
#include "image/platform.h"

/* Settle on one media type, which becomes that of @document: what its descriptor says (NULL: none),
 * what it says itself, what it looks like. Errors: INVALID, UNSUPPORTED. */
int image_document_settle_type(const Descriptor *descriptor, RegistryDocument *document,
                               Error *err);

typedef struct ImageSelection {
    Digest top;                /* of what the source's name leads to */
    RegistryDocument document; /* the manifest, as it came; its media type is set */
    Manifest manifest;
} ImageSelection;

void image_selection_done(ImageSelection *selection);
#define _cleanup_image_selection_ _cleanup_(image_selection_done)

typedef struct ImageSelectOptions {
    ImageSource *source;
    ContentStore *content; /* documents that are in it are not asked for */
    const Platform *platform;
    const char *name; /* what messages call it; NULL: "image" */
} ImageSelectOptions;

/*
 * Choose the image for a platform. Errors: NOT_FOUND (nothing of the name; nothing for the
 * platform: the message lists what there is), CORRUPT (a digest or size is wrong), INVALID,
 * UNSUPPORTED (no image; schema 1), and those of the source.
 */
int image_select(const ImageSelectOptions *options, ImageSelection *ret, Error *err);
