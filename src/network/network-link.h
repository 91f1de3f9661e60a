/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Networks in the kernel: what of one is on the host, and a container's link to it. Everything goes
 * over rtnetlink, and nothing is kept here: what exists is what the kernel says.
 */

#include <net/if.h>

#include "base/cleanup.h"
#include "network/network-spec.h"

/* The kernel's side of the namespace that we are in; sockets are opened at first use. */
typedef struct NetworkLinks NetworkLinks;

int network_links_open(NetworkLinks **ret, Error *err);
void network_links_close(NetworkLinks *links);
DEFINE_CLEANUP(NetworkLinks *, network_links_close);

/* What a driver can do: rows of one table (network-driver.c). */
typedef struct NetworkDriver NetworkDriver;

/* NULL: there is none of that name. "host" and "none" have no links and are no drivers here. */
const NetworkDriver *network_driver_find(const char *name);
void network_driver_list(StringList *names);
/* The host has an address in it and routes for it: ports, masquerading and isolation are the
 * firewall's (bridge, vxlan). */
bool network_driver_is_routed(const NetworkDriver *driver);

/* Can a container's link have a hardware address of its own? */
bool network_takes_mac(const NetworkSpec *spec);

/*
 * Bring up what the host needs: a bridge with the gateway's addresses, a VLAN's or VXLAN's
 * interface, a dummy parent. What is there already stays. Errors: NOT_FOUND (no such parent),
 * CONFLICT (an interface of that name is something else, a parent is taken), UNSUPPORTED (the
 * kernel has no such links).
 */
int network_links_up(NetworkLinks *links, const NetworkSpec *spec, Error *err);

/* Remove it. What is not there is no error. */
int network_links_down(NetworkLinks *links, const NetworkSpec *spec, Error *err);

/* Bits a second; 0: no limit. As seen by the container: ingress is what comes to it. */
typedef struct NetworkRates {
    uint64_t ingress;
    uint64_t egress;
} NetworkRates;

/* One link of a container. */
typedef struct NetworkAttachment {
    const NetworkSpec *network;
    const char *interface;              /* inside: "eth0" */
    char host_interface[IFNAMSIZ];      /* the other end's name, filled in; "": there is none */
    uint8_t mac[6];                     /* all 0: the kernel's choice, filled in */
    IpPrefix addresses[_IP_FAMILY_MAX]; /* with their subnets' lengths; no family: none */
    IpAddress gateways[_IP_FAMILY_MAX]; /* of the default routes; no family: none through it */
    const StringList *link_local;       /* further addresses; may be NULL */
    const StringMap *sysctls; /* "net.ipv4.conf.IFNAME.log_martians" -> value, IFNAME being
                                 @interface; may be NULL */
    NetworkRates rates;
} NetworkAttachment;

/*
 * Bring up the loopback of the network namespace @netns_fd and give it these links, one after the
 * other, ready for use when this returns: addresses without duplicate address detection, default
 * routes. What @network needs on the host is brought up where it is missing. Of several, all or
 * none are there afterwards. Errors: those of network_links_up(), CONFLICT (an interface of that
 * name, a hardware address that is taken), INVALID (sysctl).
 */
int network_attach(NetworkLinks *links, int netns_fd, NetworkAttachment *attachments, size_t count,
                   Error *err);

/* Take a link away. What is not there is no error. */
int network_detach(NetworkLinks *links, int netns_fd, const NetworkAttachment *attachment,
                   Error *err);

/* Replace the default route of a family; none where @gateway has no family. */
int network_set_default_route(NetworkLinks *links, int netns_fd, IpFamily family,
                              const char *interface, const IpAddress *gateway, Error *err);

/* Change the rates of a link that there is, whose host's end is told. UNSUPPORTED: the kernel
 * cannot, or the driver: links without a host's end have no limit of what comes to them. */
int network_set_rates(NetworkLinks *links, int netns_fd, const NetworkAttachment *attachment,
                      Error *err);

/* A link goes with its namespace, sooner or later: have it carry nothing from now on, and remove
 * what its host's end @host_interface leaves, which is what limits its egress. What is not there is
 * no error. */
int network_release_host(NetworkLinks *links, const char *host_interface, Error *err);

/* Packets and bytes of an interface, as seen inside. */
typedef struct NetworkCounters {
    char interface[IFNAMSIZ];
    uint64_t rx_bytes, rx_packets, rx_errors, rx_dropped;
    uint64_t tx_bytes, tx_packets, tx_errors, tx_dropped;
} NetworkCounters;

typedef struct NetworkCountersList {
    NetworkCounters *items;
    size_t count;
} NetworkCountersList;

void network_counters_done(NetworkCountersList *list);

/* Those of all interfaces of @netns_fd but the loopback. */
int network_read_counters(int netns_fd, NetworkCountersList *ret, Error *err);

/* All prefixes that the host has routes or addresses for, but the default routes. */
typedef struct NetworkPrefixList {
    IpPrefix *items;
    size_t count;
} NetworkPrefixList;

void network_prefixes_done(NetworkPrefixList *list);
int network_list_host_prefixes(NetworkLinks *links, NetworkPrefixList *ret, Error *err);
