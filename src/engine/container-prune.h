/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Removing all containers that are not used: those that were created or have ended. */

#include "base/error.h"
#include "base/json-fields.h"
#include "base/string-list.h"
#include "engine/container.h"

/* Which of them; what is not set holds for all. */
typedef struct ContainerPruneFilter {
    OptionalInt64 until;       /* only those made before this time, nanoseconds since 1970 */
    StringList labels;         /* "key" or "key=value", all of which they have */
    StringList without_labels; /* likewise, none of which they have */
} ContainerPruneFilter;

void container_prune_filter_done(ContainerPruneFilter *filter);
#define _cleanup_container_prune_filter_ _cleanup_(container_prune_filter_done)

/* Add the text of one --filter: "until=10m", "label=a=b", "label!=a". Errors: INVALID. */
int container_prune_filter_add(ContainerPruneFilter *filter, const char *text, Error *err);

/* Does it hold for a container or an image made at @created_at with these labels? */
bool container_prune_filter_matches(const ContainerPruneFilter *filter, int64_t created_at,
                                    const StringMap *labels);

/*
 * Remove them. Their ids are added to @removed, and the bytes that they occupied to *reclaimed. One
 * that cannot be removed, as another command has it, stays. Errors: those of container_list().
 */
int container_prune(Engine *engine, const ContainerPruneFilter *filter, StringList *removed,
                    int64_t *reclaimed, Error *err);
