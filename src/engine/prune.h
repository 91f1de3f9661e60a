/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What all prunings have in common: which things they are about, and what they tell. */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/json-fields.h"
#include "base/string-list.h"
#include "engine/engine.h"

/* Which of them; what is not set holds for all. */
typedef struct PruneFilter {
    OptionalInt64 until;       /* only those made before this time, nanoseconds since 1970 */
    StringList labels;         /* "key" or "key=value", all of which they have */
    StringList without_labels; /* likewise, none of which they have */
} PruneFilter;

void prune_filter_done(PruneFilter *filter);
#define _cleanup_prune_filter_ _cleanup_(prune_filter_done)

/* Add the text of one --filter: "until=10m", "label=a=b", "label!=a". Errors: INVALID. */
int prune_filter_add(PruneFilter *filter, const char *text, Error *err);

/* Does it hold for what was made at @created_at and has these labels? */
bool prune_filter_matches(const PruneFilter *filter, int64_t created_at, const StringMap *labels);

/* Tell the event log that things of @type were pruned, which occupied so many bytes. */
void prune_tell(Engine *engine, const char *type, int64_t reclaimed);
