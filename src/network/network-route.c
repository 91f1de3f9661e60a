/* SPDX-License-Identifier: Apache-2.0 */

/* Where packets go: what the host has routes for, and a container's default routes. */

#include <errno.h>
#include <string.h>

#include "base/memory.h"
#include "network/network-link-private.h"

#define LIST_ATTEMPTS 8 /* of a list that changes while it is read */

typedef struct PrefixBuilder {
    NetworkPrefixList list;
    size_t capacity;
} PrefixBuilder;

void network_prefixes_done(NetworkPrefixList *list)
{
    free(list->items);
    *list = (NetworkPrefixList) {};
}

/* Routes that lead everywhere do not make an address somebody's: the default one, and the halves
 * by which VPNs hide it. */
static bool is_default(const IpPrefix *prefix)
{
    return prefix->length <= (prefix->address.family == AF_INET ? 1 : 3);
}

/* Every interface and every host has these. */
static bool is_everybodys(const IpPrefix *prefix)
{
    const uint8_t *bytes = prefix->address.bytes;

    if (prefix->address.family == AF_INET)
        return bytes[0] == 127 || bytes[0] >= 224;
    return bytes[0] == 0xff || (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80) ||
           ip_address_is_loopback(&prefix->address);
}

static int on_route(const struct nlmsghdr *header, void *data)
{
    const struct rtmsg *body = NLMSG_DATA(header);
    const struct rtattr *attributes[RTA_DST + 1];
    PrefixBuilder *builder = data;
    IpPrefix prefix = {};
    const void *bytes;
    int r = netlink_parse(header, sizeof(*body), attributes, ARRAY_SIZE(attributes));

    if (r < 0)
        return r;
    if ((body->rtm_family != AF_INET && body->rtm_family != AF_INET6) ||
        body->rtm_type == RTN_BROADCAST || body->rtm_type == RTN_MULTICAST ||
        body->rtm_type == RTN_ANYCAST || (body->rtm_flags & RTM_F_CLONED))
        return 0;
    prefix.address.family = body->rtm_family;
    prefix.length = body->rtm_dst_len;
    bytes = netlink_value(attributes[RTA_DST], ip_address_size(&prefix.address));
    if (bytes)
        memcpy(prefix.address.bytes, bytes, ip_address_size(&prefix.address));
    if (is_default(&prefix) || is_everybodys(&prefix))
        return 0;
    builder->list.items = memory_grow(builder->list.items, &builder->capacity,
                                      builder->list.count + 1, sizeof(prefix));
    builder->list.items[builder->list.count++] = prefix;
    return 0;
}

int network_list_host_prefixes(NetworkLinks *links, NetworkPrefixList *ret, Error *err)
{
    int r = network_links_connect(links, err);

    if (r < 0)
        return r;
    r = -EAGAIN;
    for (size_t i = 0; r == -EAGAIN && i < LIST_ATTEMPTS; i++) {
        NetlinkMessage message;
        PrefixBuilder builder = {};

        (void)netlink_message_init(&message, RTM_GETROUTE, sizeof(struct rtmsg));
        r = netlink_query(&links->host, &message, NLM_F_DUMP, on_route, &builder);
        if (r == 0)
            *ret = builder.list;
        else
            network_prefixes_done(&builder.list);
    }
    return r < 0 ? error_result(err, r, "list the routes of the host") : 0;
}

/* All that there are, however many. */
static int delete_default_routes(Netlink *netlink, IpFamily family)
{
    int r;

    do {
        NetlinkMessage message;
        struct rtmsg *body = netlink_message_init(&message, RTM_DELROUTE, sizeof(*body));

        body->rtm_family = family == IP_V4 ? AF_INET : AF_INET6;
        body->rtm_table = RT_TABLE_MAIN;
        body->rtm_scope = family == IP_V4 ? RT_SCOPE_NOWHERE : RT_SCOPE_UNIVERSE;
        r = netlink_request(netlink, &message);
    } while (r == 0);
    return r == -ESRCH || r == -ENOENT ? 0 : r; /* ENOENT: the IPv6 table's end was met */
}

static int replace_default_route(Netlink *inside, IpFamily family, const char *interface,
                                 const IpAddress *gateway)
{
    _cleanup_netlink_batch_ NetlinkBatch batch = {};
    KernelLink link;
    int r;

    if (!ip_address_is_set(gateway))
        return delete_default_routes(inside, family);
    r = kernel_link_find(inside, interface, &link);
    if (r < 0)
        return r;
    kernel_link_add_default_route(&batch, link.index, gateway, NLM_F_REPLACE);
    return netlink_batch_send(inside, &batch, NULL, NULL);
}

int network_set_default_route(NetworkLinks *links, int netns_fd, IpFamily family,
                              const char *interface, const IpAddress *gateway, Error *err)
{
    _cleanup_netns_visit_ NetnsVisit visit = NETNS_VISIT_NONE;
    char text[IP_ADDRESS_TEXT_MAX];
    int r = netns_visit_begin(netns_fd, &visit, err);

    (void)links;
    if (r < 0)
        return r;
    r = replace_default_route(&visit.inside, family, interface, gateway);
    return r < 0 ? error_result(err, r, "set the container's default route to '%s'",
                                ip_address_format(gateway, text))
                 : 0;
}
