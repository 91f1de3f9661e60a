/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A copy in progress: image-copy.c decides what there is to copy, image-copy-blobs.c copies. */

#include "image/image-copy.h"

#define COPY_SHORT_ID 12

typedef enum CopyState {
    COPY_WAITING,
    COPY_MOUNTING,  /* the destination may take it from another repository */
    COPY_FETCHING,  /* comes into the partial blob */
    COPY_UPLOADING, /* goes to the destination */
    COPY_DONE,
} CopyState;

typedef struct CopyBlob {
    Descriptor descriptor;
    bool is_layer; /* people are told of it */
    char id[COPY_SHORT_ID + 1];
    CopyState state;
    int fd; /* the blob here: what is uploaded */
    ContentPartial *partial;
    bool is_not_mounted; /* that was tried */
    bool has_old_bytes;  /* what somebody else has left may be why it is damaged */
    RegistryTransfer *transfer;
} CopyBlob;

typedef struct CopyDocument {
    RegistryDocument document;
    bool is_top;
} CopyDocument;

typedef struct Copy {
    const ImageCopyOptions *options;
    JSON_ARRAY_OF(CopyDocument) documents; /* what a document leads to comes before it */
    JSON_ARRAY_OF(CopyBlob) blobs;
} Copy;

/* Bring all blobs to the destination, several at once. */
int copy_blobs(Copy *copy, Error *err);

void copy_blob_done(CopyBlob *blob);
