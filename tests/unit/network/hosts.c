/* SPDX-License-Identifier: Apache-2.0 */

/* Namespaces are made by going there and back; nothing runs in them, so nothing of them stays. */

#include "hosts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/veth.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/parse.h"

#define TEST_PORT 4000

static int open_own(void)
{
    int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

    assert_true(fd >= 0);
    return fd;
}

static int make_namespace(void)
{
    assert_int_equal(unshare(CLONE_NEWNET), 0);
    return open_own();
}

static void go_to(int fd)
{
    assert_int_equal(setns(fd, CLONE_NEWNET), 0);
}

void hosts_enter(int netns_fd)
{
    go_to(netns_fd);
}

static void send_batch(Netlink *netlink, NetlinkBatch *batch)
{
    assert_int_equal(netlink_batch_send(netlink, batch, NULL, NULL), 0);
}

/* The host's end is made up; the outside's is by whoever gives it addresses, and with it the
 * carrier. */
static void make_uplink(Hosts *hosts)
{
    _cleanup_netlink_batch_ NetlinkBatch batch = {};
    NetlinkMessage message;
    KernelLink link;
    LinkKind kind;
    size_t peer;

    (void)kernel_link_init(&message, 0);
    netlink_message_add_string(&message, IFLA_IFNAME, HOSTS_UPLINK);
    kind = kernel_link_begin_kind(&message, "veth");
    peer = netlink_message_begin(&message, VETH_INFO_PEER);
    (void)netlink_message_extend(&message, sizeof(struct ifinfomsg));
    netlink_message_add_string(&message, IFLA_IFNAME, HOSTS_UPLINK);
    netlink_message_add_u32(&message, IFLA_NET_NS_FD, (uint32_t)hosts->outside_fd);
    netlink_message_end(&message, peer);
    kernel_link_end_kind(&message, kind);
    netlink_batch_add(&batch, &message, NLM_F_CREATE | NLM_F_EXCL, 0);
    send_batch(&hosts->host, &batch);
    assert_int_equal(kernel_link_find(&hosts->host, HOSTS_UPLINK, &link), 0);
    kernel_link_add_quiet(&batch, link.index);
    kernel_link_add_up(&batch, link.index);
    send_batch(&hosts->host, &batch);
}

int hosts_make(void **state)
{
    Hosts *hosts = NEW(Hosts);
    Error err = {};

    hosts->machine_fd = open_own();
    for (size_t i = 0; i < N_CONTAINERS; i++)
        hosts->container_fds[i] = make_namespace();
    hosts->outside_fd = make_namespace();
    hosts->host_fd = make_namespace();
    hosts->host = (Netlink) { .fd = netlink_open() };
    assert_true(hosts->host.fd >= 0);
    assert_int_equal(network_links_open(&hosts->links, &err), 0);
    make_uplink(hosts);
    *state = hosts;
    return 0;
}

int hosts_drop(void **state)
{
    Hosts *hosts = *state;

    network_links_close(hosts->links);
    go_to(hosts->machine_fd);
    for (size_t i = 0; i < N_CONTAINERS; i++)
        fd_close(hosts->container_fds[i]);
    fd_close(hosts->host.fd);
    fd_close(hosts->host_fd);
    fd_close(hosts->outside_fd);
    fd_close(hosts->machine_fd);
    free(hosts);
    return 0;
}

static socklen_t make_address(const char *text, uint16_t port, struct sockaddr_storage *ret)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;
    IpAddress address;

    *ret = (struct sockaddr_storage) {};
    assert_int_equal(ip_address_parse(text, &address), 0);
    ret->ss_family = (sa_family_t)address.family;
    if (address.family == AF_INET) {
        memcpy(&v4->sin_addr, address.bytes, 4);
        v4->sin_port = htons(port);
        return sizeof(*v4);
    }
    memcpy(&v6->sin6_addr, address.bytes, 16);
    v6->sin6_port = htons(port);
    return sizeof(*v6);
}

