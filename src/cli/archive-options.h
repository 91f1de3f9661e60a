/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the commands that read archives share: the limits that keep an archive from being a bomb,
 * as options, and opening the archive.
 */

#include "base/options.h"
#include "engine/images.h"

/* Rows of an option table; @owner has a member `ImageLimits limits`. Sorted before "message". */
#define ARCHIVE_LIMIT_OPTIONS(owner)                                                               \
    { "max-bytes", .type = OPTION_SIZE, .argument = "bytes",                                       \
      .offset = offsetof(owner, limits.max_bytes),                                                 \
      .help = "Refuse what unpacks to more than this" },                                           \
        { "max-entries", .type = OPTION_INT64, .argument = "int",                                  \
          .offset = offsetof(owner, limits.max_entries),                                           \
          .help = "Refuse archives with more members than this" },                                 \
    {                                                                                              \
        "max-ratio", .type = OPTION_INT64, .argument = "int",                                      \
                     .offset = offsetof(owner, limits.max_ratio),                                  \
                     .help = "Refuse what unpacks to more than this many times its size"           \
    }

/* Errors: INVALID (a limit that is not positive). */
int archive_limits_check(const ImageLimits *limits, Error *err);

/*
 * Open the archive @path, or standard input for NULL or "-", which must not be a terminal then.
 * *ret_fd is the caller's to close. Errors: INVALID, NOT_FOUND, DENIED, SYSTEM.
 */
int archive_open(const char *path, int *ret_fd, Error *err);
