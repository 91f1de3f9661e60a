/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Lists of manifests in the making (`cay manifest`): which images, at registries, one name is to
 * stand for. They are kept in the database until they are pushed and removed.
 */

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json-fields.h"
#include "image/image-store.h"
#include "image/image-transport.h"
#include "image/manifest.h"
#include "image/reference.h"

typedef struct ManifestListEntry {
    char *reference; /* complete, as it was given: "docker.io/library/x:1-arm64" */
    Descriptor descriptor;
} ManifestListEntry;

typedef struct ManifestList {
    char *name; /* complete, with a tag */
    JSON_ARRAY_OF(ManifestListEntry) entries;
} ManifestList;

void manifest_list_done(ManifestList *list);
#define _cleanup_manifest_list_ _cleanup_(manifest_list_done)

/* The complete name that the user means by @text: without a tag "latest". The caller frees it.
 * Errors: INVALID. */
int manifest_list_name(const char *text, char **ret, Error *err);

/* @name is complete. Errors: NOT_FOUND. */
int manifest_list_read(ImageStore *store, const char *name, ManifestList *ret, Error *err);
int manifest_list_write(ImageStore *store, const ManifestList *list, Error *err);
int manifest_list_remove(ImageStore *store, const char *name, Error *err);

/* The entry of the image @reference (complete); NULL: none. */
ManifestListEntry *manifest_list_find(ManifestList *list, const char *reference);

/* The index that the list stands for: an OCI index, or Docker's where all images are Docker's. */
void manifest_list_document(const ManifestList *list, RegistryDocument *ret);

/* Ask the registry for the image @text, and add or replace its entry. Errors: those of the
 * registry, INVALID (it is an index itself). (manifest-list-registry.c) */
int manifest_list_add(ManifestList *list, const ImageTransports *transports, const char *text,
                      Error *err);

/* Bring all images to the repository that the list is named after, then the index. */
int manifest_list_push(const ManifestList *list, const ImageTransports *transports, Digest *ret,
                       Error *err);