static int open_there(Hosts *hosts, int netns_fd, int family, int type, int protocol)
{
    int fd;

    go_to(netns_fd);
    fd = socket(family, type | SOCK_CLOEXEC, protocol);
    go_to(hosts->host_fd);
    assert_true(fd >= 0);
    if (family == AF_INET6)
        assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int) { 1 }, sizeof(int)), 0);
    return fd;
}

int hosts_open_unbound(Hosts *hosts, int netns_fd, int family, int type)
{
    return open_there(hosts, netns_fd, family, type, 0);
}

int hosts_open_raw(Hosts *hosts, int netns_fd, int family, int protocol)
{
    return open_there(hosts, netns_fd, family, SOCK_RAW, protocol);
}

int hosts_open_socket(Hosts *hosts, int netns_fd, int type, const char *text, uint16_t port)
{
    struct sockaddr_storage address;
    socklen_t size = make_address(text, port, &address);
    int fd = hosts_open_unbound(hosts, netns_fd, address.ss_family, type);

    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    return fd;
}

int hosts_connect(int fd, const char *text, uint16_t port)
{
    struct sockaddr_storage address;
    socklen_t size = make_address(text, port, &address);

    return connect(fd, (struct sockaddr *)&address, size) < 0 ? -errno : 0;
}

static int open_bound(Hosts *hosts, int netns_fd, const char *text)
{
    return hosts_open_socket(hosts, netns_fd, SOCK_DGRAM, text, TEST_PORT);
}

/* A failure is an error of the sender's, or nothing within the time that the kernel would ask for
 * the neighbour in. */
static bool receive(int fd)
{
    const struct timeval patience = { .tv_sec = 10 };
    char byte = 0;

    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
    return recv(fd, &byte, 1, 0) == 1 && byte == 'x';
}

static int send_one(int sender, const char *to)
{
    struct sockaddr_storage address;
    socklen_t size = make_address(to, TEST_PORT, &address);

    return sendto(sender, "x", 1, 0, (struct sockaddr *)&address, size) == 1 ? 0 : -errno;
}

bool hosts_can_send(Hosts *hosts, int from_fd, const char *from, int to_fd, const char *to)
{
    _cleanup_close_ int sender = open_bound(hosts, from_fd, from);
    _cleanup_close_ int receiver = open_bound(hosts, to_fd, to);

    return send_one(sender, to) == 0 && receive(receiver);
}

bool hosts_cannot_send(Hosts *hosts, int from_fd, const char *from, int to_fd, const char *to,
                       int other_fd, const char *other)
{
    _cleanup_close_ int sender = open_bound(hosts, from_fd, from);
    _cleanup_close_ int receiver = open_bound(hosts, to_fd, to);
    _cleanup_close_ int witness = open_bound(hosts, other_fd, other);
    char byte;

    /* What is sent second arrives, the first did not. */
    (void)send_one(sender, to);
    assert_int_equal(send_one(sender, other), 0);
    assert_true(receive(witness));
    return recv(receiver, &byte, 1, MSG_DONTWAIT) < 0;
}

static int open_netlink(Hosts *hosts, int netns_fd)
{
    int fd;

    go_to(netns_fd < 0 ? hosts->host_fd : netns_fd);
    fd = netlink_open();
    go_to(hosts->host_fd);
    assert_true(fd >= 0);
    return fd;
}

KernelLink hosts_find_link(Hosts *hosts, int netns_fd, const char *name)
{
    Netlink netlink = { .fd = open_netlink(hosts, netns_fd) };
    KernelLink link = {};
    int r = kernel_link_find(&netlink, name, &link);

    assert_true(r == 0 || r == -ENODEV);
    fd_close(netlink.fd);
    return link;
}

