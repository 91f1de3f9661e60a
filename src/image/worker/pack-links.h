/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Files with more names than one, and the name under which each is in the archive already. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

typedef struct PackLink {
    dev_t device;
    ino_t inode;
    char *path; /* NULL: the place is free */
} PackLink;

/* A hash table with open addressing. */
typedef struct PackLinks {
    PackLink *items;
    size_t count;
    size_t capacity; /* a power of two, at least twice the count; or 0 */
} PackLinks;

void pack_links_done(PackLinks *links);
#define _cleanup_pack_links_ _cleanup_(pack_links_done)

/* NULL: it is not there. */
const char *pack_links_find(const PackLinks *links, const struct stat *status);
void pack_links_add(PackLinks *links, const struct stat *status, const char *path);
