/* SPDX-License-Identifier: Apache-2.0 */

/* What a shim adds to the event log: always about its container, with what Docker says of one. */

#include "supervisor/event-log.h"
#include "supervisor/shim-private.h"

void shim_event(const Shim *shim, const char *action, const StringMap *details)
{
    /* Only read: the texts stay whose they are. */
    Event event = {
        .type = (char *)"container",
        .action = (char *)action,
        .actor = (char *)shim->container,
    };
    _cleanup_string_map_ StringMap attributes = {};

    string_map_copy(&attributes, &shim->settings.labels);
    if (shim->settings.image)
        string_map_set(&attributes, "image", shim->settings.image);
    if (shim->settings.name)
        string_map_set(&attributes, "name", shim->settings.name);
    for (size_t i = 0; details && i < details->count; i++)
        string_map_set(&attributes, details->items[i].key, details->items[i].value);
    event.attributes = attributes;
    (void)event_log_append(SHIM_FD_EVENTS, &event); /* nothing is to fail for it */
}
