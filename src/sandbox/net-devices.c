/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A device is named by its index from the moment it was looked up: on the host that cannot mean
 * another one, however often it is renamed. Moving and renaming is one request, so that the name
 * it has on the host need not be free inside.
 */

#include "sandbox/net-devices-private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/netlink.h"

#define ADDRESS_SIZE_MAX 16 /* IPv6 */

/* What somebody chose for an address; the other flags are the kernel's. */
#define ADDRESS_FLAGS (IFA_F_PERMANENT | IFA_F_NODAD | IFA_F_HOMEADDRESS | IFA_F_NOPREFIXROUTE)

typedef struct AddressPart {
    char data[ADDRESS_SIZE_MAX];
    size_t size; /* 0: not there */
} AddressPart;

typedef struct Address {
    struct ifaddrmsg header;
    uint32_t flags; /* all of them; the header has room for some */
    AddressPart local;
    AddressPart peer;
    AddressPart broadcast;
} Address;

typedef struct Device {
    const char *host_name;
    const char *name; /* inside; may be a template, "eth%d" */
    int host_index;
    int index; /* inside; 0: not moved yet */
    unsigned flags;
    Address *addresses;
    size_t n_addresses;
    size_t capacity;
} Device;

struct NetDeviceMove {
    Netlink host;
    Netlink target;
    int host_namespace_fd;
    int namespace_fd;
    Device *devices;
    size_t count;
    bool is_committed;
};

typedef struct Link {
    int index;
    unsigned flags;
} Link;

static int on_link(const struct nlmsghdr *header, void *data)
{
    const struct ifinfomsg *body = NLMSG_DATA(header);
    Link *link = data;

    if (header->nlmsg_len < NLMSG_LENGTH(sizeof(*body)))
        return -EBADMSG;
    *link = (Link) { .index = body->ifi_index, .flags = body->ifi_flags };
    return 0;
}

static void add_name(NetlinkMessage *message, const char *name)
{
    netlink_message_add(message, IFLA_IFNAME, name, strlen(name) + 1);
}

static int find_link(Netlink *netlink, const char *name, Link *ret)
{
    NetlinkMessage message;
    int r;

    *ret = (Link) {};
    (void)netlink_message_init(&message, RTM_GETLINK, sizeof(struct ifinfomsg));
    add_name(&message, name);
    r = netlink_query(netlink, &message, 0, on_link, ret);
    if (r < 0)
        return r;
    return ret->index > 0 ? 0 : -ENODEV;
}

static int set_link_up(Netlink *netlink, int index)
{
    NetlinkMessage message;
    struct ifinfomsg *body = netlink_message_init(&message, RTM_NEWLINK, sizeof(*body));

    body->ifi_index = index;
    body->ifi_flags = body->ifi_change = IFF_UP;
    return netlink_request(netlink, &message);
}

/* Move the device @index, which @netlink sees, into @namespace_fd, and name it @name there. */
static int move_link(Netlink *netlink, int index, int namespace_fd, const char *name)
{
    NetlinkMessage message;
    struct ifinfomsg *body = netlink_message_init(&message, RTM_NEWLINK, sizeof(*body));

    body->ifi_index = index;
    netlink_message_add(&message, IFLA_NET_NS_FD, &namespace_fd, sizeof(namespace_fd));
    add_name(&message, name);
    return netlink_request(netlink, &message);
}

static void copy_part(AddressPart *part, const struct rtattr *attribute)
{
    size_t size = attribute ? RTA_PAYLOAD(attribute) : 0;

    if (size == 0 || size > sizeof(part->data))
        return;
    memcpy(part->data, RTA_DATA(attribute), size);
    part->size = size;
}

