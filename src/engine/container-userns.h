/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Whose ids a container has. By default it has a user namespace of its own, with a range of the
 * host's ids that no other container has: its root is nobody outside. What shares a namespace with
 * the host, or has rights that only count there, has the host's ids.
 */

#include "engine/container.h"

/*
 * Decide on the user namespace of the container that is about to be made: its spec's userns_mode
 * gets the answer, and, with "keep-id", its user one where none was asked for. Errors: INVALID,
 * NOT_FOUND, CONFLICT (with another namespace that it shares).
 */
int container_userns_decide(Engine *engine, ContainerSpec *spec, Error *err);

/* A range of ids that a container's row holds. */
typedef struct IdRange {
    uint32_t first;
    uint32_t size; /* 0: none */
} IdRange;

/*
 * Give it the ids that were decided on: spec->ids, and *ret for its row. In the transaction that
 * inserts the row. Errors: EXHAUSTED (no range is left), NOT_FOUND.
 */
int container_userns_claim_ids(Engine *engine, ContainerSpec *spec, IdRange *ret, Error *err);

#define NEEDED_IDS_MAX 64

/* Ids of @size and more that a container needs, which are few. */
typedef struct NeededIds {
    uint32_t uids[NEEDED_IDS_MAX];
    uint32_t gids[NEEDED_IDS_MAX];
    size_t n_uids;
    size_t n_gids;
} NeededIds;

/* Those of its user and groups, as numbers, and of whom its binds belong to.
 * (container-needed-ids.c) */
void container_find_needed_ids(const ContainerSpec *spec, uint32_t size, NeededIds *ret);

/* Has it a user namespace that is not the host's? */
bool container_has_own_ids(const Container *container);
