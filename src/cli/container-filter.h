/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * `cay ps --filter`, with Docker's names: values of one filter are alternatives, except for labels;
 * different filters all have to hold.
 */

#include "base/json-fields.h"
#include "base/string-list.h"
#include "engine/container.h"
#include "engine/images.h"

typedef struct ContainerFilter {
    StringList ids;   /* beginnings */
    StringList names; /* extended regular expressions, looked for anywhere in the name */
    StringList labels;
    StringList exit_codes;
    StringList states;
    StringList health; /* "none", "starting", "healthy", "unhealthy" */
    StringList volumes;
    StringList networks; /* modes, and ids of the containers in networks */
    StringList exposed;
    StringList published;
    StringList ancestors; /* ids of images, each with all images above it left to the store */
    OptionalInt64 before; /* nanoseconds since 1970: containers made earlier */
    OptionalInt64 since;  /* containers made later */
} ContainerFilter;

void container_filter_done(ContainerFilter *filter);
#define _cleanup_container_filter_ _cleanup_(container_filter_done)

/* Add the text of one --filter. Containers and images that it names are looked up. Errors: INVALID,
 * NOT_FOUND, UNSUPPORTED. */
int container_filter_add(ContainerFilter *filter, const char *text, Engine *engine, Error *err);

/* Does it look at more of a container's spec than CONTAINER_LIST_BRIEF has? */
bool container_filter_wants_spec(const ContainerFilter *filter);

/* Does it ask for containers in states other than running? Then all are looked at. */
bool container_filter_wants_all(const ContainerFilter *filter);

bool container_filter_matches(const ContainerFilter *filter, const Container *container);
