/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Image manifests and indexes, OCI and Docker schema 2, as one pair of structs: the two differ in
 * media types only. What is read here comes from outside: sizes, counts and digests are checked,
 * and a document that could be read as both manifest and index is refused.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/json-fields.h"
#include "base/string-list.h"
#include "image/platform.h"

#define MEDIA_TYPE_OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define MEDIA_TYPE_OCI_INDEX "application/vnd.oci.image.index.v1+json"
#define MEDIA_TYPE_OCI_CONFIG "application/vnd.oci.image.config.v1+json"
#define MEDIA_TYPE_OCI_LAYER "application/vnd.oci.image.layer.v1.tar"
#define MEDIA_TYPE_DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define MEDIA_TYPE_DOCKER_INDEX "application/vnd.docker.distribution.manifest.list.v2+json"
#define MEDIA_TYPE_DOCKER_CONFIG "application/vnd.docker.container.image.v1+json"
#define MEDIA_TYPE_DOCKER_LAYER "application/vnd.docker.image.rootfs.diff.tar"

#define ANNOTATION_REF_NAME "org.opencontainers.image.ref.name"
#define ANNOTATION_IMAGE_NAME "io.containerd.image.name"

/* A JSON document of an image is at most this long. */
#define IMAGE_JSON_MAX_SIZE (4 * 1024 * 1024)
#define IMAGE_MAX_LAYERS 127
#define IMAGE_MAX_INDEX_ENTRIES 1024

typedef struct Descriptor {
    char *media_type;
    char *digest;
    int64_t size;
    StringList urls; /* where else it is: of foreign layers */
    StringMap annotations;
    Platform *platform; /* NULL: not said */
} Descriptor;

extern const JsonStruct descriptor_json;

typedef JSON_ARRAY_OF(Descriptor) DescriptorArray;

typedef struct Manifest {
    int64_t schema_version;
    char *media_type; /* NULL: as OCI allows */
    Descriptor config;
    DescriptorArray layers;
    StringMap annotations;
} Manifest;

extern const JsonStruct manifest_json;

typedef struct ManifestIndex {
    int64_t schema_version;
    char *media_type;
    DescriptorArray manifests;
    StringMap annotations;
} ManifestIndex;

extern const JsonStruct manifest_index_json;

/* Free the members and zero the struct. */
void manifest_done(Manifest *manifest);
void manifest_index_done(ManifestIndex *index);
#define _cleanup_manifest_ _cleanup_(manifest_done)
#define _cleanup_manifest_index_ _cleanup_(manifest_index_done)

/*
 * Read untrusted text. Every digest in the result is a valid sha256, every size is not negative,
 * counts are within the limits above. Errors: INVALID, UNSUPPORTED (schema 1, other digests).
 */
int manifest_parse(const char *data, size_t size, Manifest *ret, Error *err);
int manifest_index_parse(const char *data, size_t size, ManifestIndex *ret, Error *err);

bool media_type_is_manifest(const char *media_type);
bool media_type_is_index(const char *media_type);

/* Append a descriptor and return it, valid until the next one is added. */
Descriptor *descriptor_array_add(DescriptorArray *array, const char *media_type,
                                 const Digest *digest, int64_t size);
