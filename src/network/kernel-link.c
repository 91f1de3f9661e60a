/* SPDX-License-Identifier: Apache-2.0 */

/* Requests about links, their addresses and routes, and what the kernel answers. */

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "network/network-link-private.h"

#define LOOPBACK_ROUTE_PRIORITY 2048

static void copy_text(char *target, size_t size, const struct rtattr *attribute)
{
    const char *text = netlink_text(attribute);

    (void)snprintf(target, size, "%s", text ? text : "");
}

static bool filters_vlans(const struct rtattr *info_data)
{
    const struct rtattr *attributes[IFLA_BR_VLAN_FILTERING + 1];
    const uint8_t *value;

    if (netlink_parse_nested(info_data, attributes, ARRAY_SIZE(attributes)) < 0)
        return false;
    value = netlink_value(attributes[IFLA_BR_VLAN_FILTERING], sizeof(*value));
    return value && *value != 0;
}

int kernel_link_on_answer(const struct nlmsghdr *header, void *data)
{
    const struct ifinfomsg *body = NLMSG_DATA(header);
    const struct rtattr *attributes[IFLA_LINKINFO + 20], *info[IFLA_INFO_MAX + 1];
    KernelLink *link = data;
    const void *mac;
    int r = netlink_parse(header, sizeof(*body), attributes, ARRAY_SIZE(attributes));

    if (r == 0)
        r = netlink_parse_nested(attributes[IFLA_LINKINFO], info, ARRAY_SIZE(info));
    if (r < 0)
        return r;
    *link = (KernelLink) {
        .index = body->ifi_index,
        .flags = body->ifi_flags,
        .peer = (int)netlink_u32(attributes[IFLA_LINK]),
        .master = (int)netlink_u32(attributes[IFLA_MASTER]),
        .mtu = netlink_u32(attributes[IFLA_MTU]),
        .group = netlink_u32(attributes[IFLA_GROUP]),
    };
    copy_text(link->name, sizeof(link->name), attributes[IFLA_IFNAME]);
    copy_text(link->kind, sizeof(link->kind), info[IFLA_INFO_KIND]);
    if (strcmp(link->kind, "bridge") == 0)
        link->filters_vlans = filters_vlans(info[IFLA_INFO_DATA]);
    mac = netlink_value(attributes[IFLA_ADDRESS], sizeof(link->mac));
    if (mac)
        memcpy(link->mac, mac, sizeof(link->mac));
    return 0;
}

