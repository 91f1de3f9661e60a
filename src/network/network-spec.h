/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A network as it is stored and as its driver makes it: what its user asked for, and what was
 * decided for them. Members read and write as JSON by one table.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/ip-address.h"
#include "base/json-fields.h"
#include "base/string-list.h"

#define NETWORK_ID_LENGTH 64
#define NETWORK_NAME_MAX 255

/* One --subnet with what belongs to it (Engine API: IPAMConfig). Text, checked by
 * network_spec_validate(). */
typedef struct NetworkSubnet {
    char *subnet;            /* "172.18.0.0/16", without bits of the host */
    char *gateway;           /* NULL: none, which only networks have that nobody leaves */
    char *range;             /* NULL: the whole subnet */
    StringMap aux_addresses; /* name -> address that is somebody else's */
} NetworkSubnet;

typedef struct NetworkSpec {
    char *id; /* NETWORK_ID_LENGTH hexadecimal digits */
    char *name;
    char *driver;                         /* of network_driver_find() */
    JSON_ARRAY_OF(NetworkSubnet) subnets; /* at most one for each family */
    bool ipv4;
    bool ipv6;
    bool is_internal;
    bool is_attachable;
    StringMap options; /* as they were given */
    StringMap labels;

    /* What the options say, decided by network_spec_apply_options(). */
    char *interface;     /* on the host: of the bridge, or of the parent that is made; NULL: none */
    char *parent;        /* of macvlan, ipvlan, vlan, vxlan: an interface of the host; NULL: none */
    bool owns_parent;    /* made and removed with the network ("eth0.10", a dummy) */
    char *mode;          /* of macvlan, vlan, ipvlan: "bridge", "l2"; NULL: none */
    char *flag;          /* of ipvlan: "bridge", "private", "vepa"; NULL: "bridge" */
    uint32_t mtu;        /* 0: the driver's default */
    uint32_t vlan;       /* tag; 0: none */
    uint32_t vni;        /* of vxlan */
    uint32_t vxlan_port; /* 0: 4789 */
    char *vxlan_local;   /* address to send from; NULL: chosen by the kernel */
    StringList vxlan_peers;    /* addresses of other hosts; one of a multicast group: the group */
    bool no_masquerade;        /* leaves with the container's own address */
    bool no_container_traffic; /* its containers do not reach each other */
    bool vlan_filtering;       /* of bridge */
    char *host_binding;        /* address that ports are published at by default; NULL: all */
} NetworkSpec;

extern const JsonStruct network_spec_json;

/* Free the members and zero the struct. */
void network_spec_done(NetworkSpec *spec);
#define _cleanup_network_spec_ _cleanup_(network_spec_done)

/* Docker's rule for names: [a-zA-Z0-9][a-zA-Z0-9_.-]*. Errors: INVALID. */
int network_name_validate(const char *name, Error *err);

/* The kernel's rule for names of interfaces, without its templates. Errors: INVALID. */
int network_interface_name_validate(const char *name, Error *err);

/*
 * Fill in the members that @spec->options and the driver decide ("parent", "com.docker.network.*",
 * "mode", "vni", ...); names of interfaces that are left open come from its id. May be repeated.
 * Errors: INVALID (value), UNSUPPORTED (unknown option, named with the driver's).
 */
int network_spec_apply_options(NetworkSpec *spec, Error *err);

/* Check a spec whose addresses are decided: prefixes, gateways and ranges inside, families, what
 * the driver needs. Errors: INVALID, UNSUPPORTED. */
int network_spec_validate(const NetworkSpec *spec, Error *err);

/* The subnet of a family, parsed; false: the network has none. @gateway has no family where there
 * is none, @range is the subnet where none was given. */
typedef struct NetworkPrefixes {
    IpPrefix subnet;
    IpPrefix range;
    IpAddress gateway;
} NetworkPrefixes;
bool network_spec_prefixes(const NetworkSpec *spec, IpFamily family, NetworkPrefixes *ret);
