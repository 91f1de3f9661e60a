/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Limits of rates. What comes to a container is held back by a token bucket at the host's end of
 * its link, where the container cannot change it; what comes from it is led there through an ifb,
 * as only what leaves an interface can be queued. The ifb has the digits of the host's end, and is
 * the one thing that does not go with the container's namespace: network_release_host().
 *
 * A link without a host's end (macvlan, ipvlan) has its bucket inside, for what the container
 * sends: one with CAP_NET_ADMIN can take it away.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/tc_act/tc_mirred.h>
#include <stdalign.h>
#include <stdio.h>
#include <string.h>

#include "network/network-link-private.h"

#define BUCKET_HANDLE 0x10000
#define INGRESS_HANDLE 0xffff0000

/* What may come at once: that of 20 ms, and enough for a few full packets. */
#define BURST_DIVISOR 50
#define BURST_MIN (16 << 10)
/* What may wait: that of 50 ms, and enough for a window of a slow link. */
#define QUEUE_DIVISOR 20
#define QUEUE_MIN (64 << 10)

static uint32_t bounded(uint64_t value, uint32_t least)
{
    if (value < least)
        return least;
    return value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
}

static struct tcmsg *init_qdisc(NetlinkMessage *message, uint16_t type, int index, uint32_t handle,
                                uint32_t parent)
{
    struct tcmsg *body = netlink_message_init(message, type, sizeof(*body));

    body->tcm_ifindex = index;
    body->tcm_handle = handle;
    body->tcm_parent = parent;
    return body;
}

/* Put a bucket of @rate (bits a second) before what leaves the link, or change it. */
static void add_bucket(NetlinkBatch *batch, int index, uint64_t rate)
{
    const uint64_t bytes = rate / 8 > 0 ? rate / 8 : 1;
    const uint32_t burst = bounded(bytes / BURST_DIVISOR, BURST_MIN);
    const struct tc_tbf_qopt bucket = {
        .rate = { .rate = bounded(bytes, 1), .linklayer = TC_LINKLAYER_ETHERNET },
        .limit = bounded(bytes / QUEUE_DIVISOR + burst, QUEUE_MIN),
    };
    NetlinkMessage message;
    size_t options;

    (void)init_qdisc(&message, RTM_NEWQDISC, index, BUCKET_HANDLE, TC_H_ROOT);
    netlink_message_add_string(&message, TCA_KIND, "tbf");
    options = netlink_message_begin(&message, TCA_OPTIONS);
    netlink_message_add(&message, TCA_TBF_PARMS, &bucket, sizeof(bucket));
    netlink_message_add_u32(&message, TCA_TBF_BURST, burst);
    if (bytes > UINT32_MAX)
        netlink_message_add(&message, TCA_TBF_RATE64, &bytes, sizeof(bytes));
    netlink_message_end(&message, options);
    netlink_batch_add(batch, &message, NLM_F_CREATE | NLM_F_REPLACE, 0);
}

static void remove_bucket(NetlinkBatch *batch, int index)
{
    NetlinkMessage message;

    /* EINVAL: the queue there has another handle, as the kernel's own have none. */
    (void)init_qdisc(&message, RTM_DELQDISC, index, BUCKET_HANDLE, TC_H_ROOT);
    netlink_batch_add(batch, &message, 0, EINVAL);
}

static void set_bucket(NetlinkBatch *batch, int index, uint64_t rate)
{
    if (rate > 0)
        add_bucket(batch, index, rate);
    else
        remove_bucket(batch, index);
}

/* All that comes in at @index goes out at @target. */
static void add_redirection(NetlinkBatch *batch, int index, int target)
{
    /* with one key, which matches anything */
    alignas(struct tc_u32_sel) char
        everything[sizeof(struct tc_u32_sel) + sizeof(struct tc_u32_key)] = {};
    struct tc_u32_sel *selector = (struct tc_u32_sel *)everything;
    const struct tc_mirred mirred = { .action = TC_ACT_STOLEN,
                                      .eaction = TCA_EGRESS_REDIR,
                                      .ifindex = (uint32_t)target };
    NetlinkMessage message;
    size_t options, actions, action, parameters;

    selector->flags = TC_U32_TERMINAL;
    selector->nkeys = 1;

    (void)init_qdisc(&message, RTM_NEWQDISC, index, INGRESS_HANDLE, TC_H_INGRESS);
    netlink_message_add_string(&message, TCA_KIND, "ingress");
    netlink_batch_add(batch, &message, NLM_F_CREATE | NLM_F_EXCL, 0);

    init_qdisc(&message, RTM_NEWTFILTER, index, 0, INGRESS_HANDLE)->tcm_info =
        TC_H_MAKE(1 << 16, htons(ETH_P_ALL));
    netlink_message_add_string(&message, TCA_KIND, "u32");
    options = netlink_message_begin(&message, TCA_OPTIONS);
    netlink_message_add(&message, TCA_U32_SEL, everything, sizeof(everything));
    actions = netlink_message_begin(&message, TCA_U32_ACT);
    action = netlink_message_begin(&message, 1);
    netlink_message_add_string(&message, TCA_ACT_KIND, "mirred");
    parameters = netlink_message_begin(&message, TCA_ACT_OPTIONS);
    netlink_message_add(&message, TCA_MIRRED_PARMS, &mirred, sizeof(mirred));
    netlink_message_end(&message, parameters);
    netlink_message_end(&message, action);
    netlink_message_end(&message, actions);
    netlink_message_end(&message, options);
    netlink_batch_add(batch, &message, NLM_F_CREATE | NLM_F_EXCL, 0);
}

