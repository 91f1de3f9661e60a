/* SPDX-License-Identifier: Apache-2.0 */

/* Filters of prunings, and their events. */

#include "engine/prune.h"

#include <string.h>

#include "base/memory.h"
#include "base/time-format.h"
#include "base/time-parse.h"
#include "engine/engine-private.h"
#include "supervisor/event-log.h"

void prune_filter_done(PruneFilter *filter)
{
    string_list_done(&filter->labels);
    string_list_done(&filter->without_labels);
}

int prune_filter_add(PruneFilter *filter, const char *text, Error *err)
{
    static const char until[] = "until=", label[] = "label=", no_label[] = "label!=";

    if (strncmp(text, label, strlen(label)) == 0) {
        string_list_add(&filter->labels, text + strlen(label));
    } else if (strncmp(text, no_label, strlen(no_label)) == 0) {
        string_list_add(&filter->without_labels, text + strlen(no_label));
    } else if (strncmp(text, until, strlen(until)) == 0) {
        if (time_parse_when(text + strlen(until), time_now(), &filter->until.value) < 0)
            return error_set(err, ERROR_INVALID,
                             "invalid filter '%s': write a duration such as '24h', or a date",
                             text);
        filter->until.is_set = true;
    } else {
        return error_set(err, ERROR_INVALID,
                         "invalid filter '%s': there are until=, label= and label!=", text);
    }
    return 0;
}

bool prune_filter_matches(const PruneFilter *filter, int64_t created_at, const StringMap *labels)
{
    if (filter->until.is_set && created_at >= filter->until.value)
        return false;
    for (size_t i = 0; i < filter->labels.count; i++)
        if (!string_map_matches(labels, filter->labels.items[i]))
            return false;
    for (size_t i = 0; i < filter->without_labels.count; i++)
        if (string_map_matches(labels, filter->without_labels.items[i]))
            return false;
    return true;
}

void prune_tell(Engine *engine, const char *type, int64_t reclaimed)
{
    _cleanup_free_ char *bytes = memory_printf("%lld", (long long)reclaimed);
    _cleanup_event_ Event event = {
        .type = memory_strdup(type),
        .action = memory_strdup("prune"),
        .actor = memory_strdup(""),
    };

    string_map_set(&event.attributes, "reclaimed", bytes);
    (void)event_log_append(engine->events_fd, &event); /* what it tells of has happened */
}
