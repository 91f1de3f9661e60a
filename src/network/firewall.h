/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One nftables table of our own (family inet) and nobody else's: published ports, masquerading and
 * isolation. Whatever there may be many of is an element of a set or map, so that a packet costs
 * the same however many there are, and adding one is one element.
 */

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/ip-address.h"

typedef struct Firewall Firewall;

/* For the table @table of the namespace that we are in. Asks the kernel nothing yet. */
int firewall_open(const char *table, Firewall **ret, Error *err);
void firewall_close(Firewall *firewall);
DEFINE_CLEANUP(Firewall *, firewall_close);

typedef struct FirewallNetwork {
    char interface[IFNAMSIZ]; /* the bridge, whose own addresses are its gateways */
    IpPrefix subnets[_IP_FAMILY_MAX];
    bool is_internal;          /* nothing enters it from outside, nothing leaves it */
    bool masquerade;           /* what leaves has the host's address */
    bool no_container_traffic; /* its containers do not reach each other */
} FirewallNetwork;

typedef struct FirewallPort {
    uint8_t protocol;  /* IPPROTO_TCP, UDP, SCTP */
    IpAddress address; /* of the host; the wildcard: all that are its own */
    uint16_t port;     /* host order, as the next one */
    uint16_t target_port;
    IpAddress target;        /* the container's, of the same family */
    const IpPrefix *allowed; /* who may connect; none: everybody */
    size_t n_allowed;
} FirewallPort;

/* All that there should be. */
typedef struct FirewallState {
    const FirewallNetwork *networks;
    size_t n_networks;
    const FirewallPort *ports;
    size_t n_ports;
} FirewallState;

/* Is the table whole, as we make it? 1: yes, 0: no. Takes one question to the kernel. */
int firewall_is_intact(Firewall *firewall, Error *err);

/*
 * Replace whatever there is, in one transaction. Behind firewall_watch() it fails with CONFLICT,
 * and nothing is replaced, when rules were changed since then, by whomever: what was added
 * meanwhile is not in @state, which is to be read again.
 */
int firewall_watch(Firewall *firewall, Error *err);
int firewall_rebuild(Firewall *firewall, const FirewallState *state, Error *err);

/* Remove the table. That there is none is no error. */
int firewall_remove(Firewall *firewall, Error *err);

/*
 * Changes, each one transaction. What is added replaces what is there under its key; what is not
 * there is removed without an error. NOT_FOUND: there is no table (rebuild it).
 */
int firewall_add_network(Firewall *firewall, const FirewallNetwork *network, Error *err);
int firewall_remove_network(Firewall *firewall, const FirewallNetwork *network, Error *err);
int firewall_add_ports(Firewall *firewall, const FirewallPort *ports, size_t count, Error *err);
int firewall_remove_ports(Firewall *firewall, const FirewallPort *ports, size_t count, Error *err);
