/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the parts of packing share: the walk, files' content and their attributes. */

#include <stddef.h>

#include "base/string-buffer.h"
#include "image/worker-client.h"
#include "image/worker/pack-links.h"
#include "image/worker/pack-sink.h"
#include "image/worker/tar-writer.h"

/* One directory on the way from the top to where we are. */
typedef struct PackLevel {
    int fd;
    char **names; /* sorted */
    size_t count;
    size_t next;
    size_t path_length; /* of the path that its entries' names are appended to */
} PackLevel;

typedef struct Pack {
    const PackOptions *options;
    PackSink *sink;
    PackLinks links;
    PackLevel *levels; /* the top first */
    size_t depth;
    size_t capacity;
    StringBuffer path; /* of the current entry, as the archive has it */
    StringBuffer records;
    PackResult *result;
} Pack;

/* A file: by handle where it could be opened without side effects, else by its name. */
typedef struct PackFile {
    int fd; /* -EBADF: by name */
    int directory_fd;
    const char *name;
} PackFile;

/*
 * The records for the attributes of a file, into pack->records. Returns 0 or -errno; -EINVAL for
 * one that cannot be told. (pack-attributes.c)
 */
int pack_read_attributes(Pack *pack, const PackFile *file);

/* Does it hide what lower layers have, as overlayfs marks it? */
bool pack_is_opaque(int fd);

/* Write the member @member, whose content is that of the open file @fd. (pack-content.c) */
int pack_write_file(Pack *pack, TarMember *member, int fd, const struct stat *status, Error *err);

/* Tell whoever asked of something that is not in the archive as it is in the tree. */
void pack_warn(Pack *pack, const char *what);
