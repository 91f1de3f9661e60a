/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Where an image is, as skopeo and podman write it:
 *
 *     docker://REF               a registry
 *     oci:DIR[:REF]              an OCI layout
 *     oci-archive:FILE[:REF]     the same in a tar archive
 *     docker-archive:FILE[:REF]  what `docker save` writes
 *     dir:DIR                    a directory of one manifest and its blobs
 *     cay:REF                    this machine's store, also `containers-storage:REF`
 *     REF                        the same
 *
 * What begins with the name of a transport and a colon is always one: the store's image "oci" with
 * the tag "latest" is "cay:oci:latest". "docker:24" is an image, "docker://" a registry.
 */

#include "base/cleanup.h"
#include "base/error.h"
#include "image/image-destination.h"
#include "image/image-source.h"
#include "image/image-store.h"
#include "image/worker-client.h"
#include "registry/registry-settings.h"

typedef enum ImageTransport {
    IMAGE_TRANSPORT_STORE,
    IMAGE_TRANSPORT_REGISTRY,
    IMAGE_TRANSPORT_OCI,
    IMAGE_TRANSPORT_OCI_ARCHIVE,
    IMAGE_TRANSPORT_DOCKER_ARCHIVE,
    IMAGE_TRANSPORT_DIRECTORY,
    _IMAGE_TRANSPORT_MAX,
} ImageTransport;

typedef struct ImageLocation {
    ImageTransport transport;
    char *path; /* of a file or directory; NULL for the store and a registry */
    char
        *name; /* a reference; in a layout or an archive: which of its images, NULL: the only one */
} ImageLocation;

/* Frees the members and zeroes the struct. */
void image_location_done(ImageLocation *location);
#define _cleanup_image_location_ _cleanup_(image_location_done)

/* Only text, nothing is looked up. Errors: INVALID, UNSUPPORTED (transports of others). */
int image_location_parse(const char *text, ImageLocation *ret, Error *err);

/* As it is written, with its transport; the caller frees it. */
char *image_location_to_string(const ImageLocation *location);

/* What opening needs; all of it stays the caller's and outlives what was opened. */
typedef struct ImageTransports {
    ImageStore *store;
    const RegistrySettings *registries;
    bool insecure;             /* registries: as if it were so in the settings */
    const ImageLimits *limits; /* of archives; NULL: image_limits_default() */
} ImageTransports;

/* Errors: NOT_FOUND, INVALID (several images and none named: they are listed), CORRUPT, and those
 * of registry_resolve(). */
int image_location_open_source(const ImageLocation *location, const ImageTransports *transports,
                               ImageSource **ret, Error *err);

/* Errors: UNSUPPORTED (the store: that is a pull), CONFLICT (something else is there), SYSTEM. */
int image_location_open_destination(const ImageLocation *location,
                                    const ImageTransports *transports, ImageDestination **ret,
                                    Error *err);

/* What is to be put into a registry's repository comes from @source: where that is of the same
 * registry, blobs are taken from it without being fetched and sent. */
void image_destination_registry_mount_from(ImageDestination *registry, const ImageLocation *source);

/* What the next image that is put into a registry's repository is called: a tag, or its digest. */
void image_destination_registry_name(ImageDestination *registry, const char *reference);
