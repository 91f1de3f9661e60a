/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * `cay volume ls --filter`: dangling=true|false, driver=NAME, label=KEY[=VALUE], name=EXPRESSION.
 * Values of drivers and names are alternatives; everything else has to hold.
 */

#include "base/json-fields.h"
#include "engine/volume.h"

typedef struct VolumeFilter {
    OptionalBool dangling; /* used by no container */
    StringList drivers;
    StringList labels; /* "key" or "key=value" */
    StringList names;  /* regular expressions */
} VolumeFilter;

void volume_filter_done(VolumeFilter *filter);
#define _cleanup_volume_filter_ _cleanup_(volume_filter_done)

/* Add the text of one --filter. Errors: INVALID. */
int volume_filter_add(VolumeFilter *filter, const char *text, Error *err);

bool volume_filter_matches(const VolumeFilter *filter, const Volume *volume);
