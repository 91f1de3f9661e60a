/* SPDX-License-Identifier: Apache-2.0 */

/* All that rows say of one container's networks, read at once, and what follows from it. */

#include <string.h>

#include "base/memory.h"
#include "engine/container-network-private.h"

static void add_network(NetworkList *list, Network *network)
{
    list->items = memory_grow(list->items, &list->capacity, list->count + 1, sizeof(Network *));
    list->items[list->count++] = network;
}

int network_view_load(Engine *engine, const Container *container, NetworkView *ret, Error *err)
{
    _cleanup_network_view_ NetworkView view = { .engine = engine, .container = container };
    int r = endpoint_list_of_container(engine, container->id, &view.endpoints, err);

    for (size_t i = 0; i < view.endpoints.count && r >= 0; i++) {
        Network *network;

        r = network_find(engine, view.endpoints.items[i].network, &network, err);
        if (r < 0)
            break;
        add_network(&view.networks, network);
    }
    if (r >= 0)
        r = published_ports_list(engine, container->id, &view.ports, err);
    if (r < 0)
        return r;
    *ret = view;
    view = (NetworkView) {};
    return 0;
}

int network_view_prepare(NetworkView *view, Error *err)
{
    int r = 0;

    for (size_t i = 0; i < view->networks.count && r >= 0; i++)
        r = network_prepare(view->engine, view->networks.items[i], err);
    return r;
}

void network_view_done(NetworkView *view)
{
    endpoint_list_done(&view->endpoints);
    network_list_done(&view->networks);
    published_port_list_done(&view->ports);
}

/* May the container leave by it? */
static bool leads_out(const NetworkView *view, size_t index, IpFamily family)
{
    const NetworkSpec *spec = &view->networks.items[index]->spec;
    NetworkPrefixes prefixes;

    return !spec->is_internal && network_spec_prefixes(spec, family, &prefixes) &&
           ip_address_is_set(&prefixes.gateway);
}

/* As Docker decides: by priority, then by the network's name. */
static bool precedes(const NetworkView *view, size_t a, size_t b)
{
    int64_t left = view->endpoints.items[a].request.gateway_priority;
    int64_t right = view->endpoints.items[b].request.gateway_priority;

    if (left != right)
        return left > right;
    return strcmp(view->networks.items[a]->spec.name, view->networks.items[b]->spec.name) < 0;
}

size_t network_view_gateway(const NetworkView *view, IpFamily family)
{
    size_t best = NO_ENDPOINT;

    for (size_t i = 0; i < view->endpoints.count; i++)
        if (leads_out(view, i, family) && (best == NO_ENDPOINT || precedes(view, i, best)))
            best = i;
    return best;
}

size_t network_view_find(const NetworkView *view, const char *network)
{
    for (size_t i = 0; i < view->endpoints.count; i++)
        if (strcmp(view->endpoints.items[i].network, network) == 0)
            return i;
    return NO_ENDPOINT;
}

void network_view_drop(NetworkView *view, size_t index)
{
    EndpointList *endpoints = &view->endpoints;
    NetworkList *networks = &view->networks;

    endpoint_done(&endpoints->items[index]);
    network_free(networks->items[index]);
    endpoints->count--;
    networks->count--;
    memmove(&endpoints->items[index], &endpoints->items[index + 1],
            (endpoints->count - index) * sizeof(endpoints->items[0]));
    memmove(&networks->items[index], &networks->items[index + 1],
            (networks->count - index) * sizeof(networks->items[0]));
}

static bool endpoint_is_leased(const Endpoint *endpoint)
{
    return endpoint->interface != NULL;
}

bool network_view_is_leased(const NetworkView *view)
{
    for (size_t i = 0; i < view->endpoints.count; i++)
        if (endpoint_is_leased(&view->endpoints.items[i]))
            return true;
    return false;
}

int network_view_attachment(const NetworkView *view, size_t index, NetworkAttachment *ret,
                            Error *err)
{
    const Endpoint *endpoint = &view->endpoints.items[index];
    const NetworkSpec *spec = &view->networks.items[index]->spec;
    NetworkAttachment attachment = {
        .network = spec,
        .interface = endpoint->interface,
        .link_local = &endpoint->request.link_local,
        .sysctls = &endpoint->request.sysctls,
        .rates = { .ingress = (uint64_t)endpoint->request.ingress_rate,
                   .egress = (uint64_t)endpoint->request.egress_rate },
    };

    if (!endpoint_is_leased(endpoint))
        return error_set(err, ERROR_CONFLICT, "container '%s' has no address in network '%s'",
                         view->container->name, spec->name);
    memcpy(attachment.mac, endpoint->mac, sizeof(attachment.mac));
    for (IpFamily family = 0; family < _IP_FAMILY_MAX; family++) {
        NetworkPrefixes prefixes;

        if (!ip_address_is_set(&endpoint->addresses[family]) ||
            !network_spec_prefixes(spec, family, &prefixes))
            continue;
        attachment.addresses[family] =
            (IpPrefix) { .address = endpoint->addresses[family], .length = prefixes.subnet.length };
        if (network_view_gateway(view, family) == index)
            attachment.gateways[family] = prefixes.gateway;
    }
    *ret = attachment;
    return 0;
}

bool network_has_names(const Network *network)
{
    return strcmp(network->spec.name, NETWORK_BRIDGE) != 0;
}
