/* SPDX-License-Identifier: Apache-2.0 */

/* What the firewall has to know of containers: the networks that they are in, and their ports. It
 * is derived from rows each time, so that it can be made anew from nothing. */

#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/memory.h"
#include "engine/container-network-private.h"
#include "engine/network-private.h"

#define REBUILD_ATTEMPTS 8

typedef struct PortSet {
    FirewallPort *items;
    size_t count;
    size_t capacity;
} PortSet;

static void port_set_done(PortSet *set)
{
    for (size_t i = 0; i < set->count; i++)
        free((void *)set->items[i].allowed);
    free(set->items);
}

#define _cleanup_port_set_ _cleanup_(port_set_done)

typedef struct NetworkSet {
    FirewallNetwork *items;
    size_t count;
    size_t capacity;
} NetworkSet;

static void network_set_done(NetworkSet *set)
{
    free(set->items);
}

#define _cleanup_network_set_ _cleanup_(network_set_done)

/* Opened with the first use, and the engine's: to close it behind a change waits some milliseconds
 * for what the kernel deletes, which passes while there is other work. */
static int get_firewall(Engine *engine, Firewall **ret, Error *err)
{
    int r = 0;

    if (!engine->firewall)
        r = firewall_open(network_tag(engine), &engine->firewall, err);
    *ret = engine->firewall;
    return r;
}

/* Only where the host takes part in it there is anything to filter. */
static void add_network(NetworkSet *set, const NetworkSpec *spec)
{
    const NetworkDriver *driver = network_driver_find(spec->driver);
    FirewallNetwork *added;

    if (!driver || !network_driver_is_routed(driver) || !spec->interface ||
        spec->subnets.count == 0)
        return;
    set->items = memory_grow(set->items, &set->capacity, set->count + 1, sizeof(*set->items));
    added = &set->items[set->count++];
    *added = (FirewallNetwork) {
        .is_internal = spec->is_internal,
        .masquerade = !spec->no_masquerade,
        .no_container_traffic = spec->no_container_traffic,
    };
    (void)snprintf(added->interface, sizeof(added->interface), "%s", spec->interface);
    for (IpFamily family = 0; family < _IP_FAMILY_MAX; family++) {
        NetworkPrefixes prefixes;

        if (!network_spec_prefixes(spec, family, &prefixes))
            continue;
        added->subnets[family] = prefixes.subnet;
    }
}

/* Of another family than the port's address nobody could ever match. */
static const IpPrefix *make_allowed(const PublishedPort *port, int family, size_t *ret_count)
{
    IpPrefix *allowed = NEW_ARRAY(IpPrefix, port->allow.count + 1);

    *ret_count = 0;
    for (size_t i = 0; i < port->allow.count; i++) {
        IpPrefix prefix;

        if (ip_prefix_parse(port->allow.items[i], &prefix) >= 0 && prefix.address.family == family)
            allowed[(*ret_count)++] = prefix;
    }
    return allowed;
}

/* One that only the other family may reach is for nobody. */
static bool is_for_nobody(const PublishedPort *port, const FirewallPort *made)
{
    return port->allow.count > 0 && made->n_allowed == 0;
}

/* What one port is in the firewall. False: it leads nowhere. */
static bool make_port(const NetworkView *view, const PublishedPort *port, FirewallPort *ret)
{
    IpFamily family = ip_address_index(&port->address);
    size_t gateway = network_view_gateway(view, family);

    if (gateway == NO_ENDPOINT ||
        !ip_address_is_set(&view->endpoints.items[gateway].addresses[family]))
        return false;
    *ret = (FirewallPort) {
        .protocol = port->protocol,
        .address = port->address,
        .port = port->host_port,
        .target_port = port->container_port,
        .target = view->endpoints.items[gateway].addresses[family],
    };
    ret->allowed = make_allowed(port, port->address.family, &ret->n_allowed);
    if (!is_for_nobody(port, ret))
        return true;
    free((void *)ret->allowed);
    return false;
}

static void add_port(PortSet *set, const FirewallPort *port)
{
    set->items = memory_grow(set->items, &set->capacity, set->count + 1, sizeof(*set->items));
    set->items[set->count++] = *port;
}

static void add_ports(PortSet *set, const NetworkView *view)
{
    for (size_t i = 0; i < view->ports.count; i++) {
        FirewallPort made;

        if (make_port(view, &view->ports.items[i], &made))
            add_port(set, &made);
    }
}

/* Those of @before that lead nowhere in @after. */
static void add_lost_ports(PortSet *set, const NetworkView *before, const NetworkView *after)
{
    for (size_t i = 0; i < before->ports.count; i++) {
        FirewallPort old, new;

        if (!make_port(before, &before->ports.items[i], &old))
            continue;
        if (make_port(after, &before->ports.items[i], &new)) {
            free((void *)new.allowed);
            free((void *)old.allowed);
        } else {
            add_port(set, &old);
        }
    }
}

static int add_to_firewall(Firewall *firewall, const NetworkView *view, Error *err)
{
    _cleanup_network_set_ NetworkSet networks = {};
    _cleanup_port_set_ PortSet ports = {};
    int r = 0;

    for (size_t i = 0; i < view->networks.count; i++)
        add_network(&networks, &view->networks.items[i]->spec);
    add_ports(&ports, view);
    for (size_t i = 0; i < networks.count && r >= 0; i++)
        r = firewall_add_network(firewall, &networks.items[i], err);
    if (r >= 0 && ports.count > 0)
        r = firewall_add_ports(firewall, ports.items, ports.count, err);
    return r;
}

