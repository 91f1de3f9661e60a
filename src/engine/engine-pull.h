/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Images from registries, by the names that people use. */

#include "engine/engine.h"
#include "image/image-transport.h"
#include "image/transfer-progress.h"

typedef struct EnginePull {
    const char *name;     /* "debian", "registry.example.com/x:1", with a digest, ... */
    bool all_tags;        /* of the repository; the name has none then */
    const char *platform; /* which of several; NULL: the host's */
    TransferProgressFunction progress; /* Docker's messages; NULL: nobody wants to know */
    void *progress_data;
} EnginePull;

/*
 * Pull what @pull->name means; without a domain, from the first of the configured ones that has it.
 * *ret_name (may be NULL) is its complete name, "docker.io/library/debian:latest"; the caller frees
 * it. Errors: NOT_FOUND, DENIED, and those of image_pull() and registry_client_open().
 */
int engine_pull(Engine *engine, const EnginePull *pull, char **ret_name, Error *err);

/*
 * Pull from a layout, an archive or a directory (image-transport.h). The image gets the name that
 * the location has it under, if that is a whole one; else it has none. *ret_name is that, complete,
 * or the image's id; the caller frees it. Of @pull, platform and progress count. Errors: those of
 * image_pull() and image_location_open_source().
 */
int engine_pull_location(Engine *engine, const ImageLocation *location, const EnginePull *pull,
                         char **ret_name, Error *err);

/*
 * Is an image here that @name may mean, for @platform (NULL: whichever)? Returns 1 or 0.
 * *ret_name is set to what it is called where that is not @name, as its domain is one of those that
 * are configured for names without one; else it is NULL. Registries are not asked.
 */
int engine_has_image(Engine *engine, const char *name, const char *platform, char **ret_name,
                     Error *err);
