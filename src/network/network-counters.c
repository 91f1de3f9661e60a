/* SPDX-License-Identifier: Apache-2.0 */

/* What went through the interfaces of a container. */

#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "network/network-link-private.h"

#define LIST_ATTEMPTS 8 /* of a list that changes while it is read */

typedef struct CountersBuilder {
    NetworkCountersList list;
    size_t capacity;
} CountersBuilder;

void network_counters_done(NetworkCountersList *list)
{
    free(list->items);
    *list = (NetworkCountersList) {};
}

static int on_link(const struct nlmsghdr *header, void *data)
{
    const struct ifinfomsg *body = NLMSG_DATA(header);
    const struct rtattr *attributes[IFLA_STATS64 + 1];
    struct rtnl_link_stats64 stats;
    CountersBuilder *builder = data;
    NetworkCounters *counters;
    const char *name;
    int r = netlink_parse(header, sizeof(*body), attributes, ARRAY_SIZE(attributes));

    if (r < 0 || (body->ifi_flags & IFF_LOOPBACK))
        return r;
    name = netlink_text(attributes[IFLA_IFNAME]);
    if (!name ||
        !netlink_value(attributes[IFLA_STATS64], offsetof(struct rtnl_link_stats64, multicast)))
        return -EBADMSG;
    /* It may be aligned to 4 bytes only. */
    memcpy(&stats, RTA_DATA(attributes[IFLA_STATS64]),
           offsetof(struct rtnl_link_stats64, multicast));
    builder->list.items = memory_grow(builder->list.items, &builder->capacity,
                                      builder->list.count + 1, sizeof(*counters));
    counters = &builder->list.items[builder->list.count++];
    *counters = (NetworkCounters) {
        .rx_bytes = stats.rx_bytes,
        .rx_packets = stats.rx_packets,
        .rx_errors = stats.rx_errors,
        .rx_dropped = stats.rx_dropped,
        .tx_bytes = stats.tx_bytes,
        .tx_packets = stats.tx_packets,
        .tx_errors = stats.tx_errors,
        .tx_dropped = stats.tx_dropped,
    };
    (void)snprintf(counters->interface, sizeof(counters->interface), "%s", name);
    return 0;
}

int network_read_counters(int netns_fd, NetworkCountersList *ret, Error *err)
{
    _cleanup_netns_visit_ NetnsVisit visit = NETNS_VISIT_NONE;
    int r = netns_visit_begin(netns_fd, &visit, err);

    if (r < 0)
        return r;
    netns_visit_go_home(&visit);
    r = -EAGAIN;
    for (size_t i = 0; r == -EAGAIN && i < LIST_ATTEMPTS; i++) {
        NetlinkMessage message;
        CountersBuilder builder = {};

        (void)netlink_message_init(&message, RTM_GETLINK, sizeof(struct ifinfomsg));
        r = netlink_query(&visit.inside, &message, NLM_F_DUMP, on_link, &builder);
        if (r == 0)
            *ret = builder.list;
        else
            network_counters_done(&builder.list);
    }
    return r < 0 ? error_result(err, r, "list the container's interfaces") : 0;
}
