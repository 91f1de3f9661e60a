/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Links of containers. One is made inside under its final name, gets everything there, and is
 * joined to the host last, so that nothing reaches a half-made one. The order of requests is:
 *
 *     host    make the pair
 *     inside  who is it (its index, the other end's index, the hardware address)
 *     inside  settings, addresses, up, routes
 *     host    join the other end, up
 */

#include <errno.h>
#include <string.h>

#include "base/fd.h"
#include "base/memory.h"
#include "network/network-link-private.h"

#define NAME_ATTEMPTS 8 /* of 2^28 names of host ends */

int network_links_open(NetworkLinks **ret, Error *err)
{
    (void)err;
    *ret = NEW(NetworkLinks);
    (*ret)->host.fd = -EBADF;
    return 0;
}

void network_links_close(NetworkLinks *links)
{
    if (!links)
        return;
    (void)fd_close(links->host.fd);
    free(links);
}

int network_links_connect(NetworkLinks *links, Error *err)
{
    if (links->host.fd >= 0)
        return 0;
    links->host = (Netlink) { .fd = netlink_open() };
    return links->host.fd < 0 ? error_result(err, links->host.fd, "open a netlink socket") : 0;
}

static int find_driver(const NetworkSpec *spec, const NetworkDriver **ret, Error *err)
{
    *ret = network_driver_find(spec->driver);
    if (!*ret)
        return error_set(err, ERROR_UNSUPPORTED, "network '%s': there is no driver '%s'",
                         spec->name, spec->driver);
    return 0;
}

int network_links_up(NetworkLinks *links, const NetworkSpec *spec, Error *err)
{
    const NetworkDriver *driver;
    KernelLink base;
    int r = find_driver(spec, &driver, err);

    if (r == 0)
        r = network_links_connect(links, err);
    return r < 0 ? r : driver->up(links, spec, false, &base, err);
}

int network_remove_interface(NetworkLinks *links, const NetworkSpec *spec, const char *name,
                             Error *err)
{
    KernelLink link;
    int r = kernel_link_find(&links->host, name, &link);

    if (r == -ENODEV || (r == 0 && link.group != network_group(spec)))
        return 0; /* somebody else's stays */
    if (r == 0)
        r = kernel_link_delete(&links->host, link.index);
    return r < 0 && r != -ENODEV ? error_result(err, r, "remove the interface '%s'", name) : 0;
}

int network_links_down(NetworkLinks *links, const NetworkSpec *spec, Error *err)
{
    const NetworkDriver *driver;
    int r = find_driver(spec, &driver, err);

    if (r == 0)
        r = network_links_connect(links, err);
    if (r == 0 && driver->down)
        r = driver->down(links, spec, err);
    return r == 0 && spec->interface ? network_remove_interface(links, spec, spec->interface, err)
                                     : r;
}

/* What the kernel means by refusing a link inside. */
static int make_error(const Plug *plug, const NetworkDriver *driver, int r, Error *err)
{
    const NetworkSpec *spec = plug->attachment->network;

    if (r == -EBUSY || (r == -EINVAL && spec->mode && strcmp(spec->mode, "passthru") == 0))
        return error_set(err, ERROR_CONFLICT,
                         "network '%s': its parent '%s' is taken by a bridge, by links of another "
                         "kind, or by a container in mode 'passthru'",
                         spec->name, plug->base.name);
    return network_kind_error(spec, driver->kind, r, err);
}

/* Make the link. A host's name that is taken is tried again with another one. */
static int make_link(const Plug *plug, const NetworkDriver *driver, Netlink *inside, Error *err)
{
    const NetworkAttachment *attachment = plug->attachment;
    int r = -EEXIST;

    for (size_t i = 0; r == -EEXIST && i < NAME_ATTEMPTS; i++) {
        _cleanup_netlink_batch_ NetlinkBatch batch = {};
        NetlinkMessage message;
        KernelLink link;

        driver->describe(plug, &message);
        netlink_batch_add(&batch, &message, NLM_F_CREATE | NLM_F_EXCL, 0);
        r = netlink_batch_send(&plug->links->host, &batch, NULL, NULL);
        if (r == -EEXIST && kernel_link_find(inside, attachment->interface, &link) == 0)
            return error_set(err, ERROR_CONFLICT, "the container has an interface '%s' already",
                             attachment->interface);
    }
    return r < 0 ? make_error(plug, driver, r, err) : 0;
}

/* Before it is up: IPv6 is off where the network has none, so that no neighbour can give it an
 * address, and nobody but us says where the routes lead. */
static int set_up_sysctls(const NetworkAttachment *attachment, Error *err)
{
    bool has_ipv6 = attachment->network->ipv6;
    int r = network_sysctl_set("ipv6", attachment->interface, "disable_ipv6", has_ipv6 ? "0" : "1",
                               err);

    if (r == 0 && has_ipv6)
        r = network_sysctl_set("ipv6", attachment->interface, "accept_ra", "0", err);
    if (r == 0 && has_ipv6)
        r = network_sysctl_set("ipv6", attachment->interface, "accept_dad", "0", err);
    return r < 0 ? r : network_sysctl_apply(attachment->sysctls, attachment->interface, err);
}

static int add_link_local(NetlinkBatch *batch, int index, const NetworkAttachment *attachment,
                          Error *err)
{
    const StringList *list = attachment->link_local;

    for (size_t i = 0; list && i < list->count; i++) {
        IpPrefix address;

        if (ip_prefix_parse(list->items[i], &address) < 0)
            return error_set(err, ERROR_INVALID, "'%s' is no address", list->items[i]);
        if (!strchr(list->items[i], '/'))
            address.length = address.address.family == AF_INET ? 16 : 64; /* of link-local ones */
        kernel_link_add_address(batch, index, &address);
    }
    return 0;
}

static int add_all(NetlinkBatch *batch, int index, const NetworkAttachment *attachment, Error *err)
{
    int r;

    kernel_link_add_up(batch, index);
    for (IpFamily family = 0; family < _IP_FAMILY_MAX; family++)
        kernel_link_add_address(batch, index, &attachment->addresses[family]);
    r = add_link_local(batch, index, attachment, err);
    for (IpFamily family = 0; family < _IP_FAMILY_MAX; family++)
        kernel_link_add_default_route(batch, index, &attachment->gateways[family], NLM_F_REPLACE);
    return r;
}

static int set_up_link(const Plug *plug, const KernelLink *link, Netlink *inside, Error *err)
{
    const NetworkAttachment *attachment = plug->attachment;
    const IpAddress *ipv6 = &attachment->addresses[IP_V6].address;
    _cleanup_netlink_batch_ NetlinkBatch batch = {};
    _cleanup_close_ int ready_fd = -EBADF;
    int r = set_up_sysctls(attachment, err);

    if (r == 0)
        r = add_all(&batch, link->index, attachment, err);
    if (r < 0)
        return r;
    if (ip_address_is_set(ipv6) && (ready_fd = ipv6_ready_open()) < 0)
        return error_result(err, ready_fd, "listen to the container's routes");
    r = netlink_batch_send(inside, &batch, NULL, NULL);
    if (r == 0 && ready_fd >= 0)
        r = ipv6_ready_wait(ready_fd, ipv6);
    if (r == -EADDRINUSE)
        return error_set(err, ERROR_CONFLICT, "the hardware address is taken on the parent '%s'",
                         plug->base.name);
    return r < 0 ? error_result(err, r, "set up the container's interface '%s'",
                                attachment->interface)
                 : 0;
}

/*
 * The questions have the kernel act on the carriers (from Linux 6.9 on), which it would else do
 * some time later: the bridge forwards and queues take packets when this returns.
 */
static int join_link(const Plug *plug, const NetworkDriver *driver, int index, Error *err)
{
    _cleanup_netlink_batch_ NetlinkBatch batch = {};
    int r;

    driver->join(plug, index, &batch);
    kernel_link_add_query(&batch, NULL, index);
    kernel_link_add_query(&batch, NULL, plug->base.index);
    r = netlink_batch_send(&plug->links->host, &batch, NULL, NULL);
    return r < 0 ? error_result(err, r, "join '%s' to '%s'", plug->attachment->host_interface,
                                plug->base.name)
                 : 0;
}

static void remove_link(NetworkLinks *links, Netlink *inside, const NetworkAttachment *attachment)
{
    KernelLink link;

    /* As far as it goes: what has failed is told. */
    if (kernel_link_find(inside, attachment->interface, &link) == 0)
        (void)kernel_link_delete(inside, link.index);
    (void)network_release_host(links, attachment->host_interface, NULL);
}

static int finish_link(Plug *plug, const NetworkDriver *driver, Netlink *inside, Error *err)
{
    NetworkAttachment *attachment = plug->attachment;
    KernelLink link;
    int r = kernel_link_find(inside, attachment->interface, &link);

    if (r < 0)
        return error_result(err, r, "find the container's interface '%s'", attachment->interface);
    memcpy(attachment->mac, link.mac, sizeof(attachment->mac));
    r = set_up_link(plug, &link, inside, err);
    if (r == 0 && driver->join)
        r = join_link(plug, driver, link.peer, err);
    if (r == 0 && kernel_link_find(inside, attachment->interface, &link) < 0)
        r = error_set(err, ERROR_CONFLICT, "the container's interface '%s' has gone",
                      attachment->interface);
    if (r == 0 && (attachment->rates.ingress > 0 || attachment->rates.egress > 0))
        r = network_rates_apply(plug->links, inside, attachment, err);
    return r;
}

/* What the host needs is there, and we are inside. */
static int attach_one(Plug *plug, Netlink *inside, Error *err)
{
    const NetworkDriver *driver = network_driver_find(plug->attachment->network->driver);
    int r;

    plug->attachment->host_interface[0] = '\0';
    r = make_link(plug, driver, inside, err);
    if (r < 0)
        return r;
    r = finish_link(plug, driver, inside, err);
    if (r < 0)
        remove_link(plug->links, inside, plug->attachment);
    return r < 0 ? error_wrap(err, r, "network '%s'", plug->attachment->network->name) : 0;
}

static int bring_up_loopback(Netlink *inside, Error *err)
{
    _cleanup_netlink_batch_ NetlinkBatch batch = {};
    int r;

    kernel_link_add_up(&batch, 1); /* its index in every namespace */
    r = netlink_batch_send(inside, &batch, NULL, NULL);
    return r < 0 ? error_result(err, r, "bring up the container's loopback") : 0;
}

static int attach_all(Plug *plugs, size_t count, NetnsVisit *visit, Error *err)
{
    int r = bring_up_loopback(&visit->inside, err);

    for (size_t i = 0; r == 0 && i < count; i++) {
        r = attach_one(&plugs[i], &visit->inside, err);
        while (r < 0 && i-- > 0)
            remove_link(plugs[i].links, &visit->inside, plugs[i].attachment);
    }
    return r;
}

static int prepare(Plug *plug, Error *err)
{
    const NetworkDriver *driver;
    int r = find_driver(plug->attachment->network, &driver, err);

    if (r < 0)
        return r;
    r = network_rates_check(plug->attachment, driver, err);
    if (r < 0)
        return r;
    r = network_interface_name_validate(plug->attachment->interface, err);
    return r < 0 ? r : driver->up(plug->links, plug->attachment->network, true, &plug->base, err);
}

int network_attach(NetworkLinks *links, int netns_fd, NetworkAttachment *attachments, size_t count,
                   Error *err)
{
    _cleanup_netns_visit_ NetnsVisit visit = NETNS_VISIT_NONE;
    _cleanup_free_ Plug *plugs = NEW_ARRAY(Plug, count > 0 ? count : 1);
    int r = network_links_connect(links, err);

    for (size_t i = 0; r == 0 && i < count; i++) {
        plugs[i] = (Plug) { .links = links, .attachment = &attachments[i], .netns_fd = netns_fd };
        r = prepare(&plugs[i], err);
    }
    if (r == 0)
        r = netns_visit_begin(netns_fd, &visit, err);
    return r < 0 ? r : attach_all(plugs, count, &visit, err);
}

int network_detach(NetworkLinks *links, int netns_fd, const NetworkAttachment *attachment,
                   Error *err)
{
    _cleanup_netns_visit_ NetnsVisit visit = NETNS_VISIT_NONE;
    KernelLink link;
    int r = network_links_connect(links, err);

    if (r == 0)
        r = netns_visit_begin(netns_fd, &visit, err);
    if (r < 0)
        return r;
    netns_visit_go_home(&visit);
    r = kernel_link_find(&visit.inside, attachment->interface, &link);
    if (r == 0)
        r = kernel_link_delete(&visit.inside, link.index);
    if (r < 0 && r != -ENODEV)
        return error_result(err, r, "remove the container's interface '%s'", attachment->interface);
    return network_release_host(links, attachment->host_interface, err);
}
