/* SPDX-License-Identifier: Apache-2.0 */

/* What is done with images, told to the event log as Docker's daemon tells it. */

#include <string.h>

#include "base/memory.h"
#include "engine/engine-private.h"
#include "engine/images.h"
#include "supervisor/event-log.h"

void engine_tell_image(Engine *engine, const char *action, const char *id, const char *name)
{
    _cleanup_event_ Event event = {
        .type = memory_strdup("image"),
        .action = memory_strdup(action),
        .actor = memory_strdup(id),
    };

    string_map_set(&event.attributes, "name", name ? name : id);
    (void)event_log_append(engine->events_fd, &event); /* what it tells of has happened */
}

void engine_tell_image_removal(Engine *engine, const char *id, const ImageRemovals *removals)
{
    for (size_t i = 0; i < removals->removals.count; i++) {
        const ImageRemoval *removal = &removals->removals.items[i];

        /* Layers are deleted too, and are no images. */
        if (removal->untagged)
            engine_tell_image(engine, "untag", id, removal->untagged);
        else if (strcmp(removal->deleted, id) == 0)
            engine_tell_image(engine, "delete", id, NULL);
    }
}
