/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What drivers are made of. A link is named by its index once it was looked up, so that nobody
 * else's is changed when a name changes hands; what is ours on the host carries the mark of its
 * network (its group) from the moment it exists.
 */

#include "base/netlink.h"
#include "network/network-link.h"

struct NetworkLinks {
    Netlink host; /* -EBADF: not opened yet */
};

/* --- links in the kernel (kernel-link.c) --- */

typedef struct KernelLink {
    int index; /* 0: there is none */
    unsigned flags;
    int peer;   /* index of what it hangs on or ends at, in that one's namespace */
    int master; /* index, 0: none */
    uint32_t mtu;
    uint32_t group;
    char name[IFNAMSIZ];
    char kind[16]; /* "bridge"; "": hardware, the loopback */
    uint8_t mac[6];
    bool filters_vlans; /* of a bridge */
} KernelLink;

/* -ENODEV: there is none. */
int kernel_link_find(Netlink *netlink, const char *name, KernelLink *ret);
/* The same as part of a batch: the handler that fills in a KernelLink. */
void kernel_link_add_query(NetlinkBatch *batch, const char *name, int index);
int kernel_link_on_answer(const struct nlmsghdr *header, void *link);

/* Begin the request for a link: a new one for @index 0. */
struct ifinfomsg *kernel_link_init(NetlinkMessage *message, int index);
void kernel_link_add_up(NetlinkBatch *batch, int index);
/* No link-local address of the kernel's choice: it would be made and tried when the link goes up.
 */
void kernel_link_add_quiet(NetlinkBatch *batch, int index);
void kernel_link_add_address(NetlinkBatch *batch, int index, const IpPrefix *address);
/* Packets to ::1 that come by the interface are for this host: answers to its own connections,
 * whose address NAT has put back. Others with that address the kernel drops before. */
void kernel_link_add_loopback_route(NetlinkBatch *batch, int index);
/* The default route through @gateway; @flags NLM_F_EXCL or NLM_F_REPLACE. */
void kernel_link_add_default_route(NetlinkBatch *batch, int index, const IpAddress *gateway,
                                   uint16_t flags);
int kernel_link_delete(Netlink *netlink, int index);

/* IFLA_LINKINFO of a link of this kind; what is added between the two is its own data. */
typedef struct LinkKind {
    size_t info;
    size_t data;
} LinkKind;
LinkKind kernel_link_begin_kind(NetlinkMessage *message, const char *kind);
void kernel_link_end_kind(NetlinkMessage *message, LinkKind kind);

/* --- being in another network namespace for a while (netns-visit.c) --- */

typedef struct NetnsVisit {
    int home_fd;    /* -EBADF: we are at home */
    Netlink inside; /* stays usable at home */
} NetnsVisit;

/* Only the calling thread goes. */
int netns_visit_begin(int netns_fd, NetnsVisit *ret, Error *err);
void netns_visit_go_home(NetnsVisit *visit);
/* Go home and close the socket. */
void netns_visit_done(NetnsVisit *visit);
#define NETNS_VISIT_NONE                                                                           \
    {                                                                                              \
        .home_fd = -EBADF, .inside = {.fd = -EBADF }                                               \
    }
#define _cleanup_netns_visit_ _cleanup_(netns_visit_done)

/* --- addresses of IPv6 (ipv6-ready.c) --- */

/*
 * The kernel gives an address of IPv6 its route some time after it has taken it, even without
 * duplicate address detection: until then what is sent to it is dropped, and asked for again a
 * second later. Open before the address is added, in its namespace; wait after that.
 */
int ipv6_ready_open(void);
int ipv6_ready_wait(int fd, const IpAddress *address);

/* --- settings of the namespace that we are in (network-sysctl.c) --- */

/* /proc/sys/net/FAMILY/conf/INTERFACE/NAME, with FAMILY "ipv4" or "ipv6". That the kernel has no
 * IPv6 is no error. */
int network_sysctl_set(const char *family, const char *interface, const char *name,
                       const char *value, Error *err);
/* Those that a user asked for. */
int network_sysctl_apply(const StringMap *sysctls, const char *interface, Error *err);
/* Let the host route, and keep what it learns from routers of its own. */
int network_sysctl_enable_forwarding(IpFamily family, Error *err);

/* Does the firewall see what stays on a bridge, and NAT happen there (br_netfilter)? */
bool network_sysctl_filters_bridges(IpFamily family);

/* --- drivers --- */

/* A link being made for a container. */
typedef struct Plug {
    NetworkLinks *links;
    NetworkAttachment *attachment;
    int netns_fd;
    KernelLink base; /* what its network has on the host: the bridge, the parent */
} Plug;

