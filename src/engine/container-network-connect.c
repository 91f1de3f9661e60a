/* SPDX-License-Identifier: Apache-2.0 */

/* `cay network connect` and `disconnect`. A container that runs has its links changed while it
 * goes on; for all others the row is enough. */

#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/memory.h"
#include "engine/container-network-private.h"
#include "engine/network-request.h"

/* A change of one container's networks. */
typedef struct Change {
    Engine *engine;
    Container *container;
    Network *network;
    int lock_fd;
    bool is_live; /* it has links now */
    NetworkNamespace namespace;
    NetworkView before;
    NetworkView after;
} Change;

static void change_done(Change *change)
{
    network_view_done(&change->before);
    network_view_done(&change->after);
    network_namespace_done(&change->namespace);
    fd_close(change->lock_fd);
    if (change->network)
        network_free(change->network);
    if (change->container)
        container_free(change->container);
}

#define _cleanup_change_ _cleanup_(change_done)
#define CHANGE_INIT(engine)                                                                        \
    (Change)                                                                                       \
    {                                                                                              \
        (engine), .lock_fd = -EBADF, .namespace = NETWORK_NAMESPACE_INIT                           \
    }

static int check_mode(const Container *container, const Network *network, Error *err)
{
    const char *mode = container->spec.network_mode;
    const char *name = network->spec.name;

    if (strcmp(name, NETWORK_HOST) == 0 || strcmp(name, NETWORK_NONE) == 0)
        return error_set(err, ERROR_CONFLICT,
                         "container '%s' cannot be connected to, or disconnected from, network "
                         "'%s' once it is made",
                         container->name, name);
    if (container->state == CONTAINER_REMOVING)
        return error_set(err, ERROR_CONFLICT,
                         "container '%s' is marked for removal and cannot be connected or "
                         "disconnected to the network",
                         container->name);
    if (container_mode_joined(mode))
        return error_set(err, ERROR_CONFLICT,
                         "container '%s' shares another container's network: connect that one",
                         container->name);
    if (network_mode_is_network(mode))
        return 0;
    return error_set(err, ERROR_CONFLICT,
                     "container '%s' cannot be connected to networks beside '%s'", container->name,
                     mode);
}

/* Its rows and its namespace. Between two runs it has only rows: the next run takes them up. */
static int look_at(Change *change, Error *err)
{
    Container *container = change->container;
    int r = network_view_load(change->engine, container, &change->before, err);

    if (r < 0)
        return r;
    container_refresh(change->engine, container);
    if (container->state == CONTAINER_RUNNING || container->state == CONTAINER_PAUSED)
        /* One that has just ended is as one that does not run. */
        change->is_live =
            network_namespace_open(container, (pid_t)container->pid, &change->namespace, NULL) >= 0;
    else if (!container_is_up(container) && network_view_is_leased(&change->before))
        return error_set(err, ERROR_CONFLICT, "container '%s' is being started: wait until it runs",
                         container->name);
    return 0;
}

/* Find both, and see the container as it is now, under the lock. */
static int change_begin(Change *change, const char *network, const char *container, Error *err)
{
    int r = network_find(change->engine, network, &change->network, err);

    if (r >= 0)
        r = network_prepare(change->engine, change->network, err);
    if (r >= 0)
        r = container_find_live(change->engine, container, &change->container, err);
    if (r >= 0)
        r = check_mode(change->container, change->network, err);
    if (r >= 0)
        r = container_network_lock(change->engine, change->container->id, &change->lock_fd, err);
    if (r < 0)
        return r;
    return look_at(change, err);
}

/* What has to know of it and is not the link itself: the firewall, files, names. */
static int tell_others(Change *change, Error *err)
{
    bool had_dns = network_view_needs_dns(&change->before);
    int r = container_firewall_move(&change->before, &change->after, err);

    if (r >= 0)
        r = container_network_files_update(&change->before, &change->after, err);
    if (r < 0 || !network_view_needs_dns(&change->after))
        return r;
    return had_dns ? container_names_update(&change->after, err)
                   : container_names_register(&change->after, &change->namespace, err);
}

static bool is_same_gateway(const NetworkView *a, const NetworkView *b, IpFamily family)
{
    size_t in_a = network_view_gateway(a, family), in_b = network_view_gateway(b, family);

    return in_a != NO_ENDPOINT && in_b != NO_ENDPOINT &&
           strcmp(a->endpoints.items[in_a].network, b->endpoints.items[in_b].network) == 0;
}

