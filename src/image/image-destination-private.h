/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The kinds of destinations. */

#include "base/string-list.h"
#include "image/content-store.h"
#include "image/image-destination.h"
#include "image/image-store.h"
#include "image/reference.h"

/* The OCI layout in the directory @path, which may be there; the image is called @name in it, NULL:
 * it has no name. */
int image_destination_open_layout(const char *path, const char *name, ImageDestination **ret,
                                  Error *err);

/* skopeo's directory @path. What is there is replaced if it is one or empty. Errors: CONFLICT. */
int image_destination_open_directory(const char *path, ImageDestination **ret, Error *err);

typedef enum ImageArchiveFormat {
    IMAGE_ARCHIVE_OCI,
    IMAGE_ARCHIVE_DOCKER, /* an OCI layout with Docker's manifest.json; no indexes */
} ImageArchiveFormat;

/* An archive, made in @content and written to the file @path, NULL: to standard output, which must
 * not be a terminal. Any number of images may be put into it. */
int image_destination_open_archive(ContentStore *content, const char *path,
                                   ImageArchiveFormat format, ImageDestination **ret, Error *err);

/* What the next image is called: in an OCI archive at most one name, in Docker's any number of
 * references with tags. */
void image_destination_archive_name(ImageDestination *archive, const StringList *names);

/* The repository of @repository at a registry, in which the image will be @reference: a tag or its
 * digest. @client is taken. Blobs that are known of @store (may be NULL) to be in another
 * repository of the registry are taken from there. (image-destination-registry.c) */
ImageDestination *image_destination_registry(RegistryClient *client, const Reference *repository,
                                             const char *reference, ImageStore *store);
