/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Our table: its unchanging parts (firewall-ruleset.c), and how networks and ports are elements of
 * its sets (firewall-elements.c). */

#include "base/cleanup.h"
#include "network/firewall.h"
#include "network/nftables-private.h"

typedef enum FirewallSet {
    FIREWALL_PUBLISHED_V4, /* address, protocol and port of the host: address and port inside */
    FIREWALL_PUBLISHED_V6,
    FIREWALL_EVERYWHERE_V4, /* the same for all addresses of the host */
    FIREWALL_EVERYWHERE_V6,
    FIREWALL_LIMITED_V4, /* the same for some clients only */
    FIREWALL_LIMITED_V6,
    FIREWALL_LOOPBACK_V6, /* ::1: are ports published there? */
    FIREWALL_HAIRPIN_V4,  /* whose address containers must not see */
    FIREWALL_HAIRPIN_V6,
    FIREWALL_OUTGOING_V4, /* whose address outside: what becomes of it there */
    FIREWALL_OUTGOING_V6,
    FIREWALL_INSIDE,   /* our interfaces, and the loopback */
    FIREWALL_WITHIN,   /* interface, interface: what becomes of what is forwarded so */
    FIREWALL_LEAVING,  /* interface: of what comes by it */
    FIREWALL_CROSSING, /* of what goes out by it, coming by another one of ours */
    FIREWALL_ENTERING, /* of what goes out by it, coming from outside */
    FIREWALL_ARRIVING, /* of what comes by it to the host */
    _FIREWALL_SET_MAX,
} FirewallSet;

/* Chains that verdicts in sets lead to. No name is a word of nft(8)'s language: what it lists it
 * must be able to read. */
#define FIREWALL_CHAIN_PUBLISH_V6 "publish6"
#define FIREWALL_CHAIN_MASQUERADE "translate"
#define FIREWALL_CHAIN_LEAVE "leave"
#define FIREWALL_CHAIN_CROSS "cross"
#define FIREWALL_CHAIN_ENTER "enter"
#define FIREWALL_CHAIN_ARRIVE "arrive"
#define FIREWALL_CHAIN_REFUSE "refuse" /* and say so */
#define FIREWALL_CHAIN_IGNORE "ignore"

extern const NftSet firewall_sets[_FIREWALL_SET_MAX];
extern const NftChain firewall_chains[];
extern const size_t firewall_n_chains;
extern const NftRule firewall_rules[];
extern const size_t firewall_n_rules;

/* An element that there should be, or should not. */
typedef struct FirewallElement {
    NftElement element;
    bool is_absent;
} FirewallElement;

typedef struct FirewallElementList {
    FirewallElement *items;
    size_t count;
    size_t capacity;
} FirewallElementList;

void firewall_element_list_done(FirewallElementList *list);
#define _cleanup_firewall_element_list_ _cleanup_(firewall_element_list_done)

/* Those that are always there, as the host is now. */
void firewall_elements_of_host(FirewallElementList *list);
/* What @network is, or with @is_absent all that it may have been. */
void firewall_elements_of_network(const FirewallNetwork *network, bool is_absent,
                                  FirewallElementList *list);
/* The same for a port. Errors: INVALID. */
int firewall_elements_of_port(const FirewallPort *port, bool is_absent, FirewallElementList *list,
                              Error *err);
