/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * `cay images --filter`: reference=PATTERN, label=KEY[=VALUE], dangling=true|false, before=IMAGE,
 * since=IMAGE. References are alternatives; everything else has to hold.
 */

#include "engine/images.h"

typedef struct ImageFilter {
    StringList references;
    StringList labels; /* "key" or "key=value" */
    OptionalBool dangling;
    OptionalInt64 before; /* nanoseconds since 1970: images made earlier */
    OptionalInt64 since;  /* images made later */
} ImageFilter;

void image_filter_done(ImageFilter *filter);
#define _cleanup_image_filter_ _cleanup_(image_filter_done)

/*
 * Add the text of one --filter. Images that it names are looked up in @store.
 * Errors: INVALID, NOT_FOUND.
 */
int image_filter_add(ImageFilter *filter, const char *text, ImageStore *store, Error *err);

bool image_filter_matches(const ImageFilter *filter, const Image *image);

/* True when @name, one of an image's names, is wanted by the references (or there are none). */
bool image_filter_matches_name(const ImageFilter *filter, const char *name);
