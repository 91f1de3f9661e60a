/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The named files that an image outside of the store is made of: members of an archive, which the
 * worker takes apart, or files below a directory. No name among them ever leads elsewhere, and only
 * regular files are opened. What they hold is unverified.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "image/image-store.h"
#include "image/worker-client.h"
#include "registry/registry-client.h"

typedef struct ImageFiles ImageFiles;

/* The archive in the file @path, which may be a pipe. @limits NULL: the default.
 * Errors: as image_worker_ingest(). */
int image_files_open_archive(ImageStore *store, const char *path, const ImageLimits *limits,
                             ImageFiles **ret, Error *err);

/* The directory @path. Errors: NOT_FOUND, SYSTEM. */
int image_files_open_directory(const char *path, ImageFiles **ret, Error *err);

void image_files_free(ImageFiles *files);
DEFINE_CLEANUP(ImageFiles *, image_files_free);

/* What they are, for messages: "archive" or "directory". */
const char *image_files_kind(const ImageFiles *files);

bool image_files_have(const ImageFiles *files, const char *path);

/* Open the file @path (relative, "blobs/sha256/..") for reading. @ret_size may be NULL.
 * Errors: CORRUPT (missing), INVALID (no regular file), SYSTEM. */
int image_files_open(const ImageFiles *files, const char *path, int *ret_fd, int64_t *ret_size,
                     Error *err);

/* Read a document whole. Errors: the same, INVALID (too long), EXHAUSTED (too much in all). */
int image_files_read(ImageFiles *files, const char *path, RegistryDocument *ret, Error *err);

/* Hash the file @path. Errors: as image_files_open(). */
int image_files_digest(const ImageFiles *files, const char *path, Digest *ret, int64_t *ret_size,
                       Error *err);
