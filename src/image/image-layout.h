/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What all who read and write OCI layouts have to know of them (OCI image specification,
 * image-layout.md). */

#include <stddef.h>

#include "base/error.h"

/* The file that says that a directory is a layout. */
#define LAYOUT_FILE "oci-layout"
#define LAYOUT_TEXT "{\"imageLayoutVersion\":\"1.0.0\"}"

/* Is @text, the LAYOUT_FILE of the @kind ("archive"), that of a layout as we know it? Errors:
 * INVALID, UNSUPPORTED (another version). */
int layout_check(const char *text, size_t size, const char *kind, Error *err);

/* "blobs/sha256/<hex>", of a digest that was checked; the caller frees it. */
char *layout_blob_path(const char *digest);
