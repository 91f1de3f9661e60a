/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Ids of a user namespace and what they are outside of it. Files in the store carry the ids inside,
 * as images have them; who looks through a container's mounts from the host sees those outside.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/json-fields.h"

typedef struct IdMapping {
    uint32_t container_id;
    uint32_t host_id;
    uint32_t size;
} IdMapping;

/* Ranges that do not overlap, on either side. Without any, ids are the same on both sides. */
typedef JSON_ARRAY_OF(IdMapping) IdRanges;

/* A user namespace's two maps. */
typedef struct IdMap {
    IdRanges uids;
    IdRanges gids;
} IdMap;

void id_map_done(IdMap *map);
#define _cleanup_id_map_ _cleanup_(id_map_done)

/* Add a range to both maps. One of size 0 is left out. */
void id_map_add(IdMap *map, uint32_t container_id, uint32_t host_id, uint32_t size);

/* Add of @range what begins with @from (inside) and ends before @end. */
void id_ranges_add_part(IdRanges *ranges, const IdMapping *range, uint64_t from, uint64_t end);

/* Add all of @from. */
void id_map_copy(IdMap *map, const IdMap *from);

/* Are ids the same on both sides? @map may be NULL, which means it. */
bool id_map_is_identity(const IdMap *map);

/* How many ids from 0 on there are in this process's own user namespace: all of them, UINT32_MAX,
 * outside of any. In doubt it is there. */
uint32_t id_map_own_size(void);

/* Is this process in no user namespace but the host's? */
bool id_map_is_initial(void);

/* True, and *ret is the id on the other side, if it has one. */
bool id_ranges_to_host(const IdRanges *ranges, uint32_t id, uint32_t *ret);
bool id_ranges_to_container(const IdRanges *ranges, uint32_t id, uint32_t *ret);
