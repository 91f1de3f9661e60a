/* SPDX-License-Identifier: Apache-2.0 */

/* One by one: what a container refers to meanwhile is not removed. */

#include "engine/volume-prune.h"

#include <string.h>

#include "engine/volume-options.h"

static bool is_wanted(const PruneFilter *filter, const Volume *volume, bool all)
{
    return volume->n_users == 0 && (all || volume->is_anonymous) &&
           strcmp(volume->driver, VOLUME_DRIVER_LOCAL) == 0 &&
           !volume_options_mount(&volume->options) &&
           prune_filter_matches(filter, volume->created_at, &volume->labels);
}

int volume_prune(Engine *engine, const PruneFilter *filter, bool all, StringList *removed,
                 int64_t *reclaimed, Error *err)
{
    _cleanup_volume_list_ VolumeList list = {};
    int64_t before = *reclaimed;
    int r = volume_list(engine, &list, err);

    if (r < 0)
        return r;
    for (size_t i = 0; i < list.count; i++) {
        const Volume *volume = list.items[i];
        int64_t size;

        if (!is_wanted(filter, volume, all))
            continue;
        size = volume_measure(engine, volume);
        if (volume_remove(engine, volume->name, false, NULL) < 0)
            continue;
        string_list_add(removed, volume->name);
        *reclaimed += size > 0 ? size : 0;
    }
    prune_tell(engine, "volume", *reclaimed - before);
    return 0;
}
