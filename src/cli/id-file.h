/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The file that --cidfile names: made before there is a container, removed when there will be none.
 */

#include <stdbool.h>

#include "base/cleanup.h"
#include "base/error.h"

typedef struct IdFile {
    const char *path; /* NULL: none was asked for */
    int fd;
    bool is_kept;
} IdFile;

/* Removes the file unless the id was written. */
void id_file_done(IdFile *file);
#define _cleanup_id_file_ _cleanup_(id_file_done)

/* Without a @path nothing is done, now and later. Errors: CONFLICT (it exists), SYSTEM. */
int id_file_open(IdFile *file, const char *path, Error *err);

int id_file_write(IdFile *file, const char *id, Error *err);
