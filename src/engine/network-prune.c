/* SPDX-License-Identifier: Apache-2.0 */

/* One by one: what a container joins meanwhile is not removed. */

#include "engine/network-prune.h"

int network_prune(Engine *engine, const PruneFilter *filter, StringList *removed, Error *err)
{
    _cleanup_network_list_ NetworkList list = {};
    int r = network_list(engine, &list, err);

    if (r < 0)
        return r;
    for (size_t i = 0; i < list.count; i++) {
        const Network *network = list.items[i];

        if (network->is_predefined || network->n_endpoints > 0 ||
            !prune_filter_matches(filter, network->created_at, &network->spec.labels) ||
            network_remove(engine, network->spec.id, NULL) < 0)
            continue;
        string_list_add(removed, network->spec.name);
    }
    prune_tell(engine, "network", 0);
    return 0;
}
