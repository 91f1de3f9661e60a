/* SPDX-License-Identifier: Apache-2.0 */

/* Found by device and inode: two files that share both are one. */

#include "image/worker/pack-links.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/memory.h"

#define FIRST_CAPACITY 64

void pack_links_done(PackLinks *links)
{
    for (size_t i = 0; i < links->capacity; i++)
        free(links->items[i].path);
    free(links->items);
    *links = (PackLinks) {};
}

/* The place of a file: its own, or the free one where it belongs. */
static PackLink *place_of(const PackLinks *links, dev_t device, ino_t inode)
{
    uint64_t hash = ((uint64_t)inode ^ (uint64_t)device << 32) * UINT64_C(0x9e3779b97f4a7c15);
    size_t i = (size_t)(hash >> 20) & (links->capacity - 1);

    while (links->items[i].path &&
           (links->items[i].inode != inode || links->items[i].device != device))
        i = (i + 1) & (links->capacity - 1);
    return &links->items[i];
}

const char *pack_links_find(const PackLinks *links, const struct stat *status)
{
    return links->count > 0 ? place_of(links, status->st_dev, status->st_ino)->path : NULL;
}

static void grow(PackLinks *links)
{
    PackLinks larger = { .count = links->count,
                         .capacity = links->capacity ? 2 * links->capacity : FIRST_CAPACITY };

    larger.items = NEW_ARRAY(PackLink, larger.capacity);
    for (size_t i = 0; i < links->capacity; i++)
        if (links->items[i].path)
            *place_of(&larger, links->items[i].device, links->items[i].inode) = links->items[i];
    free(links->items);
    *links = larger;
}

void pack_links_add(PackLinks *links, const struct stat *status, const char *path)
{
    PackLink *place;

    if (2 * (links->count + 1) > links->capacity)
        grow(links);
    place = place_of(links, status->st_dev, status->st_ino);
    if (place->path)
        return;
    *place = (PackLink) { status->st_dev, status->st_ino, memory_strdup(path) };
    links->count++;
}
