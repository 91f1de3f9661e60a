/* SPDX-License-Identifier: Apache-2.0 */

/* Three lists of the kernel's, put together: links, addresses, and where the ends of tunnels are.
 * Links come and go while they are read: what belongs to one that is not in the list is left out.
 */

#include "network/network-survey.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/memory.h"
#include "network/network-link-private.h"

#define ATTEMPTS 8 /* at a list that changes under us */

void network_survey_done(NetworkSurvey *survey)
{
    for (size_t i = 0; i < survey->count; i++) {
        free(survey->links[i].addresses.items);
        free(survey->links[i].remotes.items);
    }
    free(survey->links);
    *survey = (NetworkSurvey) {};
}

static SurveyLink *find(const NetworkSurvey *survey, int index)
{
    for (size_t i = 0; i < survey->count; i++)
        if (survey->links[i].index == index)
            return &survey->links[i];
    return NULL;
}

const SurveyLink *network_survey_find(const NetworkSurvey *survey, int index)
{
    return find(survey, index);
}

const SurveyLink *network_survey_find_name(const NetworkSurvey *survey, const char *name)
{
    for (size_t i = 0; i < survey->count; i++)
        if (strcmp(survey->links[i].name, name) == 0)
            return &survey->links[i];
    return NULL;
}

static void copy_text(char *target, size_t size, const struct rtattr *attribute)
{
    const char *text = netlink_text(attribute);

    (void)snprintf(target, size, "%s", text ? text : ""); /* names and kinds fit */
}

static bool read_ip(int family, const struct rtattr *attribute, IpAddress *ret)
{
    IpAddress address = { .family = family };
    const void *bytes;

    if (family != AF_INET && family != AF_INET6)
        return false;
    bytes = netlink_value(attribute, ip_address_size(&address));
    if (!bytes)
        return false;
    memcpy(address.bytes, bytes, ip_address_size(&address));
    *ret = address;
    return true;
}

static void add_address(SurveyAddresses *addresses, const IpPrefix *prefix)
{
    addresses->items = memory_grow(addresses->items, &addresses->capacity, addresses->count + 1,
                                   sizeof(*addresses->items));
    addresses->items[addresses->count++] = *prefix;
}

static bool has_address(const SurveyAddresses *addresses, const IpAddress *address)
{
    for (size_t i = 0; i < addresses->count; i++)
        if (ip_address_equal(&addresses->items[i].address, address))
            return true;
    return false;
}

/* --- what some kinds have of their own --- */

typedef struct ModeName {
    uint32_t value;
    const char *name;
} ModeName;

static void name_mode(SurveyLink *link, const ModeName *modes, size_t count, uint32_t value)
{
    for (size_t i = 0; i < count; i++)
        if (modes[i].value == value)
            (void)snprintf(link->mode, sizeof(link->mode), "%s", modes[i].name); /* fits */
}

static int read_macvlan(SurveyLink *link, const struct rtattr *data)
{
    static const ModeName modes[] = {
        { MACVLAN_MODE_PRIVATE, "private" },
        { MACVLAN_MODE_VEPA, "vepa" },
        { MACVLAN_MODE_BRIDGE, "bridge" },
        { MACVLAN_MODE_PASSTHRU, "passthru" },
    };
    const struct rtattr *attributes[IFLA_MACVLAN_MODE + 1];
    int r = netlink_parse_nested(data, attributes, ARRAY_SIZE(attributes));

    if (r == 0)
        name_mode(link, modes, ARRAY_SIZE(modes), netlink_u32(attributes[IFLA_MACVLAN_MODE]));
    return r;
}

static int read_ipvlan(SurveyLink *link, const struct rtattr *data)
{
    static const ModeName modes[] = {
        { IPVLAN_MODE_L2, "l2" },
        { IPVLAN_MODE_L3, "l3" },
        { IPVLAN_MODE_L3S, "l3s" },
    };
    const struct rtattr *attributes[IFLA_IPVLAN_MODE + 1];
    int r = netlink_parse_nested(data, attributes, ARRAY_SIZE(attributes));
    const uint16_t *mode;

    if (r < 0)
        return r;
    mode = netlink_value(attributes[IFLA_IPVLAN_MODE], sizeof(*mode));
    if (mode)
        name_mode(link, modes, ARRAY_SIZE(modes), *mode);
    return 0;
}

