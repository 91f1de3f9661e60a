/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A file that a command writes: it appears under its name once it is whole, and replaces what was
 * there. A command that fails or is killed leaves what was there. */

#include "base/error.h"

typedef struct OutputFile {
    const char *path; /* NULL: standard output */
    int fd;
    int directory_fd; /* -EBADF: it is written in place, being no regular file */
    const char *name; /* in that directory */
    char *temporary;  /* its name until it is whole; NULL: it has none */
} OutputFile;

/* Open @path, or standard output for NULL, which must not be a terminal. Errors: INVALID, SYSTEM.
 */
int output_file_open(const char *path, OutputFile *ret, Error *err);

/* All is written. */
int output_file_finish(OutputFile *file, Error *err);

void output_file_done(OutputFile *file);
#define _cleanup_output_file_ _cleanup_(output_file_done)
