/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The content of a member of an archive, written to a file with its holes. */

#include <stdint.h>

#include "base/error.h"
#include "image/worker/tar-reader.h"

/*
 * Write @size bytes from @reader to the empty file @fd; what the archive leaves out stays a hole.
 * Errors: CORRUPT (content beyond @size), EXHAUSTED (no space), SYSTEM.
 */
int content_write(TarReader *reader, int fd, int64_t size, Error *err);
