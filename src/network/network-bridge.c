/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Bridges, and veth pairs to them. A bridge that is up is complete: that is the last that is done
 * to it. One that somebody else has made is used as it is, and stays.
 */

#include <errno.h>
#include <linux/if_link.h>
#include <linux/veth.h>
#include <string.h>

#include "base/random-id.h"
#include "network/network-link-private.h"

int network_bridge_validate(const NetworkSpec *spec, Error *err)
{
    if (spec->vlan > 0 && !spec->vlan_filtering)
        return error_set(err, ERROR_INVALID,
                         "a bridge has VLANs with option 'vlan_filtering=true'");
    return 0;
}

/* The hardware address is the network's: a bridge that is made again keeps it, and without one of
 * its own it would change with every container. */
static void add_mac(NetlinkMessage *message, const NetworkSpec *spec)
{
    uint32_t group = network_group(spec);
    uint8_t mac[6] = { 0x02, 0x42 };

    memcpy(mac + 2, &group, sizeof(group));
    netlink_message_add(message, IFLA_ADDRESS, mac, sizeof(mac));
}

static void describe_bridge(NetlinkMessage *message, const NetworkSpec *spec)
{
    LinkKind kind;

    (void)kernel_link_init(message, 0);
    netlink_message_add_string(message, IFLA_IFNAME, spec->interface);
    netlink_message_add_u32(message, IFLA_GROUP, network_group(spec));
    add_mac(message, spec);
    if (spec->mtu > 0)
        netlink_message_add_u32(message, IFLA_MTU, spec->mtu);
    kind = kernel_link_begin_kind(message, "bridge");
    if (spec->vlan_filtering) {
        netlink_message_add_u8(message, IFLA_BR_VLAN_FILTERING, 1);
        if (spec->vlan > 0) /* every port, the host's among them, is in that VLAN and no other */
            netlink_message_add_u16(message, IFLA_BR_VLAN_DEFAULT_PVID, (uint16_t)spec->vlan);
    }
    kernel_link_end_kind(message, kind);
}

static int no_vlans(const NetworkSpec *spec, Error *err)
{
    return error_set(err, ERROR_UNSUPPORTED,
                     "network '%s': bridges of this kernel do not filter VLANs", spec->name);
}

static int create_bridge(NetworkLinks *links, const NetworkSpec *spec, KernelLink *ret, Error *err)
{
    _cleanup_netlink_batch_ NetlinkBatch batch = {};
    NetlinkMessage message;
    int r;

    describe_bridge(&message, spec);
    netlink_batch_add(&batch, &message, NLM_F_CREATE | NLM_F_EXCL, EEXIST); /* by another one */
    kernel_link_add_query(&batch, spec->interface, 0);
    r = netlink_batch_send(&links->host, &batch, kernel_link_on_answer, ret);
    if (r == -EOPNOTSUPP && spec->vlan_filtering)
        return no_vlans(spec, err);
    return r < 0 ? network_kind_error(spec, "bridge", r, err) : 0;
}

/* Before it is up: no router's word is taken from a container, and no address is tried first. */
static int set_up_ipv6(const NetworkSpec *spec, Error *err)
{
    const char *bridge = spec->interface;
    int r = network_sysctl_set("ipv6", bridge, "disable_ipv6", spec->ipv6 ? "0" : "1", err);

    if (r == 0 && spec->ipv6)
        r = network_sysctl_set("ipv6", bridge, "accept_ra", "0", err);
    if (r == 0 && spec->ipv6)
        r = network_sysctl_set("ipv6", bridge, "accept_dad", "0", err);
    return r;
}

/* What somebody else has decided for a bridge of their own stays so, but that it has to route. */
static int set_up_families(const NetworkSpec *spec, bool is_own, Error *err)
{
    const char *bridge = spec->interface;
    int r = is_own ? set_up_ipv6(spec, err) : 0;

    /* Clients at the host's loopback reach published ports. */
    if (r == 0)
        r = network_sysctl_set("ipv4", bridge, "route_localnet", spec->is_internal ? "0" : "1",
                               err);
    if (r == 0 && spec->ipv4 && !spec->is_internal)
        r = network_sysctl_enable_forwarding(IP_V4, err);
    if (r == 0 && spec->ipv6 && !spec->is_internal)
        r = network_sysctl_enable_forwarding(IP_V6, err);
    return r;
}