static int read_vlan(SurveyLink *link, const struct rtattr *data)
{
    const struct rtattr *attributes[IFLA_VLAN_ID + 1];
    int r = netlink_parse_nested(data, attributes, ARRAY_SIZE(attributes));
    const uint16_t *id;

    if (r < 0)
        return r;
    id = netlink_value(attributes[IFLA_VLAN_ID], sizeof(*id));
    link->vlan = id ? *id : 0;
    return 0;
}

static int read_vxlan(SurveyLink *link, const struct rtattr *data)
{
    const struct rtattr *attributes[IFLA_VXLAN_GROUP6 + 1];
    int r = netlink_parse_nested(data, attributes, ARRAY_SIZE(attributes));
    const uint16_t *port;

    if (r < 0)
        return r;
    link->vni = netlink_u32(attributes[IFLA_VXLAN_ID]);
    port = netlink_value(attributes[IFLA_VXLAN_PORT], sizeof(*port));
    link->port = port ? ntohs(*port) : 0;
    if (!read_ip(AF_INET, attributes[IFLA_VXLAN_GROUP], &link->group))
        (void)read_ip(AF_INET6, attributes[IFLA_VXLAN_GROUP6], &link->group);
    if (!ip_address_is_multicast(
            &link->group)) /* a peer's, which is in the table of those as well */
        link->group = (IpAddress) {};
    return 0;
}

static const struct {
    const char *kind;
    int (*read)(SurveyLink *link, const struct rtattr *data);
} kinds[] = {
    { "macvlan", read_macvlan },
    { "ipvlan", read_ipvlan },
    { "vlan", read_vlan },
    { "vxlan", read_vxlan },
};

/* --- the lists --- */

static int on_link(const struct nlmsghdr *header, void *data)
{
    const struct ifinfomsg *body = NLMSG_DATA(header);
    const struct rtattr *attributes[IFLA_LINK_NETNSID + 1], *info[IFLA_INFO_MAX + 1];
    NetworkSurvey *survey = data;
    SurveyLink link = { .index = body->ifi_index, .flags = body->ifi_flags };
    int r;

    if (header->nlmsg_type != RTM_NEWLINK)
        return 0;
    r = netlink_parse(header, sizeof(*body), attributes, ARRAY_SIZE(attributes));
    if (r == 0)
        r = netlink_parse_nested(attributes[IFLA_LINKINFO], info, ARRAY_SIZE(info));
    if (r < 0)
        return r;
    link.peer = (int)netlink_u32(attributes[IFLA_LINK]);
    link.is_peer_elsewhere = attributes[IFLA_LINK_NETNSID];
    link.master = (int)netlink_u32(attributes[IFLA_MASTER]);
    link.mtu = netlink_u32(attributes[IFLA_MTU]);
    copy_text(link.name, sizeof(link.name), attributes[IFLA_IFNAME]);
    copy_text(link.kind, sizeof(link.kind), info[IFLA_INFO_KIND]);
    for (size_t i = 0; i < ARRAY_SIZE(kinds) && r == 0; i++)
        if (strcmp(kinds[i].kind, link.kind) == 0)
            r = kinds[i].read(&link, info[IFLA_INFO_DATA]);
    if (r < 0)
        return r;
    survey->links =
        memory_grow(survey->links, &survey->capacity, survey->count + 1, sizeof(*survey->links));
    survey->links[survey->count++] = link;
    return 0;
}

/* Of an address with a peer IFA_LOCAL is our own. */
static int on_address(const struct nlmsghdr *header, void *data)
{
    const struct ifaddrmsg *body = NLMSG_DATA(header);
    const struct rtattr *attributes[IFA_MAX + 1];
    IpPrefix prefix = { .length = body->ifa_prefixlen };
    SurveyLink *link = find(data, (int)body->ifa_index);
    int r = netlink_parse(header, sizeof(*body), attributes, ARRAY_SIZE(attributes));

    if (r < 0 || header->nlmsg_type != RTM_NEWADDR || !link)
        return r;
    if (read_ip(body->ifa_family, attributes[IFA_LOCAL], &prefix.address) ||
        read_ip(body->ifa_family, attributes[IFA_ADDRESS], &prefix.address))
        add_address(&link->addresses, &prefix);
    return 0;
}

