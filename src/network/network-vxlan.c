/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A bridge with a VXLAN port to other hosts, which are those of a multicast group or named one by
 * one. The port is there before the bridge is up, and so complete.
 */

#include <errno.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <stdio.h>

#include "network/network-link-private.h"

#define DEFAULT_PORT 4789 /* IANA's, as the kernel's own is another one */

static void make_port_name(const NetworkSpec *spec, char name[static IFNAMSIZ])
{
    (void)snprintf(name, IFNAMSIZ, "vx-%.12s", spec->id);
}

static int check_peers(const NetworkSpec *spec, Error *err)
{
    int family = 0;

    for (size_t i = 0; i < spec->vxlan_peers.count; i++) {
        const char *text = spec->vxlan_peers.items[i];
        IpAddress peer;

        if (ip_address_parse(text, &peer) < 0 || ip_address_is_wildcard(&peer))
            return error_set(err, ERROR_INVALID, "'%s' is no address of another host", text);
        if (family != 0 && family != peer.family)
            return error_set(err, ERROR_INVALID, "peers of a vxlan are of one family");
        family = peer.family;
        if (ip_address_is_multicast(&peer) && (spec->vxlan_peers.count > 1 || !spec->parent))
            return error_set(err, ERROR_INVALID,
                             "a multicast group of a vxlan stands alone and needs option 'parent'");
    }
    return 0;
}

int network_vxlan_validate(const NetworkSpec *spec, Error *err)
{
    IpAddress local;

    if (spec->vni == 0)
        return error_set(err, ERROR_INVALID, "a vxlan needs option 'vni', its id");
    if (spec->vxlan_local && ip_address_parse(spec->vxlan_local, &local) < 0)
        return error_set(err, ERROR_INVALID, "option 'local': '%s' is no address",
                         spec->vxlan_local);
    return check_peers(spec, err);
}

static void add_ip(NetlinkMessage *message, uint16_t type4, uint16_t type6, const char *text)
{
    IpAddress address;

    if (text && ip_address_parse(text, &address) == 0)
        netlink_message_add(message, address.family == AF_INET ? type4 : type6, address.bytes,
                            ip_address_size(&address));
}

static const char *group_of(const NetworkSpec *spec)
{
    const char *first = spec->vxlan_peers.count > 0 ? spec->vxlan_peers.items[0] : NULL;
    IpAddress address;

    return first && ip_address_parse(first, &address) == 0 && ip_address_is_multicast(&address)
               ? first
               : NULL;
}

static void describe_port(NetlinkMessage *message, const NetworkSpec *spec, const char *name,
                          const KernelLink *parent)
{
    uint32_t port = spec->vxlan_port ? spec->vxlan_port : DEFAULT_PORT;
    LinkKind kind;

    (void)kernel_link_init(message, 0);
    netlink_message_add_string(message, IFLA_IFNAME, name);
    netlink_message_add_u32(message, IFLA_GROUP, network_group(spec));
    netlink_message_add_u32(message, IFLA_MTU, spec->mtu);
    kind = kernel_link_begin_kind(message, "vxlan");
    netlink_message_add_u32(message, IFLA_VXLAN_ID, spec->vni);
    netlink_message_add_be16(message, IFLA_VXLAN_PORT, (uint16_t)port);
    netlink_message_add_u8(message, IFLA_VXLAN_LEARNING, 1);
    if (parent->index > 0)
        netlink_message_add_u32(message, IFLA_VXLAN_LINK, (uint32_t)parent->index);
    add_ip(message, IFLA_VXLAN_LOCAL, IFLA_VXLAN_LOCAL6, spec->vxlan_local);
    add_ip(message, IFLA_VXLAN_GROUP, IFLA_VXLAN_GROUP6, group_of(spec));
    /* With IPv6 peers and nothing else that says so it would be a socket of IPv4. */
    if (!spec->vxlan_local && !group_of(spec) && spec->vxlan_peers.count > 0)
        add_ip(message, IFLA_VXLAN_GROUP, IFLA_VXLAN_GROUP6, spec->vxlan_peers.items[0]);
    kernel_link_end_kind(message, kind);
}