static void init_query(NetlinkMessage *message, const char *name, int index)
{
    struct ifinfomsg *body = netlink_message_init(message, RTM_GETLINK, sizeof(*body));

    body->ifi_index = index;
    if (index == 0)
        netlink_message_add_string(message, IFLA_IFNAME, name);
    netlink_message_add_u32(message, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
}

void kernel_link_add_query(NetlinkBatch *batch, const char *name, int index)
{
    NetlinkMessage message;

    init_query(&message, name, index);
    netlink_batch_add(batch, &message, 0, 0);
}

int kernel_link_find(Netlink *netlink, const char *name, KernelLink *ret)
{
    NetlinkMessage message;
    int r;

    *ret = (KernelLink) {};
    init_query(&message, name, 0);
    r = netlink_query(netlink, &message, 0, kernel_link_on_answer, ret);
    return r == 0 && ret->index == 0 ? -ENODEV : r;
}

struct ifinfomsg *kernel_link_init(NetlinkMessage *message, int index)
{
    struct ifinfomsg *body = netlink_message_init(message, RTM_NEWLINK, sizeof(*body));

    body->ifi_index = index;
    return body;
}

void kernel_link_add_up(NetlinkBatch *batch, int index)
{
    NetlinkMessage message;
    struct ifinfomsg *body = kernel_link_init(&message, index);

    body->ifi_flags = body->ifi_change = IFF_UP;
    netlink_batch_add(batch, &message, 0, 0);
}

void kernel_link_add_quiet(NetlinkBatch *batch, int index)
{
    NetlinkMessage message;
    size_t families, family;

    (void)kernel_link_init(&message, index);
    families = netlink_message_begin(&message, IFLA_AF_SPEC);
    family = netlink_message_begin(&message, AF_INET6);
    netlink_message_add_u8(&message, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
    netlink_message_end(&message, family);
    netlink_message_end(&message, families);
    netlink_batch_add(batch, &message, 0, EAFNOSUPPORT); /* no IPv6: nothing to keep quiet */
}

void kernel_link_add_address(NetlinkBatch *batch, int index, const IpPrefix *address)
{
    const IpAddress *ip = &address->address;
    NetlinkMessage message;
    struct ifaddrmsg *body;

    if (!ip_address_is_set(ip))
        return;
    body = netlink_message_init(&message, RTM_NEWADDR, sizeof(*body));
    body->ifa_family = (uint8_t)ip->family;
    body->ifa_prefixlen = (uint8_t)address->length;
    body->ifa_index = (unsigned)index;
    netlink_message_add(&message, IFA_LOCAL, ip->bytes, ip_address_size(ip));
    netlink_message_add(&message, IFA_ADDRESS, ip->bytes, ip_address_size(ip));
    netlink_message_add_u32(&message, IFA_FLAGS, IFA_F_NODAD);
    if (ip->family == AF_INET && address->length < 31) {
        const IpAddress broadcast = ip_prefix_last(address);

        netlink_message_add(&message, IFA_BROADCAST, broadcast.bytes, 4);
    }
    netlink_batch_add(batch, &message, NLM_F_CREATE | NLM_F_EXCL, EEXIST);
}

void kernel_link_add_loopback_route(NetlinkBatch *batch, int index)
{
    NetlinkMessage message;
    struct rtmsg *body = netlink_message_init(&message, RTM_NEWROUTE, sizeof(*body));

    *body = (struct rtmsg) {
        .rtm_family = AF_INET6,
        .rtm_dst_len = 128,
        .rtm_table = RT_TABLE_LOCAL,
        .rtm_protocol = RTPROT_STATIC,
        .rtm_scope = RT_SCOPE_UNIVERSE,
        .rtm_type = RTN_LOCAL,
    };
    netlink_message_add(&message, RTA_DST, &in6addr_loopback, sizeof(in6addr_loopback));
    netlink_message_add_u32(&message, RTA_OIF, (uint32_t)index);
    /* behind the loopback's own, which is for packets from here */
    netlink_message_add_u32(&message, RTA_PRIORITY, LOOPBACK_ROUTE_PRIORITY);
    netlink_batch_add(batch, &message, NLM_F_CREATE | NLM_F_EXCL, EEXIST);
}

void kernel_link_add_default_route(NetlinkBatch *batch, int index, const IpAddress *gateway,
                                   uint16_t flags)
{
    NetlinkMessage message;
    struct rtmsg *body;

    if (!ip_address_is_set(gateway))
        return;
    body = netlink_message_init(&message, RTM_NEWROUTE, sizeof(*body));
    body->rtm_family = (uint8_t)gateway->family;
    body->rtm_table = RT_TABLE_MAIN;
    body->rtm_protocol = RTPROT_STATIC;
    body->rtm_scope = RT_SCOPE_UNIVERSE;
    body->rtm_type = RTN_UNICAST;
    netlink_message_add(&message, RTA_GATEWAY, gateway->bytes, ip_address_size(gateway));
    netlink_message_add_u32(&message, RTA_OIF, (uint32_t)index);
    netlink_batch_add(batch, &message, NLM_F_CREATE | flags, 0);
}

int kernel_link_delete(Netlink *netlink, int index)
{
    NetlinkMessage message;
    struct ifinfomsg *body = netlink_message_init(&message, RTM_DELLINK, sizeof(*body));

    body->ifi_index = index;
    return netlink_request(netlink, &message);
}

LinkKind kernel_link_begin_kind(NetlinkMessage *message, const char *kind)
{
    LinkKind begin = { .info = netlink_message_begin(message, IFLA_LINKINFO) };

    netlink_message_add_string(message, IFLA_INFO_KIND, kind);
    begin.data = netlink_message_begin(message, IFLA_INFO_DATA);
    return begin;
}

void kernel_link_end_kind(NetlinkMessage *message, LinkKind kind)
{
    netlink_message_end(message, kind.data);
    netlink_message_end(message, kind.info);
}
