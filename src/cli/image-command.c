/* SPDX-License-Identifier: Apache-2.0 */

/* Shared by the image commands; knows nothing of any of them. */

#include "cli/image-command.h"

#include <string.h>

#include "base/memory.h"
#include "cli/open-engine.h"

#define SHORT_ID_LENGTH 12

char *image_short_id(const char *id, bool no_trunc)
{
    size_t prefix = strlen(DIGEST_PREFIX);

    if (no_trunc || strncmp(id, DIGEST_PREFIX, prefix) != 0)
        return memory_strdup(id);
    return memory_strndup(id + prefix, SHORT_ID_LENGTH);
}

int open_images(const Invocation *invocation, Engine **ret_engine, ImageStore **ret_images,
                Error *err)
{
    _cleanup_(engine_closep) Engine *engine = NULL;
    int r = open_engine(invocation, &engine, err);

    if (r >= 0)
        r = engine_images(engine, ret_images, err);
    if (r >= 0)
        *ret_engine = TAKE_PTR(engine);
    return r;
}