/* What has no known place goes to every peer. */
static void add_peer(NetlinkBatch *batch, int index, const IpAddress *peer)
{
    static const uint8_t everybody[6];
    NetlinkMessage message;
    struct ndmsg *body = netlink_message_init(&message, RTM_NEWNEIGH, sizeof(*body));

    body->ndm_family = AF_BRIDGE;
    body->ndm_ifindex = index;
    body->ndm_state = NUD_NOARP | NUD_PERMANENT;
    body->ndm_flags = NTF_SELF;
    netlink_message_add(&message, NDA_LLADDR, everybody, sizeof(everybody));
    netlink_message_add(&message, NDA_DST, peer->bytes, ip_address_size(peer));
    netlink_batch_add(batch, &message, NLM_F_CREATE | NLM_F_APPEND, EEXIST);
}

static int set_up_port(NetworkLinks *links, const NetworkSpec *spec, int index, int bridge,
                       Error *err)
{
    _cleanup_netlink_batch_ NetlinkBatch batch = {};
    NetlinkMessage message;
    int r;

    for (size_t i = 0; i < spec->vxlan_peers.count; i++) {
        IpAddress peer;

        if (ip_address_parse(spec->vxlan_peers.items[i], &peer) == 0 &&
            !ip_address_is_multicast(&peer))
            add_peer(&batch, index, &peer);
    }
    kernel_link_add_quiet(&batch, index);
    (void)kernel_link_init(&message, index);
    netlink_message_add_u32(&message, IFLA_MASTER, (uint32_t)bridge);
    netlink_batch_add(&batch, &message, 0, 0);
    /* containers of other hosts are beside it, too */
    network_bridge_add_port_settings(&batch, index, spec->no_container_traffic, false);
    kernel_link_add_up(&batch, index);
    r = netlink_batch_send(&links->host, &batch, NULL, NULL);
    return r < 0 ? error_result(err, r, "network '%s': set up its vxlan", spec->name) : 0;
}

static int make_port(NetworkLinks *links, const NetworkSpec *spec, KernelLink *ret, Error *err)
{
    _cleanup_netlink_batch_ NetlinkBatch batch = {};
    char name[IFNAMSIZ];
    NetlinkMessage message;
    KernelLink parent = {};
    int r = spec->parent ? network_parent_find(links, spec, &parent, err) : 0;

    if (r < 0)
        return r;
    make_port_name(spec, name);
    describe_port(&message, spec, name, &parent);
    netlink_batch_add(&batch, &message, NLM_F_CREATE | NLM_F_EXCL, EEXIST);
    kernel_link_add_query(&batch, name, 0);
    r = netlink_batch_send(&links->host, &batch, kernel_link_on_answer, ret);
    if (r == -ENODEV)
        return error_set(err, ERROR_CONFLICT, "network '%s': the host has a vxlan %u already",
                         spec->name, spec->vni);
    return r < 0 ? network_kind_error(spec, "vxlan", r, err) : 0;
}

int network_vxlan_up(NetworkLinks *links, const NetworkSpec *spec, bool is_start, KernelLink *ret,
                     Error *err)
{
    KernelLink port;
    int r = network_bridge_make(links, spec, ret, err);

    if (r < 0 || (is_start && network_bridge_is_complete(spec, ret)))
        return r;
    r = make_port(links, spec, &port, err);
    if (r == 0)
        r = set_up_port(links, spec, port.index, ret->index, err);
    return r < 0 ? r : network_bridge_set_up(links, spec, ret, err);
}

int network_vxlan_down(NetworkLinks *links, const NetworkSpec *spec, Error *err)
{
    char name[IFNAMSIZ];

    make_port_name(spec, name);
    return network_remove_interface(links, spec, name, err);
}
