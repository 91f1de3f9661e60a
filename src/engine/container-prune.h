/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Removing all containers that are not used: those that were created or have ended. */

#include "engine/container.h"
#include "engine/prune.h"

/*
 * Remove them. Their ids are added to @removed, and the bytes that they occupied to *reclaimed. One
 * that cannot be removed, as another command has it, stays. Errors: those of container_list().
 */
int container_prune(Engine *engine, const PruneFilter *filter, StringList *removed,
                    int64_t *reclaimed, Error *err);
