/* SPDX-License-Identifier: Apache-2.0 */

/* What a container has of its own in its networks while it lives: addresses and ports of the host,
 * as rows that nobody else can have at the same time. */

#include <string.h>

#include "base/log.h"
#include "engine/container-network-private.h"

static int lease_addresses(NetworkView *view, Error *err)
{
    for (size_t i = 0; i < view->endpoints.count; i++) {
        Endpoint *endpoint = &view->endpoints.items[i];
        int r;

        if (endpoint->interface)
            continue;
        r = endpoint_lease(view->engine, view->networks.items[i], endpoint, err);
        if (r < 0)
            return r;
    }
    return 0;
}

/* Ports lead to the network that has the default route, and only where the host takes part in it.
 */
static bool can_publish(const NetworkView *view, IpFamily family)
{
    size_t gateway = network_view_gateway(view, family);

    if (gateway == NO_ENDPOINT ||
        !ip_address_is_set(&view->endpoints.items[gateway].addresses[family]))
        return false;
    return network_driver_is_routed(
        network_driver_find(view->networks.items[gateway]->spec.driver));
}

/* Where the host takes no part there is nothing to be published, as with Docker. */
void network_view_publish_request(const NetworkView *view, const ContainerPortBindings *bindings,
                                  PublishRequest *ret)
{
    static const ContainerPortBindings none = {};
    const ContainerSpec *spec = &view->container->spec;
    size_t gateway = network_view_gateway(view, IP_V4);
    bool can = false;

    *ret = (PublishRequest) { .exposed = &spec->exposed_ports, .allow = &spec->publish_allow };
    for (IpFamily family = 0; family < _IP_FAMILY_MAX; family++)
        can |= ret->families[family] = can_publish(view, family);
    if (gateway != NO_ENDPOINT)
        ret->default_address = view->networks.items[gateway]->spec.host_binding;
    ret->bindings = can ? bindings : &none;
    ret->all = can && spec->publish_all_ports;
    if (!can && bindings->count + (size_t)spec->publish_all_ports > 0)
        log_warning("ports of container '%s' are not published: it is in no network that the host "
                    "leads others to",
                    view->container->name);
}

static int reserve_ports(NetworkView *view, Error *err)
{
    const ContainerSpec *spec = &view->container->spec;
    PublishRequest request;

    if (spec->port_bindings.count + spec->exposed_ports.count == 0)
        return 0;
    published_port_list_done(&view->ports);
    network_view_publish_request(view, &spec->port_bindings, &request);
    return published_ports_reserve(view->engine, view->container->id, &request, &view->ports, err);
}

static int lease_once(NetworkView *view, Error *err)
{
    _cleanup_(database_rollback) Transaction transaction = {};
    int r = database_begin(view->engine->database, &transaction, err);

    if (r >= 0)
        r = lease_addresses(view, err);
    if (r >= 0)
        r = reserve_ports(view, err);
    return r < 0 ? r : database_commit(&transaction, err);
}

/* Those that were killed and that nobody has looked after since give up what they have. */
static int recover_holders(const NetworkView *view, Error *err)
{
    _cleanup_string_list_ StringList ids = {};
    int r = container_network_list_leased(view->engine, &ids, err);

    for (size_t i = 0; i < ids.count; i++)
        if (strcmp(ids.items[i], view->container->id) != 0)
            (void)container_recover(view->engine, ids.items[i], NULL); /* else it has them still */
    return r;
}

/* What was leased before the failure is not. */
static int reload(NetworkView *view, Error *err)
{
    _cleanup_network_view_ NetworkView fresh = {};
    int r = network_view_load(view->engine, view->container, &fresh, err);

    if (r < 0)
        return r;
    network_view_done(view);
    *view = fresh;
    fresh = (NetworkView) {};
    return 0;
}

int network_view_lease(NetworkView *view, Error *err)
{
    _cleanup_error_ Error problem = {};
    int r = lease_once(view, &problem);

    if (r < 0 && (problem.kind == ERROR_CONFLICT || problem.kind == ERROR_EXHAUSTED)) {
        error_done(&problem);
        r = recover_holders(view, &problem);
        if (r >= 0)
            r = reload(view, &problem);
        if (r >= 0)
            r = lease_once(view, &problem);
    }
    if (r < 0)
        error_move(err, &problem);
    return r;
}

void network_view_unlease(Engine *engine, const Container *container)
{
    _cleanup_error_ Error problem = {};
    int r = endpoint_release(engine, container->id, &problem);

    if (r >= 0)
        r = published_ports_release(engine, container->id, NULL, &problem);
    if (r < 0) /* the next end of the container, or its removal, gives them up */
        log_debug("addresses of container '%s' stay: %s", container->name, error_message(&problem));
}
