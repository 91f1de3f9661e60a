/* SPDX-License-Identifier: Apache-2.0 */

/* Few ranges: each is looked at. */

#include "base/id-map.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fd.h"
#include "base/memory.h"

void id_map_done(IdMap *map)
{
    free(map->uids.items);
    free(map->gids.items);
    *map = (IdMap) {};
}

void id_map_add(IdMap *map, uint32_t container_id, uint32_t host_id, uint32_t size)
{
    const IdMapping mapping = { container_id, host_id, size };

    if (size == 0)
        return;
    *JSON_ARRAY_ADD(&map->uids) = mapping;
    *JSON_ARRAY_ADD(&map->gids) = mapping;
}

void id_ranges_add_part(IdRanges *ranges, const IdMapping *range, uint64_t from, uint64_t end)
{
    uint64_t first = range->container_id, last = first + range->size;

    if (from < first)
        from = first;
    if (end > last)
        end = last;
    if (from < end)
        *JSON_ARRAY_ADD(ranges) =
            (IdMapping) { (uint32_t)from, range->host_id + (uint32_t)(from - first),
                          (uint32_t)(end - from) };
}

void id_map_copy(IdMap *map, const IdMap *from)
{
    for (size_t i = 0; i < from->uids.count; i++)
        *JSON_ARRAY_ADD(&map->uids) = from->uids.items[i];
    for (size_t i = 0; i < from->gids.count; i++)
        *JSON_ARRAY_ADD(&map->gids) = from->gids.items[i];
}

bool id_map_is_identity(const IdMap *map)
{
    return !map || (map->uids.count == 0 && map->gids.count == 0);
}

static uint32_t read_own_size(void)
{
    _cleanup_close_ int fd = open("/proc/self/gid_map", O_RDONLY | O_CLOEXEC);
    unsigned inside, outside, size;
    char text[64] = "";

    if (fd < 0 || fd_read_full(fd, text, sizeof(text) - 1) <= 0 ||
        sscanf(text, "%u %u %u", &inside, &outside, &size) != 3)
        return UINT32_MAX;
    return inside == 0 ? size : 1;
}

uint32_t id_map_own_size(void)
{
    static uint32_t own_size; /* nobody moves to another namespace and asks again */

    if (own_size == 0)
        own_size = read_own_size();
    return own_size;
}

bool id_map_is_initial(void)
{
    return id_map_own_size() == UINT32_MAX;
}

static bool translate(uint32_t id, uint32_t from, uint32_t to, uint32_t size, uint32_t *ret)
{
    if (id < from || id - from >= size)
        return false;
    *ret = to + (id - from);
    return true;
}

bool id_ranges_to_host(const IdRanges *ranges, uint32_t id, uint32_t *ret)
{
    for (size_t i = 0; i < ranges->count; i++) {
        const IdMapping *mapping = &ranges->items[i];

        if (translate(id, mapping->container_id, mapping->host_id, mapping->size, ret))
            return true;
    }
    *ret = id;
    return ranges->count == 0;
}

bool id_ranges_to_container(const IdRanges *ranges, uint32_t id, uint32_t *ret)
{
    for (size_t i = 0; i < ranges->count; i++) {
        const IdMapping *mapping = &ranges->items[i];

        if (translate(id, mapping->host_id, mapping->container_id, mapping->size, ret))
            return true;
    }
    *ret = id;
    return ranges->count == 0;
}
