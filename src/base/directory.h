/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Reading directories by handle. "." and ".." never show up. */

#include <dirent.h>

#include "base/cleanup.h"

static inline void directory_closep(DIR **directory)
{
    if (*directory)
        (void)closedir(*directory); /* it was only read */
}

#define _cleanup_directory_ _cleanup_(directory_closep)

/* Read the directory @fd from its beginning. Owns @fd from here on, also on failure. Returns 0 or
 * -errno; a negative @fd is such a failure itself and is returned. */
int directory_open(int fd, DIR **ret);

/*
 * Read the directory @name in @dir_fd, which may be "." for @dir_fd itself: with an offset of its
 * own, whoever else shares the handle. A symlink is refused. Returns 0 or -errno.
 */
int directory_open_at(int dir_fd, const char *name, DIR **ret);

/* The next entry, valid until the next call. Returns 1, 0 at the end, or -errno. */
int directory_read(DIR *directory, const struct dirent **ret);
