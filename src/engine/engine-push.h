/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Images to registries, by the names that people use. */

#include <stdbool.h>

#include "base/error.h"
#include "engine/engine.h"
#include "image/transfer-progress.h"

typedef struct EnginePush {
    const char *name;     /* with the repository that it goes to; without a tag: "latest" */
    bool all_tags;        /* all that are here; the name has no tag then */
    const char *platform; /* refuse an image for another one; NULL: any */
    TransferProgressFunction progress; /* NULL: nobody wants to know */
    void *progress_data;
} EnginePush;

/*
 * Push. *ret_name is the complete name; the caller frees it. Errors: NOT_FOUND (nothing of the name
 * is here), INVALID (a digest; a tag with all_tags), DENIED, and those of registry_resolve() and
 * registry-client.h.
 */
int engine_push(Engine *engine, const EnginePush *push, char **ret_name, Error *err);