/* The entries of a tunnel for all that it knows nothing better for are its static peers. */
static int on_neighbour(const struct nlmsghdr *header, void *data)
{
    static const uint8_t anybody[6];
    const struct ndmsg *body = NLMSG_DATA(header);
    const struct rtattr *attributes[NDA_MAX + 1];
    IpPrefix prefix = {};
    SurveyLink *link = find(data, body->ndm_ifindex);
    const struct rtattr *to;
    const void *mac;
    int r = netlink_parse(header, sizeof(*body), attributes, ARRAY_SIZE(attributes));

    if (r < 0 || header->nlmsg_type != RTM_NEWNEIGH || !link || strcmp(link->kind, "vxlan") != 0)
        return r;
    to = attributes[NDA_DST];
    mac = netlink_value(attributes[NDA_LLADDR], sizeof(anybody));
    if (!mac || memcmp(mac, anybody, sizeof(anybody)) != 0 || !to)
        return 0;
    if (!read_ip(RTA_PAYLOAD(to) == 4 ? AF_INET : AF_INET6, to, &prefix.address) ||
        ip_address_equal(&prefix.address, &link->group))
        return 0;
    prefix.length = ip_address_bits(&prefix.address);
    if (!has_address(&link->remotes, &prefix.address)) /* once through each interface */
        add_address(&link->remotes, &prefix);
    return 0;
}

static int query(Netlink *netlink, uint16_t type, size_t body_size, uint8_t family,
                 NetlinkHandler handler, NetworkSurvey *survey)
{
    NetlinkMessage message;
    /* The family is the first byte of all these bodies. */
    uint8_t *body = netlink_message_init(&message, type, body_size);

    *body = family;
    if (type == RTM_GETLINK)
        netlink_message_add_u32(&message, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
    return netlink_query(netlink, &message, NLM_F_DUMP, handler, survey);
}

static bool has_tunnel(const NetworkSurvey *survey)
{
    for (size_t i = 0; i < survey->count; i++)
        if (strcmp(survey->links[i].kind, "vxlan") == 0)
            return true;
    return false;
}

static int compare_links(const void *a, const void *b)
{
    const SurveyLink *one = a, *other = b;

    return one->index < other->index ? -1 : one->index > other->index;
}

static int compare_prefixes(const void *a, const void *b)
{
    return ip_address_compare(&((const IpPrefix *)a)->address, &((const IpPrefix *)b)->address);
}

static int read_lists(Netlink *netlink, NetworkSurvey *survey)
{
    int r = query(netlink, RTM_GETLINK, sizeof(struct ifinfomsg), AF_UNSPEC, on_link, survey);

    if (r == 0)
        r = query(netlink, RTM_GETADDR, sizeof(struct ifaddrmsg), AF_UNSPEC, on_address, survey);
    if (r == 0 && has_tunnel(survey))
        r = query(netlink, RTM_GETNEIGH, sizeof(struct ndmsg), AF_BRIDGE, on_neighbour, survey);
    if (r < 0)
        return r;
    if (survey->count > 1)
        qsort(survey->links, survey->count, sizeof(*survey->links), compare_links);
    for (size_t i = 0; i < survey->count; i++)
        if (survey->links[i].remotes.count > 1)
            qsort(survey->links[i].remotes.items, survey->links[i].remotes.count, sizeof(IpPrefix),
                  compare_prefixes);
    return 0;
}

static int survey_socket(Netlink *netlink, NetworkSurvey *ret, Error *err)
{
    int r = -EAGAIN;

    for (int i = 0; i < ATTEMPTS && r == -EAGAIN; i++) {
        network_survey_done(ret);
        r = read_lists(netlink, ret);
    }
    return r < 0 ? error_result(err, r, "read the links of a network namespace") : 0;
}

int network_survey(int netns_fd, NetworkSurvey *ret, Error *err)
{
    _cleanup_netns_visit_ NetnsVisit visit = NETNS_VISIT_NONE;
    _cleanup_network_survey_ NetworkSurvey survey = {};
    int r;

    if (netns_fd >= 0) {
        r = netns_visit_begin(netns_fd, &visit, err);
        if (r < 0)
            return r;
        netns_visit_go_home(&visit); /* its socket stays there */
    } else {
        visit.inside = (Netlink) { .fd = netlink_open() };
        if (visit.inside.fd < 0)
            return error_result(err, visit.inside.fd, "open a netlink socket");
    }
    r = survey_socket(&visit.inside, &survey, err);
    if (r < 0)
        return r;
    *ret = survey;
    survey = (NetworkSurvey) {};
    return 0;
}