/* The default route of each family, where another network has it in @to than in @from. */
static int move_routes(const Change *change, const NetworkView *from, const NetworkView *to,
                       Error *err)
{
    NetworkLinks *links;
    int r = engine_network_links(change->engine, &links, err);

    for (IpFamily family = 0; family < _IP_FAMILY_MAX && r >= 0; family++) {
        size_t gateway = network_view_gateway(to, family);
        NetworkPrefixes prefixes = {};

        if (gateway == NO_ENDPOINT || is_same_gateway(from, to, family) ||
            !network_spec_prefixes(&to->networks.items[gateway]->spec, family, &prefixes))
            continue;
        r = network_set_default_route(links, change->namespace.fd, family,
                                      to->endpoints.items[gateway].interface, &prefixes.gateway,
                                      err);
    }
    return r;
}

/* --- connect --- */

static int insert_endpoint(Change *change, const ContainerNetwork *request, Error *err)
{
    _cleanup_(database_rollback) Transaction transaction = {};
    int r = database_begin(change->engine->database, &transaction, err);

    if (r >= 0)
        r = endpoint_insert(change->engine, change->container->id, change->network, request, err);
    return r < 0 ? r : database_commit(&transaction, err);
}

static int delete_endpoint(Change *change, Error *err)
{
    _cleanup_(database_rollback) Transaction transaction = {};
    int r = database_begin(change->engine->database, &transaction, err);

    if (r >= 0)
        r = endpoint_delete(change->engine, change->container->id, change->network->spec.id, err);
    return r < 0 ? r : database_commit(&transaction, err);
}

/* Ports lead to the network with the default route, which may be another one from now on. */
static int connect_live(Change *change, Error *err)
{
    size_t index;
    int r = network_view_lease(&change->after, err);

    index = network_view_find(&change->after, change->network->spec.id);
    if (r >= 0)
        r = network_view_attach(&change->after, index, 1, change->namespace.fd, err);
    if (r >= 0)
        r = move_routes(change, &change->before, &change->after, err);
    return r < 0 ? r : tell_others(change, err);
}

static void detach(const Change *change, const NetworkView *view)
{
    size_t index = network_view_find(view, change->network->spec.id);

    if (index != NO_ENDPOINT)
        network_view_detach(view, index, change->namespace.fd);
}

/* What fails here is repaired by the next command. */
static void undo_connect(Change *change)
{
    if (change->is_live) {
        (void)container_firewall_move(&change->after, &change->before, NULL);
        (void)move_routes(change, &change->after, &change->before, NULL);
        detach(change, &change->after);
    }
    (void)delete_endpoint(change, NULL);
}

int container_network_connect(Engine *engine, const char *network, const char *container,
                              const ContainerNetwork *request, Error *err)
{
    _cleanup_change_ Change change = CHANGE_INIT(engine);
    int r = change_begin(&change, network, container, err);

    if (r >= 0 && network_has_names(change.network))
        r = network_request_validate(request, err);
    if (r >= 0)
        r = insert_endpoint(&change, request, err);
    if (r < 0)
        return r;
    r = network_view_load(engine, change.container, &change.after, err);
    if (r >= 0 && change.is_live)
        r = connect_live(&change, err);
    if (r < 0) {
        undo_connect(&change);
        return r;
    }
    network_tell(engine, &change.network->spec, "connect", change.container->id);
    return 0;
}

/* --- disconnect --- */

/* What is told fails only for what is not about this network: with @force it need not succeed. */
static int settle_for(const Change *change, bool force, int r, Error *problem, Error *err)
{
    if (r >= 0)
        return 0;
    if (!force) {
        error_move(err, problem);
        return r;
    }
    log_warning("disconnect container '%s' from network '%s': %s", change->container->name,
                change->network->spec.name, error_message(problem));
    return 0;
}

/* Whoever comes by a port or a name is led elsewhere before the address is free. */
static int disconnect_live(Change *change, bool force, Error *err)
{
    _cleanup_error_ Error problem = {};
    int r = network_view_load(change->engine, change->container, &change->after, err);

    if (r < 0)
        return r;
    network_view_drop(&change->after, network_view_find(&change->after, change->network->spec.id));
    r = move_routes(change, &change->before, &change->after, &problem);
    if (r >= 0)
        r = tell_others(change, &problem);
    r = settle_for(change, force, r, &problem, err);
    if (r < 0)
        return r;
    detach(change, &change->before);
    return delete_endpoint(change, err);
}

int container_network_disconnect(Engine *engine, const char *network, const char *container,
                                 bool force, Error *err)
{
    _cleanup_change_ Change change = CHANGE_INIT(engine);
    int r = change_begin(&change, network, container, err);

    if (r < 0)
        return r;
    if (network_view_find(&change.before, change.network->spec.id) == NO_ENDPOINT)
        return error_set(err, ERROR_CONFLICT, "container '%s' is not connected to the network '%s'",
                         change.container->name, change.network->spec.name);
    r = change.is_live ? disconnect_live(&change, force, err) : delete_endpoint(&change, err);
    if (r < 0)
        return r;
    network_tell(engine, &change.network->spec, "disconnect", change.container->id);
    return 0;
}
