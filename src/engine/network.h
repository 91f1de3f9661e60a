/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Networks: a row says that one exists, its links in the kernel are made when a container needs
 * them and can be made again at any time. Which containers are in it is a relation, the endpoints;
 * an endpoint holds addresses only while its container runs, and gives them up with its row's state
 * (triggers), so that no end of a container can forget to.
 */

#include <jansson.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "engine/container-spec.h"
#include "engine/engine.h"
#include "network/network-spec.h"

/* These three always exist. "bridge" gets its subnet when it is first used. */
#define NETWORK_BRIDGE "bridge"
#define NETWORK_HOST "host"
#define NETWORK_NONE "none"

typedef struct Network {
    NetworkSpec spec;
    int64_t created_at;  /* nanoseconds since 1970 */
    bool is_predefined;  /* one of the three */
    int64_t n_endpoints; /* at the time of reading */
} Network;

void network_free(Network *network);
DEFINE_CLEANUP(Network *, network_free);

typedef struct NetworkList {
    Network **items;
    size_t count;
    size_t capacity;
} NetworkList;

void network_list_done(NetworkList *list);
#define _cleanup_network_list_ _cleanup_(network_list_done)

/*
 * Make a network of @spec, whose id is chosen here, as are the addresses left open; its links are
 * brought up. Errors: INVALID, CONFLICT (the name is taken, the subnet overlaps with that of
 * another network or a route of the host: which), EXHAUSTED, UNSUPPORTED, those of
 * network_links_up().
 */
int network_create(Engine *engine, NetworkSpec *spec, Network **ret, Error *err);

/* By name, id, or the beginning of one id. Errors: NOT_FOUND "no such network: 'x'", CONFLICT
 * (several begin so). */
int network_find(Engine *engine, const char *name, Network **ret, Error *err);

/* All networks by name. */
int network_list(Engine *engine, NetworkList *ret, Error *err);

/* Errors: NOT_FOUND, CONFLICT (predefined; in use: names the containers). */
int network_remove(Engine *engine, const char *name, Error *err);

/*
 * Complete the default network's spec at its first use, and bring it up: for whoever is about to
 * use any network, and is in no transaction. Errors: EXHAUSTED, those of network_links_up().
 */
int network_prepare(Engine *engine, Network *network, Error *err);

/* Add the names of all drivers that there are, "host" and "null" among them, in order. */
void network_list_drivers(StringList *names);

/* Does a network of @driver get an IPv6 subnet where its user says nothing about it? */
bool network_has_ipv6(const char *driver);

/*
 * What tells the tables and bridges of this installation from those of others on the same host:
 * "cay" for the default state directory, "cay-XXXXXXXX" for others. Stays the engine's.
 */
const char *network_tag(Engine *engine);

/* Tell the event log: "create", "destroy", "connect", "disconnect"; @container (id) is the one that
 * is connected, NULL: none. */
void network_tell(Engine *engine, const NetworkSpec *spec, const char *action,
                  const char *container);

/* Remove from the host what is left of networks that whoever removed them could not finish. Costs
 * one look into an empty table where there is nothing. */
int network_recover_all(Engine *engine, Error *err);

/* Engine API: Network, with the containers that run in it. The caller owns the reference. */
int network_to_inspect(Engine *engine, const Network *network, json_t **ret, Error *err);

/* What was decided about its links, of which Docker's API has nothing. The caller owns the
 * reference. */
json_t *network_links_to_inspect(const Network *network);

/* --- endpoints: containers in networks (network-endpoint.c) --- */

typedef struct Endpoint {
    char *id; /* 64 hexadecimal digits */
    char *container;
    char *network;            /* id, as above */
    ContainerNetwork request; /* what its user asked for */
    int64_t position;         /* of the container's: 0, 1, ... */
    /* While it runs; empty otherwise: */
    char *interface;      /* inside */
    char *host_interface; /* of the other end; NULL: there is none */
    uint8_t mac[6];
    IpAddress addresses[_IP_FAMILY_MAX];
} Endpoint;

void endpoint_done(Endpoint *endpoint);

typedef struct EndpointList {
    Endpoint *items;
    size_t count;
    size_t capacity;
} EndpointList;

void endpoint_list_done(EndpointList *list);
#define _cleanup_endpoint_list_ _cleanup_(endpoint_list_done)

/*
 * Record that @container is in @network, inside the caller's transaction. Chooses id and position.
 * Errors: CONFLICT (it is in there already), INVALID (an address that the network has not, aliases
 * or addresses at a network that has none). Who has an address is endpoint_lease()'s to ask.
 */
int endpoint_insert(Engine *engine, const char *container, const Network *network,
                    const ContainerNetwork *request, Error *err);

int endpoint_delete(Engine *engine, const char *container, const char *network, Error *err);

/* By position. */
int endpoint_list_of_container(Engine *engine, const char *container, EndpointList *ret,
                               Error *err);
/* By container; of all networks for NULL. */
int endpoint_list_of_network(Engine *engine, const char *network, EndpointList *ret, Error *err);

/*
 * Give an endpoint its addresses, hardware address and interface, inside the caller's transaction:
 * those asked for, those it had last, or free ones. Until the container's row says that it has
 * ended they are nobody else's. One that has them keeps them. Errors: CONFLICT (taken, by whom),
 * EXHAUSTED (none is free).
 */
int endpoint_lease(Engine *engine, const Network *network, Endpoint *endpoint, Error *err);

/* Write what network_attach() has filled in. */
int endpoint_record_link(Engine *engine, const Endpoint *endpoint, Error *err);

/* Write down what is asked for now. */
int endpoint_record_request(Engine *engine, const Endpoint *endpoint, Error *err);

/*
 * Give up what it has. The end of a container does it by itself, with the row that says so; this is
 * for starts that left none: those that failed, and those whose starter was killed (recovery).
 */
int endpoint_release(Engine *engine, const char *container, Error *err);