/* Of all addresses of the host, those of the device that would mean the same inside. */
static int on_address(const struct nlmsghdr *header, void *data)
{
    const struct ifaddrmsg *body = NLMSG_DATA(header);
    const struct rtattr *attributes[IFA_MAX + 1];
    const uint32_t *all_flags;
    uint32_t flags;
    Device *device = data;
    Address *address;
    int r = netlink_parse(header, sizeof(*body), attributes, ARRAY_SIZE(attributes));

    if (r < 0)
        return r;
    all_flags = netlink_value(attributes[IFA_FLAGS], sizeof(*all_flags));
    flags = all_flags ? *all_flags : body->ifa_flags;
    if ((int)body->ifa_index != device->host_index || body->ifa_scope != RT_SCOPE_UNIVERSE ||
        !(flags & IFA_F_PERMANENT))
        return 0;

    device->addresses = memory_grow(device->addresses, &device->capacity, device->n_addresses + 1,
                                    sizeof(*device->addresses));
    address = &device->addresses[device->n_addresses++];
    address->header = *body;
    address->flags = flags & ADDRESS_FLAGS;
    copy_part(&address->local, attributes[IFA_LOCAL]);
    copy_part(&address->peer, attributes[IFA_ADDRESS]);
    copy_part(&address->broadcast, attributes[IFA_BROADCAST]);
    return 0;
}

static int find_addresses(Netlink *netlink, Device *device)
{
    NetlinkMessage message;
    struct ifaddrmsg *body = netlink_message_init(&message, RTM_GETADDR, sizeof(*body));

    body->ifa_family = AF_UNSPEC;
    return netlink_query(netlink, &message, NLM_F_DUMP, on_address, device);
}

static void add_part(NetlinkMessage *message, uint16_t type, const AddressPart *part)
{
    if (part->size > 0)
        netlink_message_add(message, type, part->data, part->size);
}

static int add_address(Netlink *netlink, int index, const Address *address)
{
    NetlinkMessage message;
    struct ifaddrmsg *body = netlink_message_init(&message, RTM_NEWADDR, sizeof(*body));

    *body = address->header;
    body->ifa_index = (unsigned)index;
    netlink_message_add(&message, IFA_FLAGS, &address->flags, sizeof(address->flags));
    add_part(&message, IFA_LOCAL, &address->local);
    add_part(&message, IFA_ADDRESS, &address->peer);
    add_part(&message, IFA_BROADCAST, &address->broadcast);
    return netlink_request(netlink, &message);
}

static int add_addresses(Netlink *netlink, int index, const Device *device)
{
    for (size_t i = 0; i < device->n_addresses; i++) {
        int r = add_address(netlink, index, &device->addresses[i]);

        if (r < 0 && r != -EEXIST)
            return r;
    }
    return 0;
}

static int examine_device(NetDeviceMove *move, Device *device, Error *err)
{
    Link link;
    int r = find_link(&move->host, device->host_name, &link);

    if (r == -ENODEV)
        return error_set(err, ERROR_NOT_FOUND,
                         "linux.netDevices.%s: the host has no such network device",
                         device->host_name);
    if (r < 0)
        return error_result(err, r, "linux.netDevices.%s: find it", device->host_name);
    device->host_index = link.index;
    device->flags = link.flags;
    r = find_addresses(&move->host, device);
    if (r < 0)
        return error_result(err, r, "linux.netDevices.%s: find its addresses", device->host_name);

    /* Where only the new name is taken, the kernel would move the device and then refuse it. */
    if (!strchr(device->name, '%') && find_link(&move->target, device->name, &link) == 0)
        return error_set(err, ERROR_CONFLICT,
                         "linux.netDevices.%s: the container's network has a device '%s' already",
                         device->host_name, device->name);
    return 0;
}

/* The devices inside, before and after a move: the one that is new is ours, whatever the kernel
 * has made of its template and of its index. */
typedef struct LinkList {
    int *items;
    size_t count;
    size_t capacity;
} LinkList;

static void link_list_done(LinkList *list)
{
    free(list->items);
}

static int on_listed_link(const struct nlmsghdr *header, void *data)
{
    LinkList *list = data;
    Link link;
    int r = on_link(header, &link);

    if (r < 0)
        return r;
    list->items = memory_grow(list->items, &list->capacity, list->count + 1, sizeof(int));
    list->items[list->count++] = link.index;
    return 0;
}

static int list_links(Netlink *netlink, LinkList *ret)
{
    NetlinkMessage message;

    (void)netlink_message_init(&message, RTM_GETLINK, sizeof(struct ifinfomsg));
    return netlink_query(netlink, &message, NLM_F_DUMP, on_listed_link, ret);
}

static bool link_list_contains(const LinkList *list, int index)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i] == index)
            return true;

    return false;
}

