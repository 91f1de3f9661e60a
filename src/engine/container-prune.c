/* SPDX-License-Identifier: Apache-2.0 */

/* One by one, each under its own lock: what is started meanwhile is not removed. */

#include "engine/container-prune.h"

#include <string.h>

#include "base/memory.h"
#include "base/time-format.h"
#include "base/time-parse.h"
#include "engine/container-private.h"

void container_prune_filter_done(ContainerPruneFilter *filter)
{
    string_list_done(&filter->labels);
    string_list_done(&filter->without_labels);
}

int container_prune_filter_add(ContainerPruneFilter *filter, const char *text, Error *err)
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

bool container_prune_filter_matches(const ContainerPruneFilter *filter, int64_t created_at,
                                    const StringMap *labels)
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

static bool is_wanted(const ContainerPruneFilter *filter, const Container *container)
{
    return (container->state == CONTAINER_CREATED || container->state == CONTAINER_EXITED) &&
           container_prune_filter_matches(filter, container->created_at, &container->spec.labels);
}

int container_prune(Engine *engine, const ContainerPruneFilter *filter, StringList *removed,
                    int64_t *reclaimed, Error *err)
{
    _cleanup_container_list_ ContainerList list = {};
    int r = container_list_live(engine, 0, &list, err);

    for (size_t i = 0; i < list.count && r >= 0; i++) {
        const Container *container = list.items[i];
        int64_t own = 0, all;

        if (!is_wanted(filter, container))
            continue;
        (void)container_measure(engine, container, &own, &all, NULL); /* only told */
        if (container_remove(engine, container->id, false, NULL) < 0)
            continue;
        string_list_add(removed, container->id);
        *reclaimed += own;
    }
    return r;
}