static void remove_redirection(NetlinkBatch *batch, int index)
{
    NetlinkMessage message;

    (void)init_qdisc(&message, RTM_DELQDISC, index, 0, TC_H_INGRESS);
    netlink_batch_add(batch, &message, 0, ENOENT);
}

/* "veth0123456" -> "ifb0123456". */
static void make_ifb_name(const char *host_interface, char name[static IFNAMSIZ])
{
    (void)snprintf(name, IFNAMSIZ, "ifb%.7s", host_interface + strlen("veth"));
}

/* @prefix and the digits that both have. */
static bool has_digits(const char *name, const char *prefix)
{
    size_t length = strlen(prefix);

    return strncmp(name, prefix, length) == 0 && strlen(name) == length + 7 &&
           strspn(name + length, "0123456789abcdef") == 7;
}

static int make_ifb(NetworkLinks *links, const KernelLink *end, const char *name, KernelLink *ret)
{
    _cleanup_netlink_batch_ NetlinkBatch batch = {};
    NetlinkMessage message;

    (void)kernel_link_init(&message, 0);
    netlink_message_add_string(&message, IFLA_IFNAME, name);
    netlink_message_add_u32(&message, IFLA_GROUP, end->group);
    netlink_message_add_u32(&message, IFLA_MTU, end->mtu);
    kernel_link_end_kind(&message, kernel_link_begin_kind(&message, "ifb"));
    netlink_batch_add(&batch, &message, NLM_F_CREATE | NLM_F_EXCL, EEXIST);
    kernel_link_add_query(&batch, name, 0);
    return netlink_batch_send(&links->host, &batch, kernel_link_on_answer, ret);
}

static int remove_ifb(NetworkLinks *links, const char *host_interface)
{
    char name[IFNAMSIZ];
    KernelLink ifb;
    int r;

    make_ifb_name(host_interface, name);
    r = kernel_link_find(&links->host, name, &ifb);
    if (r == 0 && strcmp(ifb.kind, "ifb") == 0)
        r = kernel_link_delete(&links->host, ifb.index);
    return r == -ENODEV ? 0 : r;
}

static int on_ifb(const struct nlmsghdr *header, void *data)
{
    StringList *names = data;
    KernelLink link;
    int r = kernel_link_on_answer(header, &link);

    if (r == 0 && strcmp(link.kind, "ifb") == 0 && has_digits(link.name, "ifb") && link.group != 0)
        string_list_add(names, link.name);
    return r;
}

/*
 * Remove those whose link has gone without anybody knowing of it: who made them was killed before
 * it could write that down. As far as it goes; the next one tries again.
 */
static void sweep_ifbs(NetworkLinks *links)
{
    _cleanup_string_list_ StringList names = {};
    NetlinkMessage message;

    (void)netlink_message_init(&message, RTM_GETLINK, sizeof(struct ifinfomsg));
    kernel_link_end_kind(&message, kernel_link_begin_kind(&message, "ifb")); /* no others */
    if (netlink_query(&links->host, &message, NLM_F_DUMP, on_ifb, &names) < 0)
        return;
    for (size_t i = 0; i < names.count; i++) {
        char end[IFNAMSIZ];
        KernelLink link;

        (void)snprintf(end, sizeof(end), "veth%s", names.items[i] + strlen("ifb"));
        if (kernel_link_find(&links->host, end, &link) == -ENODEV)
            (void)remove_ifb(links, end);
    }
}

/* The redirection is the last that is made: an ifb that is found without one is half of it. */
static int set_egress(NetworkLinks *links, const KernelLink *end, uint64_t rate)
{
    _cleanup_netlink_batch_ NetlinkBatch batch = {};
    char name[IFNAMSIZ];
    KernelLink ifb;
    int r;

    make_ifb_name(end->name, name);
    r = kernel_link_find(&links->host, name, &ifb);
    if (r == 0 && (ifb.flags & IFF_UP)) {
        add_bucket(&batch, ifb.index, rate);
        return netlink_batch_send(&links->host, &batch, NULL, NULL);
    }
    if (r == -ENODEV) {
        sweep_ifbs(links);
        r = make_ifb(links, end, name, &ifb);
    }
    if (r < 0)
        return r;
    kernel_link_add_quiet(&batch, ifb.index);
    add_bucket(&batch, ifb.index, rate);
    remove_redirection(&batch, end->index);
    add_redirection(&batch, end->index, ifb.index);
    kernel_link_add_up(&batch, ifb.index);
    return netlink_batch_send(&links->host, &batch, NULL, NULL);
}

