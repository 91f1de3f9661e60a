/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Removing all volumes that no container uses. */

#include "engine/prune.h"
#include "engine/volume.h"

/*
 * Remove the anonymous ones, or with @all every one whose files the local driver has in the state
 * directory: what options say lies elsewhere is not ours to drop. Their names are added to
 * @removed, and the bytes that they occupied to *reclaimed. Errors: those of volume_list().
 */
int volume_prune(Engine *engine, const PruneFilter *filter, bool all, StringList *removed,
                 int64_t *reclaimed, Error *err);
