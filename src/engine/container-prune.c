/* SPDX-License-Identifier: Apache-2.0 */

/* One by one, each under its own lock: what is started meanwhile is not removed. */

#include "engine/container-prune.h"

#include "engine/container-private.h"

static bool is_wanted(const PruneFilter *filter, const Container *container)
{
    return (container->state == CONTAINER_CREATED || container->state == CONTAINER_EXITED) &&
           prune_filter_matches(filter, container->created_at, &container->spec.labels);
}

int container_prune(Engine *engine, const PruneFilter *filter, StringList *removed,
                    int64_t *reclaimed, Error *err)
{
    _cleanup_container_list_ ContainerList list = {};
    int64_t before = *reclaimed;
    int r = container_list_live(engine, 0, &list, err);

    for (size_t i = 0; i < list.count && r >= 0; i++) {
        const Container *container = list.items[i];
        int64_t own = 0, all;

        if (!is_wanted(filter, container))
            continue;
        (void)container_measure(engine, container, &own, &all, NULL); /* only told */
        if (container_remove(engine, container->id, 0, NULL) < 0)
            continue;
        string_list_add(removed, container->id);
        *reclaimed += own;
    }
    if (r >= 0)
        prune_tell(engine, "container", *reclaimed - before);
    return r;
}
