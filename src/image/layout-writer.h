/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * An OCI layout in the making, or one that gets more: blobs and documents come first, index.json
 * leads to them at the end. One writer has a layout at a time. Other members of an existing
 * index.json stay as they are.
 */

#include <stdbool.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "image/manifest.h"
#include "registry/registry-client.h"

typedef struct LayoutWriter LayoutWriter;

/* Take the directory @directory_fd, empty or a layout, as one's own, waiting for who has it.
 * @is_private: nobody else sees it, so nobody is waited for, and blobs become hard links. */
int layout_writer_open(int directory_fd, bool is_private, LayoutWriter **ret, Error *err);

/* What was put and not finished is removed. */
void layout_writer_free(LayoutWriter *writer);
DEFINE_CLEANUP(LayoutWriter *, layout_writer_free);

/* Is the blob there and intact? */
bool layout_writer_has_blob(const LayoutWriter *writer, const Descriptor *blob);

/* Take the blob in @file_fd, whose digest and size are checked. Errors: CORRUPT, EXHAUSTED. */
int layout_writer_put_blob(LayoutWriter *writer, const Descriptor *blob, int file_fd, Error *err);
int layout_writer_put_document(LayoutWriter *writer, const RegistryDocument *document, Error *err);

/* Further files of the directory, which are not of the layout. */
int layout_writer_put_file(LayoutWriter *writer, const char *name, const char *text, Error *err);

/* Let index.json lead to @document, which was put, instead of what has the same name
 * (ANNOTATION_REF_NAME among @annotations; none: instead of itself). */
void layout_writer_add_image(LayoutWriter *writer, const RegistryDocument *document,
                             const StringMap *annotations);

/* Make it all visible, on the disk. */
int layout_writer_finish(LayoutWriter *writer, bool is_durable, Error *err);
