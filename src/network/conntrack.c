/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The list of flows is read, and those that are meant are deleted by what identifies them. Without
 * ctnetlink, or when the table changes under us, some flows stay until they are quiet for their
 * time: no reason to fail.
 */

#include "network/conntrack-private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <string.h>

#include "base/cleanup.h"

/* Of the kernel's, for CTA_FILTER_ORIG_FLAGS: the protocol is compared. Linux before 5.8 lists
 * all. */
#define FILTER_PROTOCOL (1U << 3)

#define MESSAGE(type) (NFNL_SUBSYS_CTNETLINK << 8 | (type))

/* One direction of a flow. */
typedef struct Tuple {
    uint8_t protocol;
    IpAddress source, destination;
    uint16_t source_port, destination_port;
} Tuple;

typedef struct Flow {
    Tuple original, reply;
    uint32_t status;
} Flow;

typedef bool (*FlowMatch)(const Flow *flow, const FirewallPort *port);

typedef struct Search {
    const FirewallPort *ports;
    size_t count;
    FlowMatch match;
    NetlinkBatch deletions;
} Search;

static IpAddress read_address(int family, const struct rtattr *attribute)
{
    IpAddress address = { .family = family };
    const void *bytes = netlink_value(attribute, ip_address_size(&address));

    if (bytes)
        memcpy(address.bytes, bytes, ip_address_size(&address));
    return address;
}

static uint16_t read_port(const struct rtattr *attribute)
{
    const uint16_t *port = netlink_value(attribute, sizeof(*port));

    return port ? ntohs(*port) : 0;
}

static int read_tuple(int family, const struct rtattr *attribute, Tuple *ret)
{
    const bool is_ipv6 = family == AF_INET6;
    const struct rtattr *tuple[CTA_TUPLE_MAX + 1], *ip[CTA_IP_MAX + 1], *proto[CTA_PROTO_MAX + 1];
    const uint8_t *protocol;
    int r = netlink_parse_nested(attribute, tuple, ARRAY_SIZE(tuple));

    if (r == 0)
        r = netlink_parse_nested(tuple[CTA_TUPLE_IP], ip, ARRAY_SIZE(ip));
    if (r == 0)
        r = netlink_parse_nested(tuple[CTA_TUPLE_PROTO], proto, ARRAY_SIZE(proto));
    if (r < 0)
        return r;
    protocol = netlink_value(proto[CTA_PROTO_NUM], sizeof(*protocol));
    *ret = (Tuple) {
        .protocol = protocol ? *protocol : 0,
        .source = read_address(family, ip[is_ipv6 ? CTA_IP_V6_SRC : CTA_IP_V4_SRC]),
        .destination = read_address(family, ip[is_ipv6 ? CTA_IP_V6_DST : CTA_IP_V4_DST]),
        .source_port = read_port(proto[CTA_PROTO_SRC_PORT]),
        .destination_port = read_port(proto[CTA_PROTO_DST_PORT]),
    };
    return 0;
}

static void message_init(NetlinkMessage *message, uint16_t type, int family)
{
    struct nfgenmsg *body = netlink_message_init(message, type, sizeof(*body));

    body->nfgen_family = (uint8_t)family;
    body->version = NFNETLINK_V0;
}

/* What identifies a flow: where it began, its zone, and its number, which another one with the same
 * addresses has not. */
static void add_deletion(NetlinkBatch *batch, int family, const struct rtattr *const *attributes)
{
    static const uint16_t kept[] = { CTA_TUPLE_ORIG, CTA_ZONE, CTA_ID };
    NetlinkMessage message;

    message_init(&message, MESSAGE(IPCTNL_MSG_CT_DELETE), family);
    for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
        if (attributes[kept[i]])
            netlink_message_add(&message, attributes[kept[i]]->rta_type,
                                RTA_DATA(attributes[kept[i]]), RTA_PAYLOAD(attributes[kept[i]]));
    netlink_batch_add(batch, &message, 0, ENOENT);
}

static int on_flow(const struct nlmsghdr *answer, void *data)
{
    const struct nfgenmsg *body = NLMSG_DATA(answer);
    const struct rtattr *attributes[CTA_MAX + 1];
    Search *search = data;
    Flow flow = {};
    int r = netlink_parse(answer, sizeof(*body), attributes, ARRAY_SIZE(attributes));

    if (r == 0)
        r = read_tuple(body->nfgen_family, attributes[CTA_TUPLE_ORIG], &flow.original);
    if (r == 0)
        r = read_tuple(body->nfgen_family, attributes[CTA_TUPLE_REPLY], &flow.reply);
    if (r < 0)
        return r;
    flow.status = ntohl(netlink_u32(attributes[CTA_STATUS]));
    for (size_t i = 0; i < search->count; i++)
        if (search->ports[i].protocol == IPPROTO_UDP && flow.original.protocol == IPPROTO_UDP &&
            search->match(&flow, &search->ports[i])) {
            add_deletion(&search->deletions, body->nfgen_family, attributes);
            break;
        }
    return 0;
}

