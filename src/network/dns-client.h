/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * cay-dns, which answers the names of networks to the containers in them, as its callers see it.
 * There is one per runtime directory, started by whoever needs it first; it ends with the last
 * container that it serves. It is told everything and reads nothing: who asks is known by the
 * socket, which is inside the container's network namespace at 127.0.0.11, so no address can be
 * forged. A container is forgotten when its first process ends (a pidfd), whoever else has died.
 */

#include "base/cleanup.h"
#include "base/error.h"
#include "base/ip-address.h"
#include "base/json-fields.h"
#include "base/string-list.h"

#define DNS_ADDRESS "127.0.0.11"
#define DNS_PORT 53

/* A container in one network. */
typedef struct DnsNetwork {
    char *network;        /* id */
    StringList addresses; /* of the container, as text */
    StringList names;     /* that others of the network ask for: name, aliases, short id; the
                             first is what its addresses are called */
    StringMap links;      /* names that only this container knows: alias -> name or address */
} DnsNetwork;

typedef struct DnsContainer {
    char *id;
    JSON_ARRAY_OF(DnsNetwork) networks; /* the first that knows a name answers */
    StringList host_addresses; /* of host.docker.internal and host.cay.internal; empty: none */
    StringList servers;        /* who is asked what nobody here knows; empty: the host's */
    bool is_internal;          /* nothing is asked outside */
} DnsContainer;

extern const JsonStruct dns_container_json;
void dns_container_done(DnsContainer *container);

typedef struct DnsClient {
    int runtime_fd;      /* directory of its socket, lock and log */
    const char *program; /* path of cay-dns */
} DnsClient;

/*
 * Open its sockets in @netns_fd, redirect port 53 of DNS_ADDRESS there to them, and hand all to
 * cay-dns, which is started where it does not run: names work when this returns. A container that
 * is known already is replaced. Errors: UNAVAILABLE, NOT_FOUND (program), SYSTEM.
 */
int dns_client_register(const DnsClient *client, const DnsContainer *container, int netns_fd,
                        int pidfd, Error *err);

/* Change the networks and names of one that is known; its sockets stay. NOT_FOUND: it is not. */
int dns_client_update(const DnsClient *client, const DnsContainer *container, Error *err);

/* Forget it now. That nobody runs or knows it is no error. */
int dns_client_forget(const DnsClient *client, const char *id, Error *err);

/* Add the ids of the containers that it serves. That it does not run is no error. */
int dns_client_list(const DnsClient *client, StringList *ids, Error *err);