/*
 * Has it ended although its row does not say so yet? Then its ports are being taken out, or have
 * been, and would stay if they were put back. Between two runs they are kept for the next one, as
 * they are while it is being started.
 */
static bool has_ended(Engine *engine, Container *container)
{
    _cleanup_close_ int pidfd = -EBADF;

    if (container->state != CONTAINER_RUNNING)
        return false;
    container_refresh(engine, container);
    if (container->state == CONTAINER_RESTARTING)
        return false;
    return !container_is_up(container) || container_process_open(container, &pidfd, NULL) < 0;
}

static int add_running(Engine *engine, const char *id, PortSet *ports, Error *err)
{
    _cleanup_(container_freep) Container *container = NULL;
    _cleanup_network_view_ NetworkView view = {};
    int r = container_row_load(engine, id, &container, err);

    if (r >= 0 && has_ended(engine, container))
        return 0;
    if (r >= 0)
        r = network_view_load(engine, container, &view, err);
    if (r >= 0)
        add_ports(ports, &view);
    return r;
}

/* The ports of all that have an address now. */
static int collect_ports(Engine *engine, PortSet *ports, Error *err)
{
    _cleanup_string_list_ StringList ids = {};
    int r = container_network_list_leased(engine, &ids, err);

    for (size_t i = 0; i < ids.count && r >= 0; i++)
        r = add_running(engine, ids.items[i], ports, err);
    return r;
}

static int rebuild_once(Engine *engine, Firewall *firewall, Error *err)
{
    _cleanup_network_list_ NetworkList networks = {};
    _cleanup_network_set_ NetworkSet made = {};
    _cleanup_port_set_ PortSet ports = {};
    FirewallState state = {};
    int r = network_list(engine, &networks, err);

    for (size_t i = 0; i < networks.count; i++)
        add_network(&made, &networks.items[i]->spec);
    if (r >= 0)
        r = collect_ports(engine, &ports, err);
    if (r < 0)
        return r;
    state = (FirewallState) { .networks = made.items,
                              .n_networks = made.count,
                              .ports = ports.items,
                              .n_ports = ports.count };
    return firewall_rebuild(firewall, &state, err);
}

/*
 * A container that starts meanwhile has its rows first and its elements then: either the rows are
 * read here, or its elements are a change that is noticed. Where somebody else never rests, one
 * that is started at the very same time is left to the next repair.
 */
static int rebuild(Engine *engine, Firewall *firewall, Error *err)
{
    for (int i = 0; i < REBUILD_ATTEMPTS; i++) {
        _cleanup_error_ Error problem = {};
        int r = firewall_watch(firewall, err);

        if (r < 0)
            return r;
        r = rebuild_once(engine, firewall, &problem);
        if (r >= 0)
            return r;
        if (problem.kind != ERROR_CONFLICT) {
            error_move(err, &problem);
            return r;
        }
    }
    return rebuild_once(engine, firewall, err);
}

int container_firewall_add(const NetworkView *view, Error *err)
{
    _cleanup_error_ Error problem = {};
    Firewall *firewall = NULL;
    int r = get_firewall(view->engine, &firewall, err);

    if (r >= 0)
        r = firewall_is_intact(firewall, err);
    if (r < 0)
        return r;
    if (r > 0) {
        r = add_to_firewall(firewall, view, &problem);
        if (r >= 0)
            return 0;
        /* somebody has just flushed it, or left elements that no row knows of */
        if (problem.kind != ERROR_NOT_FOUND && problem.kind != ERROR_CONFLICT) {
            error_move(err, &problem);
            return r;
        }
    }
    /* Its rows are there already, so all that rows say is with it. */
    return rebuild(view->engine, firewall, err);
}

static int remove_ports(Engine *engine, const PortSet *ports, Error *err)
{
    Firewall *firewall = NULL;
    _cleanup_error_ Error problem = {};
    int r;

    if (ports->count == 0)
        return 0;
    r = get_firewall(engine, &firewall, &problem);
    if (r >= 0)
        r = firewall_remove_ports(firewall, ports->items, ports->count, &problem);
    if (r >= 0 || problem.kind == ERROR_NOT_FOUND)
        return 0;
    error_move(err, &problem);
    return r;
}

int container_firewall_remove(const NetworkView *view, Error *err)
{
    _cleanup_port_set_ PortSet ports = {};

    add_ports(&ports, view);
    return remove_ports(view->engine, &ports, err);
}

int container_firewall_move(const NetworkView *before, const NetworkView *after, Error *err)
{
    _cleanup_port_set_ PortSet lost = {};
    int r = container_firewall_add(after, err);

    if (r < 0)
        return r;
    add_lost_ports(&lost, before, after);
    return remove_ports(after->engine, &lost, err);
}

int network_firewall_remove(Engine *engine, const NetworkSpec *spec, Error *err)
{
    Firewall *firewall = NULL;
    _cleanup_network_set_ NetworkSet networks = {};
    _cleanup_error_ Error problem = {};
    int r;

    add_network(&networks, spec);
    if (networks.count == 0)
        return 0;
    r = get_firewall(engine, &firewall, &problem);
    if (r >= 0)
        r = firewall_remove_network(firewall, &networks.items[0], &problem);
    if (r >= 0 || problem.kind == ERROR_NOT_FOUND)
        return 0; /* no container was ever in one */
    error_move(err, &problem);
    return r;
}

int container_firewall_repair(Engine *engine, bool force, Error *err)
{
    Firewall *firewall = NULL;
    int r = get_firewall(engine, &firewall, err);

    if (r >= 0 && !force)
        r = firewall_is_intact(firewall, err);
    if (r < 0 || (r > 0 && !force))
        return r < 0 ? r : 0;
    return rebuild(engine, firewall, err);
}
