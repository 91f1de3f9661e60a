/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Blobs from file to file. What is written is what was hashed: nobody can change it in between. */

#include "base/error.h"
#include "image/manifest.h"

/* Hash all of @fd. Errors: CORRUPT (another digest or size). */
int blob_check(const Descriptor *blob, int fd, Error *err);

/* Copy all of @fd into the new file @name in @directory_fd, which replaces what was there; it is
 * not synced, and removed on failure. Errors: CORRUPT, EXHAUSTED, SYSTEM. */
int blob_copy(const Descriptor *blob, int fd, int directory_fd, const char *name, Error *err);

/* The same as a hard link where that can be: for a file that nobody changes. */
int blob_link(const Descriptor *blob, int fd, int directory_fd, const char *name, Error *err);