static int clear_egress(NetworkLinks *links, const KernelLink *end)
{
    _cleanup_netlink_batch_ NetlinkBatch batch = {};
    int r;

    remove_redirection(&batch, end->index);
    r = netlink_batch_send(&links->host, &batch, NULL, NULL);
    return r < 0 ? r : remove_ifb(links, end->name);
}

static int set_at_host(NetworkLinks *links, const char *host_interface, const NetworkRates *rates)
{
    _cleanup_netlink_batch_ NetlinkBatch batch = {};
    KernelLink end;
    int r = kernel_link_find(&links->host, host_interface, &end);

    if (r < 0)
        return r;
    set_bucket(&batch, end.index, rates->ingress);
    r = netlink_batch_send(&links->host, &batch, NULL, NULL);
    if (r < 0)
        return r;
    return rates->egress > 0 ? set_egress(links, &end, rates->egress) : clear_egress(links, &end);
}

static int set_inside(Netlink *inside, const char *interface, uint64_t rate)
{
    _cleanup_netlink_batch_ NetlinkBatch batch = {};
    KernelLink link;
    int r = kernel_link_find(inside, interface, &link);

    if (r < 0)
        return r;
    set_bucket(&batch, link.index, rate);
    return netlink_batch_send(inside, &batch, NULL, NULL);
}

int network_rates_check(const NetworkAttachment *attachment, const NetworkDriver *driver,
                        Error *err)
{
    if (driver->join || attachment->rates.ingress == 0)
        return 0;
    return error_set(err, ERROR_UNSUPPORTED,
                     "network '%s': what comes to a container has no limit with driver '%s', whose "
                     "links have no end on the host",
                     attachment->network->name, driver->name);
}

int network_rates_apply(NetworkLinks *links, Netlink *inside, const NetworkAttachment *attachment,
                        Error *err)
{
    const NetworkDriver *driver = network_driver_find(attachment->network->driver);
    int r = driver->join ? set_at_host(links, attachment->host_interface, &attachment->rates)
                         : set_inside(inside, attachment->interface, attachment->rates.egress);

    /* ENOENT: no such queue; EOPNOTSUPP: no such link. */
    if (r == -ENOENT || r == -EOPNOTSUPP)
        return error_set(err, ERROR_UNSUPPORTED,
                         "network '%s': this kernel has no limits of rates (tbf, ifb, u32, mirred)",
                         attachment->network->name);
    return r < 0 ? error_result(err, r, "limit the rates of the container's interface '%s'",
                                attachment->interface)
                 : 0;
}

int network_set_rates(NetworkLinks *links, int netns_fd, const NetworkAttachment *attachment,
                      Error *err)
{
    const NetworkDriver *driver = network_driver_find(attachment->network->driver);
    _cleanup_netns_visit_ NetnsVisit visit = NETNS_VISIT_NONE;
    int r;

    if (!driver)
        return error_set(err, ERROR_UNSUPPORTED, "there is no network driver '%s'",
                         attachment->network->driver);
    r = network_rates_check(attachment, driver, err);
    if (r == 0)
        r = network_links_connect(links, err);
    if (r == 0 && !driver->join)
        r = netns_visit_begin(netns_fd, &visit, err);
    return r < 0 ? r : network_rates_apply(links, &visit.inside, attachment, err);
}

/*
 * Connections that nobody has any more keep a namespace for minutes if they still owe somebody
 * data. Until it ends it must not answer for addresses that others may have by then.
 */
static int cut_off(NetworkLinks *links, const char *host_interface)
{
    NetlinkMessage message;

    kernel_link_init(&message, 0)->ifi_change = IFF_UP;
    netlink_message_add_string(&message, IFLA_IFNAME, host_interface);
    return netlink_request(&links->host, &message);
}

int network_release_host(NetworkLinks *links, const char *host_interface, Error *err)
{
    int r;

    if (!has_digits(host_interface, "veth"))
        return 0;
    r = network_links_connect(links, err);
    if (r < 0)
        return r;
    r = cut_off(links, host_interface);
    if (r < 0 && r != -ENODEV)
        return error_result(err, r, "take down the interface '%s'", host_interface);
    r = remove_ifb(links, host_interface);
    return r < 0 ? error_result(err, r, "remove what limits the interface '%s'", host_interface)
                 : 0;
}