struct NetworkDriver {
    const char *name;
    const char *kind; /* of the links inside */
    bool is_routed;

    /* Is what it needs said, and is that possible together? NULL: it needs nothing. */
    int (*validate)(const NetworkSpec *spec, Error *err);
    /*
     * Make what is missing on the host. Fills in @ret, the bridge or the parent that links hang on.
     * With @is_start nothing is looked at again that is complete.
     */
    int (*up)(NetworkLinks *links, const NetworkSpec *spec, bool is_start, KernelLink *ret,
              Error *err);
    /* Remove what there is besides @spec->interface; NULL: nothing. */
    int (*down)(NetworkLinks *links, const NetworkSpec *spec, Error *err);
    /* The request that makes the link inside. */
    void (*describe)(const Plug *plug, NetlinkMessage *message);
    /* Join the host's end @index; NULL: there is none. */
    void (*join)(const Plug *plug, int index, NetlinkBatch *batch);
};

/* The host's socket. */
int network_links_connect(NetworkLinks *links, Error *err);

/* The mark of @spec's links on the host. */
uint32_t network_group(const NetworkSpec *spec);

/* Is @link, which has the name of one of @spec's, what @kind says? CONFLICT: no. */
int network_check_kind(const NetworkSpec *spec, const KernelLink *link, const char *kind,
                       Error *err);

/* The kernel's word @r about making a link of @kind. */
int network_kind_error(const NetworkSpec *spec, const char *kind, int r, Error *err);

/* Remove an interface of the host where it is @spec's. */
int network_remove_interface(NetworkLinks *links, const NetworkSpec *spec, const char *name,
                             Error *err);

bool network_mac_is_set(const uint8_t mac[static 6]);

/* Rates (network-rates.c). UNSUPPORTED: the driver cannot. */
int network_rates_check(const NetworkAttachment *attachment, const NetworkDriver *driver,
                        Error *err);
int network_rates_apply(NetworkLinks *links, Netlink *inside, const NetworkAttachment *attachment,
                        Error *err);

/* Bridges (network-bridge.c). */
int network_bridge_validate(const NetworkSpec *spec, Error *err);
int network_bridge_up(NetworkLinks *links, const NetworkSpec *spec, bool is_start, KernelLink *ret,
                      Error *err);
/* Its two halves, and whether both were done: between them a driver adds ports. */
int network_bridge_make(NetworkLinks *links, const NetworkSpec *spec, KernelLink *ret, Error *err);
int network_bridge_set_up(NetworkLinks *links, const NetworkSpec *spec, const KernelLink *bridge,
                          Error *err);
bool network_bridge_is_complete(const NetworkSpec *spec, const KernelLink *bridge);
/*
 * Ports that are isolated reach the bridge itself, and so the host and what is behind it, but not
 * each other: no firewall needs to see what never leaves the bridge. Where NAT happens on bridges,
 * a container that connects to its own published port is sent its packets back by the bridge:
 * @reflects.
 */
void network_bridge_add_port_settings(NetlinkBatch *batch, int index, bool is_isolated,
                                      bool reflects);
void network_bridge_describe(const Plug *plug, NetlinkMessage *message);
void network_bridge_join(const Plug *plug, int index, NetlinkBatch *batch);

/* Links on a parent (network-parent.c). */
int network_macvlan_validate(const NetworkSpec *spec, Error *err);
int network_vlan_validate(const NetworkSpec *spec, Error *err);
int network_ipvlan_validate(const NetworkSpec *spec, Error *err);
int network_parent_find(NetworkLinks *links, const NetworkSpec *spec, KernelLink *ret, Error *err);
int network_parent_up(NetworkLinks *links, const NetworkSpec *spec, bool is_start, KernelLink *ret,
                      Error *err);
int network_dummy_up(NetworkLinks *links, const NetworkSpec *spec, bool is_start, KernelLink *ret,
                     Error *err);
void network_macvlan_describe(const Plug *plug, NetlinkMessage *message);
void network_ipvlan_describe(const Plug *plug, NetlinkMessage *message);
void network_dummy_describe(const Plug *plug, NetlinkMessage *message);

/* Bridges with a VXLAN port (network-vxlan.c). */
int network_vxlan_validate(const NetworkSpec *spec, Error *err);
int network_vxlan_up(NetworkLinks *links, const NetworkSpec *spec, bool is_start, KernelLink *ret,
                     Error *err);
int network_vxlan_down(NetworkLinks *links, const NetworkSpec *spec, Error *err);
