/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files of the content store share. */

#include <fcntl.h>

#include "image/content-store.h"

#define CONTENT_BLOBS "blobs/sha256"
#define CONTENT_PARTIAL "partial"

#define CONTENT_DIRECTORY_FLAGS (O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)

struct ContentStore {
    int fd; /* content/ */
};

/* Remove the partial blobs that nobody holds and nobody has written to since @before (seconds since
 * 1970). 0 or -errno. (content-partial.c) */
int content_partial_sweep(ContentStore *store, int64_t before);
