/* SPDX-License-Identifier: Apache-2.0 */

/* What a shim adds to the event log: always about its container, with what Docker says of one. */

#include "base/memory.h"
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

void shim_event_exec(const Shim *shim, const char *id, const StringList *arguments,
                     bool has_started)
{
    _cleanup_free_ char *command = string_list_join(arguments, " ");
    _cleanup_free_ char *action =
        memory_printf("%s: %s", has_started ? "exec_start" : "exec_create", command);
    _cleanup_string_map_ StringMap details = {};

    string_map_set(&details, "execID", id);
    shim_event(shim, action, &details);
}

void shim_event_exec_end(const Shim *shim, const char *id, int32_t code)
{
    _cleanup_free_ char *number = memory_printf("%d", code);
    _cleanup_string_map_ StringMap details = {};

    string_map_set(&details, "execID", id);
    string_map_set(&details, "exitCode", number);
    shim_event(shim, "exec_die", &details);
}