static int find_new_link(Netlink *netlink, const LinkList *before, int *ret_index)
{
    _cleanup_(link_list_done) LinkList after = {};
    int r = list_links(netlink, &after);

    for (size_t i = 0; r == 0 && i < after.count; i++) {
        if (!link_list_contains(before, after.items[i])) {
            *ret_index = after.items[i];
            return 0;
        }
    }
    return r < 0 ? r : -ENODEV;
}

/* By its name where it must have that one. After a failure it may be there all the same: moved, and
 * then not renamed. */
static int find_moved(NetDeviceMove *move, Device *device, bool is_renamed, const LinkList *before)
{
    Link link;
    int r;

    if (!is_renamed || strchr(device->name, '%'))
        return find_new_link(&move->target, before, &device->index);
    r = find_link(&move->target, device->name, &link);
    if (r == 0)
        device->index = link.index;
    return r;
}

static int move_device(NetDeviceMove *move, Device *device, Error *err)
{
    _cleanup_(link_list_done) LinkList before = {};
    int r = examine_device(move, device, err), result;

    if (r < 0)
        return r;
    r = list_links(&move->target, &before);
    if (r < 0)
        return error_result(err, r, "linux.netDevices.%s: list the container's devices",
                            device->host_name);

    result = move_link(&move->host, device->host_index, move->namespace_fd, device->name);
    r = find_moved(move, device, result == 0, &before);
    if (result < 0 || r < 0)
        return error_result(err, result < 0 ? result : r,
                            "linux.netDevices.%s: move it into the container as '%s'",
                            device->host_name, device->name);

    r = add_addresses(&move->target, device->index, device);
    if (r < 0)
        return error_result(err, r, "linux.netDevices.%s: keep its addresses", device->host_name);
    r = set_link_up(&move->target, device->index);
    return r < 0 ? error_result(err, r, "linux.netDevices.%s: bring it up", device->host_name) : 0;
}

static int open_networks(NetDeviceMove *move, int target_fd, int namespace_fd, Error *err)
{
    move->host.fd = netlink_open();
    move->target.fd = fcntl(target_fd, F_DUPFD_CLOEXEC, 3);
    move->namespace_fd = fcntl(namespace_fd, F_DUPFD_CLOEXEC, 3);
    move->host_namespace_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (move->host_namespace_fd < 0 || move->namespace_fd < 0 || move->target.fd < 0)
        return error_errno(err, "linux.netDevices: open the two networks");
    return move->host.fd < 0
               ? error_result(err, move->host.fd, "linux.netDevices: open a netlink socket")
               : 0;
}

int net_devices_move(const LinuxConfig *config, int target_fd, int namespace_fd,
                     NetDeviceMove **ret, Error *err)
{
    _cleanup_(net_devices_freep) NetDeviceMove *move = NEW(NetDeviceMove);
    int r;

    r = open_networks(move, target_fd, namespace_fd, err);
    if (r < 0)
        return r;
    move->count = config->net_devices.count;
    move->devices = NEW_ARRAY(Device, move->count);
    for (size_t i = 0; i < move->count; i++) {
        const LinuxNetDevice *device = &config->net_devices.items[i];

        move->devices[i].host_name = device->host_name;
        move->devices[i].name = device->name ? device->name : device->host_name;
        r = move_device(move, &move->devices[i], err);
        if (r < 0)
            return r;
    }
    *ret = TAKE_PTR(move);
    return 0;
}

void net_devices_commit(NetDeviceMove *move)
{
    move->is_committed = true;
}

/* As far as it goes: what fails now has nobody to hear of it. */
static void move_back(NetDeviceMove *move, const Device *device)
{
    Link link;

    if (device->index == 0 ||
        move_link(&move->target, device->index, move->host_namespace_fd, device->host_name) < 0 ||
        find_link(&move->host, device->host_name, &link) < 0)
        return;
    (void)add_addresses(&move->host, link.index, device);
    if (device->flags & IFF_UP)
        (void)set_link_up(&move->host, link.index);
}

void net_devices_free(NetDeviceMove *move)
{
    int saved_errno = errno;

    for (size_t i = move->count; i > 0; i--) {
        if (!move->is_committed)
            move_back(move, &move->devices[i - 1]);
        free(move->devices[i - 1].addresses);
    }
    free(move->devices);
    fd_close(move->host_namespace_fd);
    fd_close(move->namespace_fd);
    fd_close(move->target.fd);
    fd_close(move->host.fd);
    free(move);
    errno = saved_errno;
}
