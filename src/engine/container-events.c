/* SPDX-License-Identifier: Apache-2.0 */

/* What the engine does with containers, told to the event log with Docker's attributes. */

#include "base/memory.h"
#include "engine/container-private.h"
#include "supervisor/event-log.h"

void container_tell(Engine *engine, const Container *container, const char *action,
                    const StringMap *attributes)
{
    _cleanup_event_ Event event = {
        .type = memory_strdup("container"),
        .action = memory_strdup(action),
        .actor = memory_strdup(container->id),
    };

    string_map_copy(&event.attributes, &container->spec.labels);
    string_map_set(&event.attributes, "image", container->spec.image);
    string_map_set(&event.attributes, "name", container->name);
    for (size_t i = 0; attributes && i < attributes->count; i++)
        string_map_set(&event.attributes, attributes->items[i].key, attributes->items[i].value);
    (void)event_log_append(engine->events_fd, &event); /* what it tells of has happened */
}