int network_bridge_set_up(NetworkLinks *links, const NetworkSpec *spec, const KernelLink *bridge,
                          Error *err)
{
    _cleanup_netlink_batch_ NetlinkBatch batch = {};
    int r = set_up_families(spec, bridge->group == network_group(spec), err);

    if (r < 0)
        return r;
    for (IpFamily family = 0; family < _IP_FAMILY_MAX; family++) {
        NetworkPrefixes prefixes;

        if (network_spec_prefixes(spec, family, &prefixes))
            kernel_link_add_address(
                &batch, bridge->index,
                &(IpPrefix) { .address = prefixes.gateway, .length = prefixes.subnet.length });
    }
    kernel_link_add_up(&batch, bridge->index);
    if (spec->ipv6 && !spec->is_internal)
        kernel_link_add_loopback_route(&batch, bridge->index);
    r = netlink_batch_send(&links->host, &batch, NULL, NULL);
    return r < 0 ? error_result(err, r, "set up the bridge '%s'", spec->interface) : 0;
}

int network_bridge_make(NetworkLinks *links, const NetworkSpec *spec, KernelLink *ret, Error *err)
{
    int r = kernel_link_find(&links->host, spec->interface, ret);

    if (r == -ENODEV)
        r = create_bridge(links, spec, ret, err);
    else if (r < 0)
        return error_result(err, r, "find the bridge '%s'", spec->interface);
    if (r == 0)
        r = network_check_kind(spec, ret, "bridge", err);
    if (r < 0 || !spec->vlan_filtering || ret->filters_vlans)
        return r;
    if (ret->group == network_group(spec))
        return no_vlans(spec, err);
    return error_set(err, ERROR_CONFLICT,
                     "network '%s': the bridge '%s' is somebody else's, and does not filter VLANs",
                     spec->name, spec->interface);
}

bool network_bridge_is_complete(const NetworkSpec *spec, const KernelLink *bridge)
{
    return bridge->group == network_group(spec) && (bridge->flags & IFF_UP);
}

int network_bridge_up(NetworkLinks *links, const NetworkSpec *spec, bool is_start, KernelLink *ret,
                      Error *err)
{
    int r = network_bridge_make(links, spec, ret, err);

    if (r < 0 || (is_start && network_bridge_is_complete(spec, ret)))
        return r;
    return network_bridge_set_up(links, spec, ret, err);
}

void network_bridge_describe(const Plug *plug, NetlinkMessage *message)
{
    const NetworkAttachment *attachment = plug->attachment;
    char *host_interface = plug->attachment->host_interface;
    LinkKind kind;
    size_t peer;

    (void)strncpy(host_interface, "veth", IFNAMSIZ);
    random_hex(host_interface + strlen("veth"), 7);
    (void)kernel_link_init(message, 0);
    netlink_message_add_string(message, IFLA_IFNAME, host_interface);
    netlink_message_add_u32(message, IFLA_GROUP, network_group(attachment->network));
    netlink_message_add_u32(message, IFLA_MTU, plug->base.mtu);

    kind = kernel_link_begin_kind(message, "veth");
    peer = netlink_message_begin(message, VETH_INFO_PEER);
    (void)netlink_message_extend(message, sizeof(struct ifinfomsg));
    netlink_message_add_string(message, IFLA_IFNAME, attachment->interface);
    netlink_message_add_u32(message, IFLA_NET_NS_FD, (uint32_t)plug->netns_fd);
    netlink_message_add_u32(message, IFLA_MTU, plug->base.mtu);
    if (network_mac_is_set(attachment->mac))
        netlink_message_add(message, IFLA_ADDRESS, attachment->mac, sizeof(attachment->mac));
    netlink_message_end(message, peer);
    kernel_link_end_kind(message, kind);
}

void network_bridge_add_port_settings(NetlinkBatch *batch, int index, bool is_isolated,
                                      bool reflects)
{
    NetlinkMessage message;
    size_t info, data;

    if (!is_isolated && !reflects)
        return;
    (void)kernel_link_init(&message, index);
    info = netlink_message_begin(&message, IFLA_LINKINFO);
    netlink_message_add_string(&message, IFLA_INFO_SLAVE_KIND, "bridge");
    data = netlink_message_begin(&message, IFLA_INFO_SLAVE_DATA);
    netlink_message_add_u8(&message, IFLA_BRPORT_ISOLATED, is_isolated);
    netlink_message_add_u8(&message, IFLA_BRPORT_MODE, reflects);
    netlink_message_end(&message, data);
    netlink_message_end(&message, info);
    netlink_batch_add(batch, &message, 0, 0);
}

void network_bridge_join(const Plug *plug, int index, NetlinkBatch *batch)
{
    NetlinkMessage message;

    kernel_link_add_quiet(batch, index);
    (void)kernel_link_init(&message, index);
    netlink_message_add_u32(&message, IFLA_MASTER, (uint32_t)plug->base.index);
    netlink_batch_add(batch, &message, 0, 0);
    network_bridge_add_port_settings(batch, index, plug->attachment->network->no_container_traffic,
                                     network_sysctl_filters_bridges(IP_V4) ||
                                         network_sysctl_filters_bridges(IP_V6));
    kernel_link_add_up(batch, index);
}
