/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Links that hang on an interface of the host: macvlan and ipvlan. The parent is one that there is,
 * a VLAN of one, or a dummy; the last two are made and removed with their network. One that
 * somebody else has made is used as it is, and stays.
 */

#include <errno.h>
#include <linux/if_link.h>
#include <string.h>

#include "network/network-link-private.h"

typedef struct Mode {
    const char *name;
    uint32_t value;
} Mode;

static const Mode macvlan_modes[] = {
    { "private", MACVLAN_MODE_PRIVATE },
    { "vepa", MACVLAN_MODE_VEPA },
    { "bridge", MACVLAN_MODE_BRIDGE },
    { "passthru", MACVLAN_MODE_PASSTHRU },
};

static const Mode ipvlan_modes[] = {
    { "l2", IPVLAN_MODE_L2 },
    { "l3", IPVLAN_MODE_L3 },
    { "l3s", IPVLAN_MODE_L3S },
};

static const Mode ipvlan_flags[] = {
    { "bridge", 0 },
    { "private", IPVLAN_F_PRIVATE },
    { "vepa", IPVLAN_F_VEPA },
};

static const Mode *find_mode(const Mode *modes, size_t count, const char *name)
{
    for (size_t i = 0; name && i < count; i++)
        if (strcmp(modes[i].name, name) == 0)
            return &modes[i];

    return NULL;
}

static int check_mode(const NetworkSpec *spec, const char *what, const char *name,
                      const Mode *modes, size_t count, Error *err)
{
    _cleanup_string_list_ StringList names = {};
    _cleanup_free_ char *text = NULL;

    if (find_mode(modes, count, name))
        return 0;
    for (size_t i = 0; i < count; i++)
        string_list_add(&names, modes[i].name);
    text = string_list_join(&names, ", ");
    return error_set(err, ERROR_INVALID, "%s has no %s '%s' (it has %s)", spec->driver, what,
                     name ? name : "", text);
}

int network_macvlan_validate(const NetworkSpec *spec, Error *err)
{
    return check_mode(spec, "mode", spec->mode, macvlan_modes, ARRAY_SIZE(macvlan_modes), err);
}

int network_vlan_validate(const NetworkSpec *spec, Error *err)
{
    if (!spec->parent)
        return error_set(err, ERROR_INVALID, "a vlan needs option 'parent'");
    if (spec->vlan == 0)
        return error_set(err, ERROR_INVALID, "a vlan needs option 'vlan', its tag");
    return network_macvlan_validate(spec, err);
}

int network_ipvlan_validate(const NetworkSpec *spec, Error *err)
{
    int r = check_mode(spec, "mode", spec->mode, ipvlan_modes, ARRAY_SIZE(ipvlan_modes), err);

    if (r < 0 || !spec->flag)
        return r;
    r = check_mode(spec, "flag", spec->flag, ipvlan_flags, ARRAY_SIZE(ipvlan_flags), err);
    if (r == 0 && strcmp(spec->flag, "bridge") != 0 && strcmp(spec->mode, "l2") != 0)
        r = error_set(err, ERROR_INVALID, "ipvlan has the flag '%s' in mode 'l2' only", spec->flag);
    return r;
}

int network_parent_find(NetworkLinks *links, const NetworkSpec *spec, KernelLink *ret, Error *err)
{
    int r = kernel_link_find(&links->host, spec->parent, ret);

    if (r == -ENODEV)
        return error_set(err, ERROR_NOT_FOUND,
                         "network '%s': the host has no interface '%s' to be its parent",
                         spec->name, spec->parent);
    return r < 0 ? error_result(err, r, "find the interface '%s'", spec->parent) : 0;
}

/* A VLAN of the parent, or without one a dummy. */
static void describe_owned(NetlinkMessage *message, const NetworkSpec *spec,
                           const KernelLink *parent)
{
    LinkKind kind;

    (void)kernel_link_init(message, 0);
    netlink_message_add_string(message, IFLA_IFNAME, spec->interface);
    netlink_message_add_u32(message, IFLA_GROUP, network_group(spec));
    if (spec->mtu > 0)
        netlink_message_add_u32(message, IFLA_MTU, spec->mtu);
    if (parent->index > 0)
        netlink_message_add_u32(message, IFLA_LINK, (uint32_t)parent->index);
    kind = kernel_link_begin_kind(message, parent->index > 0 ? "vlan" : "dummy");
    if (parent->index > 0)
        netlink_message_add_u16(message, IFLA_VLAN_ID, (uint16_t)spec->vlan);
    kernel_link_end_kind(message, kind);
}

