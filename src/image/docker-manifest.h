/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * manifest.json of a docker-archive: which images are in it, by the names of their members.
 */

#include <stddef.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json-fields.h"
#include "base/string-list.h"

typedef struct DockerImage {
    char *config;      /* name of a member */
    StringList names;  /* with tags; may be empty */
    StringList layers; /* names of members, bottom to top */
} DockerImage;

typedef struct DockerImages {
    JSON_ARRAY_OF(DockerImage) images;
} DockerImages;

void docker_images_done(DockerImages *images);
#define _cleanup_docker_images_ _cleanup_(docker_images_done)

/* Read untrusted text. Errors: INVALID. */
int docker_images_parse(const char *text, size_t size, DockerImages *ret, Error *err);

/* The caller frees it. */
char *docker_images_to_text(const DockerImages *images);