static void ask_for_datagrams(NetlinkMessage *message, int family)
{
    size_t tuple, protocol, filter;

    message_init(message, MESSAGE(IPCTNL_MSG_CT_GET), family);
    tuple = netlink_message_begin(message, CTA_TUPLE_ORIG);
    protocol = netlink_message_begin(message, CTA_TUPLE_PROTO);
    netlink_message_add_u8(message, CTA_PROTO_NUM, IPPROTO_UDP);
    netlink_message_end(message, protocol);
    netlink_message_end(message, tuple);
    filter = netlink_message_begin(message, CTA_FILTER);
    netlink_message_add_u32(message, CTA_FILTER_ORIG_FLAGS, FILTER_PROTOCOL);
    netlink_message_add_u32(message, CTA_FILTER_REPLY_FLAGS, 0);
    netlink_message_end(message, filter);
}

static int on_statistics(const struct nlmsghdr *answer, void *data)
{
    const struct rtattr *attributes[CTA_STATS_GLOBAL_MAX + 1];
    int r = netlink_parse(answer, sizeof(struct nfgenmsg), attributes, ARRAY_SIZE(attributes));

    if (r == 0)
        *(bool *)data = netlink_u32(attributes[CTA_STATS_GLOBAL_ENTRIES]) > 0;
    return r;
}

/* Are there flows at all? Walking through the empty table takes milliseconds. */
static bool has_flows(Netlink *netlink)
{
    NetlinkMessage message;
    bool ret = true;

    message_init(&message, MESSAGE(IPCTNL_MSG_CT_GET_STATS), AF_UNSPEC);
    (void)netlink_query(netlink, &message, NLM_F_ACK, on_statistics, &ret); /* no end else */
    return ret;
}

static void forget(Netlink *netlink, Search *search, int family)
{
    NetlinkMessage message;

    ask_for_datagrams(&message, family);
    (void)netlink_query(netlink, &message, NLM_F_DUMP, on_flow, search);
    (void)netlink_batch_send(netlink, &search->deletions, NULL, NULL);
    netlink_batch_done(&search->deletions);
}

static bool has_datagrams(const FirewallPort *ports, size_t count, int family)
{
    for (size_t i = 0; i < count; i++)
        if (ports[i].protocol == IPPROTO_UDP && ports[i].address.family == family)
            return true;
    return false;
}

static void forget_all(Netlink *netlink, const FirewallPort *ports, size_t count, FlowMatch match)
{
    static const int families[] = { AF_INET, AF_INET6 };

    for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
        Search search = { .ports = ports, .count = count, .match = match };

        if (has_datagrams(ports, count, families[i]) && has_flows(netlink))
            forget(netlink, &search, families[i]);
    }
}

static bool leads_to_target(const Flow *flow, const FirewallPort *port)
{
    return flow->reply.source_port == port->target_port &&
           ip_address_equal(&flow->reply.source, &port->target);
}

static bool comes_by(const Flow *flow, const FirewallPort *port)
{
    return flow->original.destination_port == port->port &&
           (ip_address_is_wildcard(&port->address)
                ? flow->original.destination.family == port->address.family
                : ip_address_equal(&flow->original.destination, &port->address));
}

/* A flow that is passed through the host to somebody else's port of that number has answers. */
static bool is_stray(const Flow *flow, const FirewallPort *port)
{
    return comes_by(flow, port) && !leads_to_target(flow, port) &&
           ((flow->status & IPS_DST_NAT) || !(flow->status & IPS_SEEN_REPLY));
}

static bool is_of_target(const Flow *flow, const FirewallPort *port)
{
    return (flow->status & IPS_DST_NAT) && comes_by(flow, port) && leads_to_target(flow, port);
}

void conntrack_forget_strays(Netlink *netlink, const FirewallPort *ports, size_t count)
{
    forget_all(netlink, ports, count, is_stray);
}

void conntrack_forget_targets(Netlink *netlink, const FirewallPort *ports, size_t count)
{
    forget_all(netlink, ports, count, is_of_target);
}
