/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * An archive that the worker took apart, as its two formats read it. Members are found by comparing
 * names; what is opened are the worker's own numbered files.
 */

#include "image/image-load.h"
#include "image/image-store-private.h"
#include "image/platform.h"

typedef struct ImageArchive {
    ImageStore *store;
    ContentStaging *members; /* the numbered files */
    ContentStaging *work;    /* blobs in the making */
    IngestResult contents;
    Platform platform;      /* wanted */
    bool platform_is_asked; /* by the user; else it is the host's */
    const ImageLimits *limits;
    size_t
        json_bytes; /* parsed so far: what a few documents refer to again and again is work too */
    StringList *loaded;
} ImageArchive;

/* Let the worker take the archive @input_fd apart, while holding CONTENT_LOCK_ADD. */
int image_archive_take_apart(ImageArchive *archive, int input_fd, Error *err);
void image_archive_done(ImageArchive *archive);
#define _cleanup_image_archive_ _cleanup_(image_archive_done)

/* The member @path, through links inside the archive; NULL when there is none. */
const IngestEntry *image_archive_find(const ImageArchive *archive, const char *path);

/* Open a member for reading. Errors: SYSTEM. */
int image_archive_open(const ImageArchive *archive, const IngestEntry *entry, int *ret_fd,
                       Error *err);

/* Text of the archive, as it is: its digest counts. */
typedef struct ImageDocument {
    char *text;
    size_t size;
} ImageDocument;

void image_document_done(ImageDocument *document);
#define _cleanup_image_document_ _cleanup_(image_document_done)

/*
 * Read the document @path whole. Errors: CORRUPT (missing), INVALID (too long), EXHAUSTED (too much
 * in all).
 */
int image_archive_read(ImageArchive *archive, const char *path, ImageDocument *ret, Error *err);

/* Refuse an image that cannot be used here, or is not the one that was asked for. */
int image_archive_check_platform(const ImageArchive *archive, const ImageConfig *config,
                                 Error *err);

/* Note what was loaded, for the user. */
void image_archive_note(ImageArchive *archive, const Digest *id, const Reference *references,
                        size_t n_references);

/* Begin with the layer number @index of @image; diff id, parent and limits are in @source. */
typedef int (*ImageLayerBegin)(ImageArchive *archive, const void *image, size_t index,
                               LayerSource *source, LayerAddition **ret, Error *err);

/* All layers of @config's image, as many of them at a time as there are cores for. */
int image_archive_load_layers(ImageArchive *archive, const ImageConfig *config,
                              ImageLayerBegin begin, const void *image, ImageLayers *ret,
                              Error *err);

int image_load_docker(ImageArchive *archive, Error *err);
int image_load_oci(ImageArchive *archive, Error *err);

/* Load the image @id with the manifest that the archive's layout has for it. Returns 1, or 0 when
 * it has none. */
int image_load_original(ImageArchive *archive, const Digest *id, const Reference *references,
                        size_t n_references, Error *err);