static int create_owned(NetworkLinks *links, const NetworkSpec *spec, KernelLink *ret, Error *err)
{
    _cleanup_netlink_batch_ NetlinkBatch batch = {};
    NetlinkMessage message;
    KernelLink parent = {};
    int r = spec->parent ? network_parent_find(links, spec, &parent, err) : 0;

    if (r < 0)
        return r;
    describe_owned(&message, spec, &parent);
    netlink_batch_add(&batch, &message, NLM_F_CREATE | NLM_F_EXCL, EEXIST); /* by another one */
    kernel_link_add_query(&batch, spec->interface, 0);
    r = netlink_batch_send(&links->host, &batch, kernel_link_on_answer, ret);
    if (r == -ENODEV)
        return error_set(err, ERROR_CONFLICT, "network '%s': '%s' has VLAN %u under another name",
                         spec->name, spec->parent, spec->vlan);
    return r < 0 ? network_kind_error(spec, spec->parent ? "vlan" : "dummy", r, err) : 0;
}

/* The host has no address in it, and takes none that a router there would give it. */
static int bring_up(NetworkLinks *links, int index, const char *name, Error *err)
{
    _cleanup_netlink_batch_ NetlinkBatch batch = {};
    int r = network_sysctl_set("ipv6", name, "accept_ra", "0", err);

    if (r < 0)
        return r;
    kernel_link_add_quiet(&batch, index);
    kernel_link_add_up(&batch, index);
    r = netlink_batch_send(&links->host, &batch, NULL, NULL);
    return r < 0 ? error_result(err, r, "bring up '%s'", name) : 0;
}

int network_parent_up(NetworkLinks *links, const NetworkSpec *spec, bool is_start, KernelLink *ret,
                      Error *err)
{
    int r;

    (void)is_start; /* up is complete */
    if (!spec->interface)
        return network_parent_find(links, spec, ret, err);
    r = kernel_link_find(&links->host, spec->interface, ret);
    if (r == -ENODEV)
        r = create_owned(links, spec, ret, err);
    else if (r < 0)
        return error_result(err, r, "find the interface '%s'", spec->interface);
    if (r == 0 && !spec->parent)
        r = network_check_kind(spec, ret, "dummy", err);
    if (r < 0 || ret->group != network_group(spec) || (ret->flags & IFF_UP))
        return r;
    return bring_up(links, ret->index, spec->interface, err);
}

/* What links of both kinds have. */
static LinkKind begin_inside(const Plug *plug, NetlinkMessage *message, const char *kind)
{
    const NetworkSpec *spec = plug->attachment->network;

    (void)kernel_link_init(message, 0);
    netlink_message_add_string(message, IFLA_IFNAME, plug->attachment->interface);
    netlink_message_add_u32(message, IFLA_NET_NS_FD, (uint32_t)plug->netns_fd);
    if (plug->base.index > 0)
        netlink_message_add_u32(message, IFLA_LINK, (uint32_t)plug->base.index);
    if (spec->mtu > 0)
        netlink_message_add_u32(message, IFLA_MTU, spec->mtu);
    if (network_takes_mac(spec) && network_mac_is_set(plug->attachment->mac))
        netlink_message_add(message, IFLA_ADDRESS, plug->attachment->mac,
                            sizeof(plug->attachment->mac));
    return kernel_link_begin_kind(message, kind);
}

void network_macvlan_describe(const Plug *plug, NetlinkMessage *message)
{
    const Mode *mode =
        find_mode(macvlan_modes, ARRAY_SIZE(macvlan_modes), plug->attachment->network->mode);
    LinkKind kind = begin_inside(plug, message, "macvlan");

    netlink_message_add_u32(message, IFLA_MACVLAN_MODE, mode ? mode->value : MACVLAN_MODE_BRIDGE);
    kernel_link_end_kind(message, kind);
}

void network_ipvlan_describe(const Plug *plug, NetlinkMessage *message)
{
    const NetworkSpec *spec = plug->attachment->network;
    const Mode *mode = find_mode(ipvlan_modes, ARRAY_SIZE(ipvlan_modes), spec->mode);
    const Mode *flag = find_mode(ipvlan_flags, ARRAY_SIZE(ipvlan_flags), spec->flag);
    LinkKind kind = begin_inside(plug, message, "ipvlan");

    netlink_message_add_u16(message, IFLA_IPVLAN_MODE,
                            (uint16_t)(mode ? mode->value : IPVLAN_MODE_L2));
    netlink_message_add_u16(message, IFLA_IPVLAN_FLAGS, (uint16_t)(flag ? flag->value : 0));
    kernel_link_end_kind(message, kind);
}

int network_dummy_up(NetworkLinks *links, const NetworkSpec *spec, bool is_start, KernelLink *ret,
                     Error *err)
{
    (void)links, (void)spec, (void)is_start, (void)err;
    *ret = (KernelLink) {}; /* nothing is on the host */
    return 0;
}

void network_dummy_describe(const Plug *plug, NetlinkMessage *message)
{
    kernel_link_end_kind(message, begin_inside(plug, message, "dummy"));
}