static void give_addresses(Netlink *netlink, const char *interface, const char *const *addresses,
                           size_t count, const uint32_t *lengths)
{
    _cleanup_netlink_batch_ NetlinkBatch batch = {};
    KernelLink link;

    assert_int_equal(kernel_link_find(netlink, interface, &link), 0);
    kernel_link_add_quiet(&batch, link.index);
    kernel_link_add_up(&batch, link.index);
    for (size_t i = 0; i < count; i++) {
        IpPrefix address;

        assert_int_equal(ip_prefix_parse(addresses[i], &address), 0);
        address.length = lengths[i];
        kernel_link_add_address(&batch, link.index, &address);
    }
    kernel_link_add_query(&batch, NULL, link.index);
    send_batch(netlink, &batch);
}

/* False: this kernel has none. */
static bool make_vlan(Netlink *netlink, unsigned tag)
{
    _cleanup_netlink_batch_ NetlinkBatch batch = {};
    NetlinkMessage message;
    KernelLink link;
    LinkKind kind;
    int r;

    assert_int_equal(kernel_link_find(netlink, HOSTS_UPLINK, &link), 0);
    kernel_link_add_up(&batch, link.index);
    (void)kernel_link_init(&message, 0);
    netlink_message_add_string(&message, IFLA_IFNAME, "tagged");
    netlink_message_add_u32(&message, IFLA_LINK, (uint32_t)link.index);
    kind = kernel_link_begin_kind(&message, "vlan");
    netlink_message_add_u16(&message, IFLA_VLAN_ID, (uint16_t)tag);
    kernel_link_end_kind(&message, kind);
    netlink_batch_add(&batch, &message, NLM_F_CREATE | NLM_F_EXCL, 0);
    r = netlink_batch_send(netlink, &batch, NULL, NULL);
    assert_true(r == 0 || r == -EOPNOTSUPP);
    return r == 0;
}

void hosts_give_outside_addresses(Hosts *hosts, unsigned tag, const char *const addresses[2])
{
    Netlink netlink = { .fd = open_netlink(hosts, hosts->outside_fd) };

    if (tag == 0 || make_vlan(&netlink, tag))
        give_addresses(&netlink, tag == 0 ? HOSTS_UPLINK : "tagged", addresses, 2,
                       (const uint32_t[]) { 16, 64 });
    fd_close(netlink.fd);
}

void hosts_give_underlay(Hosts *hosts, const char *const addresses[2])
{
    Netlink netlink = { .fd = open_netlink(hosts, hosts->outside_fd) };

    give_addresses(&netlink, HOSTS_UPLINK, &addresses[1], 1, (const uint32_t[]) { 24 });
    give_addresses(&hosts->host, HOSTS_UPLINK, &addresses[0], 1, (const uint32_t[]) { 24 });
    fd_close(netlink.fd);
}

static int count_link(const struct nlmsghdr *header, void *data)
{
    (void)header;
    ++*(size_t *)data;
    return 0;
}

size_t hosts_count_links(Hosts *hosts, int netns_fd)
{
    Netlink netlink = { .fd = open_netlink(hosts, netns_fd) };
    NetlinkMessage message;
    size_t count = 0;

    (void)netlink_message_init(&message, RTM_GETLINK, sizeof(struct ifinfomsg));
    assert_int_equal(netlink_query(&netlink, &message, NLM_F_DUMP, count_link, &count), 0);
    fd_close(netlink.fd);
    return count;
}

int hosts_read_sysctl(Hosts *hosts, int netns_fd, const char *name)
{
    _cleanup_free_ char *path = memory_printf("/proc/sys/net/%s", name);
    _cleanup_free_ char *text = NULL;
    _cleanup_close_ int fd = -EBADF;
    int32_t value;

    go_to(netns_fd < 0 ? hosts->host_fd : netns_fd);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    go_to(hosts->host_fd);
    if (fd < 0)
        return -1;
    assert_int_equal(fd_read_all(fd, 100, &text, NULL), 0);
    text[strcspn(text, "\n")] = '\0';
    assert_int_equal(parse_i32(text, &value), 0);
    return value;
}
