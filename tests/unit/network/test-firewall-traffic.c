/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What our table does to packets, between a host, containers in two networks of it and a host
 * outside, for both families. Whether something arrives is asked of the receiver; that it does not
 * is known when something that was sent behind it has arrived.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "hosts.h"
#include "network/firewall.h"

#define SERVED 80      /* by containers */
#define PUBLISHED 8080 /* by the host */

/* Who is where: containers 0 and 1 in the network one, 2 in two, 3 is a host outside. */
enum { WEB, NEIGHBOUR, STRANGER, OUTSIDE, HOST };

/* The addresses of all, by family. */
static const char *const addresses[_IP_FAMILY_MAX][5] = {
    [IP_V4] = { "10.77.0.2", "10.77.0.3", "10.78.0.2", "10.99.0.2", "10.99.0.1" },
    [IP_V6] = { "fd77::2", "fd77::3", "fd78::2", "fd99::2", "fd99::1" },
};
static const char *const gateways[_IP_FAMILY_MAX] = { "10.77.0.1", "fd77::1" };
static const char *const wildcards[_IP_FAMILY_MAX] = { "0.0.0.0", "::" };

#define FOR_EACH_FAMILY(family) for (IpFamily family = 0; family < _IP_FAMILY_MAX; family++)

typedef struct World {
    Hosts *hosts;
    Firewall *firewall;
    int places[5];
    int servers[_IP_FAMILY_MAX]; /* in WEB, for datagrams to SERVED */
    int datagrams;               /* sent so far */
} World;

static IpAddress address(const char *text)
{
    IpAddress value;

    assert_int_equal(ip_address_parse(text, &value), 0);
    return value;
}

static IpPrefix prefix(const char *text)
{
    IpPrefix value;

    assert_int_equal(ip_prefix_parse(text, &value), 0);
    return value;
}

/* --- the world --- */

typedef struct Place {
    const char *id, *bridge;
    const char *subnets[_IP_FAMILY_MAX], *gateways[_IP_FAMILY_MAX];
} Place;

static const Place one = {
    "1", "br-one", { "10.77.0.0/16", "fd77::/64" }, { "10.77.0.1", "fd77::1" }
};
static const Place two = {
    "2", "br-two", { "10.78.0.0/16", "fd78::/64" }, { "10.78.0.1", "fd78::1" }
};
static const Place outside = {
    "3", "br-out", { "10.99.0.0/16", "fd99::/64" }, { "10.99.0.1", "fd99::1" }
};

static void plug(World *world, size_t container, const Place *place)
{
    NetworkSubnet subnets[_IP_FAMILY_MAX] = {};
    const NetworkSpec spec = {
        .id = (char *)place->id,
        .name = (char *)place->bridge,
        .driver = (char *)"bridge",
        .interface = (char *)place->bridge,
        .subnets = { .items = subnets, .count = 2 },
        .ipv4 = true,
        .ipv6 = true,
    };
    NetworkAttachment attachment = { .network = &spec, .interface = "eth0" };
    Error err = {};

    FOR_EACH_FAMILY(family)
    {
        subnets[family] = (NetworkSubnet) { .subnet = (char *)place->subnets[family],
                                            .gateway = (char *)place->gateways[family] };
        attachment.addresses[family].address = address(addresses[family][container]);
        attachment.addresses[family].length = prefix(place->subnets[family]).length;
        attachment.gateways[family] = address(place->gateways[family]);
    }
    if (network_attach(world->hosts->links, world->hosts->container_fds[container], &attachment, 1,
                       &err) < 0)
        fail_msg("%s", error_message(&err));
}

static void bring_loopback_up(World *world)
{
    _cleanup_netlink_batch_ NetlinkBatch batch = {};

    kernel_link_add_up(&batch, 1);
    assert_int_equal(netlink_batch_send(&world->hosts->host, &batch, NULL, NULL), 0);
}

static FirewallNetwork network_of(const Place *place)
{
    FirewallNetwork network = { .masquerade = true };

    (void)strncpy(network.interface, place->bridge, IFNAMSIZ - 1);
    FOR_EACH_FAMILY(family)
    network.subnets[family] = prefix(place->subnets[family]);
    return network;
}

static int world_make(void **state)
{
    World *world = NEW(World);
    const FirewallNetwork networks[] = { network_of(&one), network_of(&two) };
    static const Place *const places[] = { &one, &one, &two, &outside };

    hosts_make((void **)&world->hosts);
    bring_loopback_up(world);
    assert_int_equal(firewall_open("cay", &world->firewall, NULL), 0);
    assert_int_equal(firewall_rebuild(world->firewall,
                                      &(FirewallState) { .networks = networks, .n_networks = 2 },
                                      NULL),
                     0);
    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        plug(world, i, places[i]);
        world->places[i] = world->hosts->container_fds[i];
    }
    world->places[HOST] = world->hosts->host_fd;
    FOR_EACH_FAMILY(family)
    world->servers[family] =
        hosts_open_socket(world->hosts, world->places[WEB], SOCK_DGRAM, wildcards[family], SERVED);
    *state = world;
    return 0;
}

static int world_drop(void **state)
{
    World *world = *state;

    FOR_EACH_FAMILY(family)
    fd_close(world->servers[family]);
    firewall_close(world->firewall);
    hosts_drop((void **)&world->hosts);
    free(world);
    return 0;
}

static FirewallPort port_at(const char *host, uint16_t port)
{
    const IpAddress at = address(host);

    return (FirewallPort) {
        .protocol = IPPROTO_UDP,
        .address = at,
        .port = port,
        .target = address(addresses[ip_address_index(&at)][WEB]),
        .target_port = SERVED,
    };
}

static void publish(World *world, const FirewallPort *port)
{
    Error err = {};

    if (firewall_add_ports(world->firewall, port, 1, &err) < 0)
        fail_msg("%s", error_message(&err));
}

static void publish_everywhere(World *world)
{
    FOR_EACH_FAMILY(family)
    {
        const FirewallPort port = port_at(wildcards[family], PUBLISHED);

        publish(world, &port);
    }
}

/* --- packets --- */

/* Wait for datagram @number, which nothing else comes before, and say where it came from. */
static bool receive(int fd, int number, struct sockaddr_storage *from)
{
    const struct timeval patience = { .tv_sec = 10 };
    socklen_t size = sizeof(*from);
    int got = 0;

    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
    return recvfrom(fd, &got, sizeof(got), 0, (struct sockaddr *)from, &size) == sizeof(got) &&
           got == number;
}

static const char *text_of(const struct sockaddr_storage *from, char buffer[INET6_ADDRSTRLEN])
{
    const void *bytes = from->ss_family == AF_INET
                            ? (const void *)&((const struct sockaddr_in *)from)->sin_addr
                            : (const void *)&((const struct sockaddr_in6 *)from)->sin6_addr;

    assert_non_null(inet_ntop(from->ss_family, bytes, buffer, INET6_ADDRSTRLEN));
    return buffer;
}

static int open_client(World *world, int from, const char *to, uint16_t port)
{
    const IpAddress target = address(to);
    int fd = hosts_open_socket(world->hosts, world->places[from], SOCK_DGRAM,
                               wildcards[ip_address_index(&target)], 0);

    assert_int_equal(hosts_connect(fd, to, port), 0);
    return fd;
}

/* What is sent from a place reaches @server, which sees it coming from @seen, and its answer comes
 * back. */
static void check_reaches_server(World *world, int from, const char *to, uint16_t port, int server,
                                 const char *seen)
{
    _cleanup_close_ int client = open_client(world, from, to, port);
    const int number = ++world->datagrams;
    struct sockaddr_storage source;
    char text[INET6_ADDRSTRLEN];

    assert_int_equal(send(client, &number, sizeof(number), 0), sizeof(number));
    if (!receive(server, number, &source))
        fail_msg("place %d does not reach %s", from, to);
    assert_string_equal(text_of(&source, text), seen);
    assert_int_equal(sendto(server, &number, sizeof(number), 0, (struct sockaddr *)&source,
                            source.ss_family == AF_INET ? sizeof(struct sockaddr_in)
                                                        : sizeof(struct sockaddr_in6)),
                     sizeof(number));
    if (!receive(client, number, &source))
        fail_msg("place %d gets no answer from %s", from, to);
}

static void check_reaches(World *world, int from, const char *to, uint16_t port, const char *seen)
{
    const IpAddress target = address(to);

    check_reaches_server(world, from, to, port, world->servers[ip_address_index(&target)], seen);
}

/* Nothing reaches the server of WEB before what the host sends it now. */
static void check_nothing_came(World *world, IpFamily family)
{
    _cleanup_close_ int witness = open_client(world, HOST, addresses[family][WEB], SERVED);
    const int number = ++world->datagrams;
    struct sockaddr_storage source;

    assert_int_equal(send(witness, &number, sizeof(number), 0), sizeof(number));
    assert_true(receive(world->servers[family], number, &source));
}

static void check_does_not_reach(World *world, int from, const char *to, uint16_t port)
{
    const IpAddress target = address(to);
    _cleanup_close_ int client = open_client(world, from, to, port);
    const int number = ++world->datagrams;

    (void)send(client, &number, sizeof(number), 0);
    check_nothing_came(world, ip_address_index(&target));
}

/* --- published ports --- */

static void a_port_is_reached_from_outside_and_sees_who_asks(void **state)
{
    World *world = *state;

    publish_everywhere(world);
    FOR_EACH_FAMILY(family)
    check_reaches(world, OUTSIDE, addresses[family][HOST], PUBLISHED, addresses[family][OUTSIDE]);
}

static void a_port_is_reached_from_the_host_at_all_of_its_addresses(void **state)
{
    World *world = *state;

    publish_everywhere(world);
    FOR_EACH_FAMILY(family)
    {
        check_reaches(world, HOST, addresses[family][HOST], PUBLISHED, addresses[family][HOST]);
        check_reaches(world, HOST, gateways[family], PUBLISHED, gateways[family]);
    }
    check_reaches(world, HOST, "127.0.0.1", PUBLISHED, gateways[IP_V4]);
}

/* Whether the firewall sees bridges is a setting that this kernel may not have. */
static bool set_bridges_filtered(const char *value)
{
    _cleanup_close_ int fd =
        open("/proc/sys/net/bridge/bridge-nf-call-ip6tables", O_WRONLY | O_CLOEXEC);

    return fd >= 0 && write(fd, value, 1) == 1;
}

static void a_port_is_reached_at_the_loopback_of_ipv6_where_the_kernel_can(void **state)
{
    World *world = *state;
    const FirewallNetwork network = network_of(&one);

    publish_everywhere(world);
    (void)set_bridges_filtered("0");
    assert_int_equal(firewall_add_network(world->firewall, &network, NULL), 0);
    check_reaches(world, HOST, "::1", PUBLISHED, gateways[IP_V6]);
    if (!set_bridges_filtered("1"))
        return;
    assert_int_equal(firewall_add_network(world->firewall, &network, NULL), 0);
    check_does_not_reach(world, HOST, "::1", PUBLISHED);
}

static void a_port_is_reached_from_containers_of_all_networks(void **state)
{
    World *world = *state;

    publish_everywhere(world);
    FOR_EACH_FAMILY(family)
    {
        check_reaches(world, NEIGHBOUR, addresses[family][HOST], PUBLISHED, gateways[family]);
        check_reaches(world, NEIGHBOUR, gateways[family], PUBLISHED, gateways[family]);
        check_reaches(world, STRANGER, addresses[family][HOST], PUBLISHED, gateways[family]);
        check_reaches(world, WEB, addresses[family][HOST], PUBLISHED, gateways[family]);
    }
}

static void a_port_at_one_address_is_at_no_other(void **state)
{
    World *world = *state;

    FOR_EACH_FAMILY(family)
    {
        const FirewallPort port = port_at(addresses[family][HOST], PUBLISHED);

        publish(world, &port);
        check_reaches(world, OUTSIDE, addresses[family][HOST], PUBLISHED,
                      addresses[family][OUTSIDE]);
        check_does_not_reach(world, HOST, gateways[family], PUBLISHED);
    }
}

static void a_port_that_is_removed_is_gone(void **state)
{
    World *world = *state;

    publish_everywhere(world);
    FOR_EACH_FAMILY(family)
    {
        const FirewallPort port = port_at(wildcards[family], PUBLISHED);

        check_reaches(world, OUTSIDE, addresses[family][HOST], PUBLISHED,
                      addresses[family][OUTSIDE]);
        assert_int_equal(firewall_remove_ports(world->firewall, &port, 1, NULL), 0);
        check_does_not_reach(world, OUTSIDE, addresses[family][HOST], PUBLISHED);
    }
}

/* A client that goes on sending from one port has a flow, which NAT decided about once. */
static void a_flow_follows_its_port_at_once(void **state)
{
    World *world = *state;

    FOR_EACH_FAMILY(family)
    {
        FirewallPort port = port_at(addresses[family][HOST], PUBLISHED);
        _cleanup_close_ int server = hosts_open_socket(world->hosts, world->places[NEIGHBOUR],
                                                       SOCK_DGRAM, wildcards[family], SERVED);
        _cleanup_close_ int client =
            open_client(world, OUTSIDE, addresses[family][HOST], PUBLISHED);
        const int servers[] = { world->servers[family], server };

        /* nobody is there; the client is told so */
        assert_int_equal(send(client, &(int) { 0 }, sizeof(int), 0), sizeof(int));
        assert_int_equal(recv(client, &(int) { 0 }, sizeof(int), 0), -1);
        for (int i = 0; i < 5; i++) {
            struct sockaddr_storage source;
            const int number = ++world->datagrams, who = i % 2;

            port.target = address(addresses[family][who == 0 ? WEB : NEIGHBOUR]);
            publish(world, &port);
            assert_int_equal(send(client, &number, sizeof(number), 0), sizeof(number));
            assert_true(receive(servers[who], number, &source));
            if (i >= 2)
                assert_int_equal(firewall_remove_ports(world->firewall, &port, 1, NULL), 0);
        }
        assert_int_equal(send(client, &world->datagrams, sizeof(world->datagrams), 0),
                         sizeof(world->datagrams));
        check_nothing_came(world, family);
    }
}

static void a_route_to_a_container_is_no_way_in(void **state)
{
    World *world = *state;

    publish_everywhere(world);
    FOR_EACH_FAMILY(family)
    {
        check_reaches(world, OUTSIDE, addresses[family][HOST], PUBLISHED,
                      addresses[family][OUTSIDE]);
        check_does_not_reach(world, OUTSIDE, addresses[family][WEB], SERVED);
    }
}

static void a_port_for_some_is_closed_to_others(void **state)
{
    static const char *const allowed[_IP_FAMILY_MAX] = { "10.99.0.0/24", "fd99::/64" };
    World *world = *state;

    FOR_EACH_FAMILY(family)
    {
        const IpPrefix prefixes[] = { prefix(allowed[family]), prefix(allowed[family]) };
        FirewallPort port = port_at(wildcards[family], PUBLISHED);

        port.allowed = prefixes;
        port.n_allowed = 2;
        publish(world, &port);
        check_reaches(world, OUTSIDE, addresses[family][HOST], PUBLISHED,
                      addresses[family][OUTSIDE]);
        check_reaches(world, HOST, addresses[family][HOST], PUBLISHED, addresses[family][HOST]);
        check_does_not_reach(world, NEIGHBOUR, addresses[family][HOST], PUBLISHED);
        check_does_not_reach(world, STRANGER, addresses[family][HOST], PUBLISHED);
        check_does_not_reach(world, HOST, gateways[family], PUBLISHED);
        assert_int_equal(firewall_remove_ports(world->firewall, &port, 1, NULL), 0);
        check_does_not_reach(world, OUTSIDE, addresses[family][HOST], PUBLISHED);
    }
}

/* A connection's both ends, through a published port of the loopback and from outside. */
static void a_connection_of_tcp_works_both_ways(void **state)
{
    static const char *const from_host[_IP_FAMILY_MAX] = { "127.0.0.1", "fd99::1" };
    World *world = *state;

    FOR_EACH_FAMILY(family)
    {
        FirewallPort port = port_at(wildcards[family], PUBLISHED);
        _cleanup_close_ int server = hosts_open_socket(world->hosts, world->places[WEB],
                                                       SOCK_STREAM, wildcards[family], SERVED);

        port.protocol = IPPROTO_TCP;
        publish(world, &port);
        assert_int_equal(listen(server, 2), 0);
        for (int i = 0; i < 2; i++) {
            _cleanup_close_ int client =
                hosts_open_socket(world->hosts, world->places[i == 0 ? HOST : OUTSIDE], SOCK_STREAM,
                                  wildcards[family], 0);
            _cleanup_close_ int accepted = -EBADF;
            char byte = 0;

            assert_int_equal(hosts_connect(client,
                                           i == 0 ? from_host[family] : addresses[family][HOST],
                                           PUBLISHED),
                             0);
            accepted = accept(server, NULL, NULL);
            assert_true(accepted >= 0);
            assert_int_equal(send(accepted, "x", 1, 0), 1);
            assert_int_equal(recv(client, &byte, 1, 0), 1);
            assert_int_equal(byte, 'x');
        }
    }
}

/* As SCTP has it: of all bytes, its own place being 0 (RFC 9260, appendix A). */
static uint32_t crc32c(const uint8_t *data, size_t size)
{
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78U : 0);
    }
    return ~crc;
}

/* This kernel may have no SCTP: the packet that begins an association is made here. */
static void a_port_of_sctp_is_published_with_its_checksum_right(void **state)
{
    enum { PORTS = 4, CHECKSUM = 8, SIZE = 12 + 20 };
    World *world = *state;
    FirewallPort port = port_at("0.0.0.0", PUBLISHED);
    _cleanup_close_ int client =
        hosts_open_raw(world->hosts, world->places[OUTSIDE], AF_INET, IPPROTO_SCTP);
    _cleanup_close_ int server =
        hosts_open_raw(world->hosts, world->places[WEB], AF_INET, IPPROTO_SCTP);
    /* ports, tag, checksum; INIT of 20 bytes: tag, window, streams out and in, first number */
    uint8_t packet[SIZE] = {
        0x13,     0x88,     PUBLISHED >> 8, PUBLISHED & 0xff, [12] = 1, [15] = 20,
        [19] = 1, [21] = 1, [25] = 1,       [27] = 1,         [31] = 1
    };
    uint8_t got[sizeof(struct iphdr) + SIZE];
    uint32_t crc = crc32c(packet, sizeof(packet));

    port.protocol = IPPROTO_SCTP;
    publish(world, &port);
    memcpy(packet + CHECKSUM, &crc, sizeof(crc));
    assert_int_equal(hosts_connect(client, addresses[IP_V4][HOST], 0), 0);
    assert_int_equal(send(client, packet, sizeof(packet), 0), sizeof(packet));
    assert_int_equal(recv(server, got, sizeof(got), 0), sizeof(got));
    assert_int_equal(got[sizeof(struct iphdr) + 2] << 8 | got[sizeof(struct iphdr) + 3], SERVED);
    memcpy(&crc, got + sizeof(struct iphdr) + CHECKSUM, sizeof(crc));
    memset(got + sizeof(struct iphdr) + CHECKSUM, 0, sizeof(crc));
    assert_int_equal(crc, crc32c(got + sizeof(struct iphdr), SIZE));
    assert_memory_equal(got + sizeof(struct iphdr) + 12, packet + 12, SIZE - 12);
}

/* --- loopback --- */

static uint16_t checksum(const void *data, size_t size)
{
    const uint16_t *words = data;
    uint32_t sum = 0;

    for (size_t i = 0; i < size / 2; i++)
        sum += words[i];
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

/* A datagram as only somebody sends it who means harm. */
static void send_forged(World *world, const char *from, const char *to, uint16_t port)
{
    struct {
        struct iphdr ip;
        struct udphdr udp;
        int number;
    } __attribute__((packed)) packet = {
        .ip = { .version = 4,
                .ihl = 5,
                .ttl = 64,
                .protocol = IPPROTO_UDP,
                .tot_len = htons(sizeof(packet)),
                .saddr = inet_addr(from),
                .daddr = inet_addr(to) },
        .udp = { .source = htons(5000),
                 .dest = htons(port),
                 .len = htons(sizeof(packet) - sizeof(struct iphdr)) },
        .number = ++world->datagrams,
    };
    const KernelLink bridge = hosts_find_link(world->hosts, -EBADF, outside.bridge);
    struct sockaddr_ll link = {
        .sll_family = AF_PACKET,
        .sll_protocol = htons(0x0800),
        .sll_ifindex = (int)hosts_find_link(world->hosts, world->places[OUTSIDE], "eth0").index,
        .sll_halen = 6,
    };
    _cleanup_close_ int fd =
        hosts_open_unbound(world->hosts, world->places[OUTSIDE], AF_PACKET, SOCK_DGRAM);

    packet.ip.check = checksum(&packet.ip, sizeof(packet.ip));
    memcpy(link.sll_addr, bridge.mac, sizeof(bridge.mac));
    assert_int_equal(sendto(fd, &packet, sizeof(packet), 0, (struct sockaddr *)&link, sizeof(link)),
                     sizeof(packet));
}

static void a_port_of_the_loopback_is_not_reached_from_outside(void **state)
{
    World *world = *state;
    const FirewallPort port = port_at("127.0.0.1", PUBLISHED);

    publish(world, &port);
    check_reaches(world, HOST, "127.0.0.1", PUBLISHED, gateways[IP_V4]);
    check_does_not_reach(world, OUTSIDE, addresses[IP_V4][HOST], PUBLISHED);
    check_does_not_reach(world, NEIGHBOUR, gateways[IP_V4], PUBLISHED);
    send_forged(world, addresses[IP_V4][OUTSIDE], "127.0.0.1", PUBLISHED);
    check_nothing_came(world, IP_V4);
    publish_everywhere(world);
    send_forged(world, "127.0.0.1", addresses[IP_V4][HOST], PUBLISHED);
    check_nothing_came(world, IP_V4);
    /* what is no lie arrives that way */
    send_forged(world, addresses[IP_V4][OUTSIDE], addresses[IP_V4][HOST], PUBLISHED);
    assert_true(receive(world->servers[IP_V4], world->datagrams, &(struct sockaddr_storage) {}));
}

/* --- networks --- */

static void networks_do_not_reach_each_other(void **state)
{
    World *world = *state;

    FOR_EACH_FAMILY(family)
    {
        check_reaches(world, NEIGHBOUR, addresses[family][WEB], SERVED,
                      addresses[family][NEIGHBOUR]);
        check_does_not_reach(world, STRANGER, addresses[family][WEB], SERVED);
    }
}

static void a_refusal_is_told_to_containers(void **state)
{
    World *world = *state;
    _cleanup_close_ int client = open_client(world, STRANGER, addresses[IP_V4][WEB], SERVED);
    const struct timeval patience = { .tv_sec = 10 };
    char byte = 0;

    assert_int_equal(setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
    assert_int_equal(send(client, &byte, 1, 0), 1);
    assert_int_equal(recv(client, &byte, 1, 0), -1);
    assert_int_equal(errno, EHOSTUNREACH);
}

typedef struct Flood {
    int fd;
    atomic_bool is_over;
    atomic_ulong sent;
} Flood;

static void *flood(void *data)
{
    Flood *flood = data;

    while (!flood->is_over) {
        (void)send(flood->fd, &(int) { 0 }, sizeof(int),
                   MSG_DONTWAIT); /* refused again and again */
        flood->sent++;
    }
    return NULL;
}

static void no_packet_gets_through_while_the_table_is_made_anew(void **state)
{
    World *world = *state;
    const FirewallNetwork networks[] = { network_of(&one), network_of(&two) };
    const FirewallState all = { .networks = networks, .n_networks = 2 };
    Flood stranger = { .fd = open_client(world, STRANGER, addresses[IP_V4][WEB], SERVED) };
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, flood, &stranger), 0);
    for (int i = 0; i < 200 || stranger.sent < 2000; i++)
        assert_int_equal(firewall_rebuild(world->firewall, &all, NULL), 0);
    stranger.is_over = true;
    assert_int_equal(pthread_join(thread, NULL), 0);
    check_nothing_came(world, IP_V4);
    fd_close(stranger.fd);
}

static void what_leaves_has_the_host_s_address_or_its_own(void **state)
{
    World *world = *state;
    FirewallNetwork network = network_of(&one);

    FOR_EACH_FAMILY(family)
    {
        _cleanup_close_ int server = hosts_open_socket(world->hosts, world->places[OUTSIDE],
                                                       SOCK_DGRAM, wildcards[family], SERVED);

        network.masquerade = true;
        assert_int_equal(firewall_add_network(world->firewall, &network, NULL), 0);
        check_reaches_server(world, WEB, addresses[family][OUTSIDE], SERVED, server,
                             addresses[family][HOST]);
        network.masquerade = false;
        assert_int_equal(firewall_add_network(world->firewall, &network, NULL), 0);
        check_reaches_server(world, WEB, addresses[family][OUTSIDE], SERVED, server,
                             addresses[family][WEB]);
    }
}

static void an_internal_network_is_closed_both_ways(void **state)
{
    World *world = *state;
    FirewallNetwork network = network_of(&two);

    network.is_internal = true;
    assert_int_equal(firewall_add_network(world->firewall, &network, NULL), 0);
    publish_everywhere(world);
    FOR_EACH_FAMILY(family)
    {
        _cleanup_close_ int server = hosts_open_socket(world->hosts, world->places[STRANGER],
                                                       SOCK_DGRAM, wildcards[family], SERVED);

        /* not out, be it to a published port */
        check_does_not_reach(world, STRANGER, addresses[family][HOST], PUBLISHED);
        check_does_not_reach(world, STRANGER, two.gateways[family], PUBLISHED);
        check_does_not_reach(world, STRANGER, addresses[family][WEB], SERVED);
        check_reaches(world, OUTSIDE, addresses[family][HOST], PUBLISHED,
                      addresses[family][OUTSIDE]);
        /* the host is in it */
        check_reaches_server(world, HOST, addresses[family][STRANGER], SERVED, server,
                             two.gateways[family]);
    }
}

static void an_internal_network_reaches_the_host_at_its_gateway_only(void **state)
{
    World *world = *state;
    FirewallNetwork network = network_of(&two);

    network.is_internal = true;
    assert_int_equal(firewall_add_network(world->firewall, &network, NULL), 0);
    FOR_EACH_FAMILY(family)
    {
        _cleanup_close_ int server = hosts_open_socket(world->hosts, world->places[HOST],
                                                       SOCK_DGRAM, wildcards[family], SERVED);
        _cleanup_close_ int client = open_client(world, STRANGER, addresses[family][HOST], SERVED);
        const int number = ++world->datagrams;

        assert_int_equal(send(client, &number, sizeof(number), 0), sizeof(number));
        check_reaches_server(world, STRANGER, two.gateways[family], SERVED, server,
                             addresses[family][STRANGER]);
    }
}

#define WORLD_TEST(test) cmocka_unit_test_setup_teardown(test, world_make, world_drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_port_is_reached_from_outside_and_sees_who_asks),
        WORLD_TEST(a_port_is_reached_from_the_host_at_all_of_its_addresses),
        WORLD_TEST(a_port_is_reached_at_the_loopback_of_ipv6_where_the_kernel_can),
        WORLD_TEST(a_port_is_reached_from_containers_of_all_networks),
        WORLD_TEST(a_port_at_one_address_is_at_no_other),
        WORLD_TEST(a_port_that_is_removed_is_gone),
        WORLD_TEST(a_flow_follows_its_port_at_once),
        WORLD_TEST(a_connection_of_tcp_works_both_ways),
        WORLD_TEST(a_port_of_sctp_is_published_with_its_checksum_right),
        WORLD_TEST(a_route_to_a_container_is_no_way_in),
        WORLD_TEST(a_port_for_some_is_closed_to_others),
        WORLD_TEST(a_port_of_the_loopback_is_not_reached_from_outside),
        WORLD_TEST(networks_do_not_reach_each_other),
        WORLD_TEST(a_refusal_is_told_to_containers),
        WORLD_TEST(no_packet_gets_through_while_the_table_is_made_anew),
        WORLD_TEST(what_leaves_has_the_host_s_address_or_its_own),
        WORLD_TEST(an_internal_network_is_closed_both_ways),
        WORLD_TEST(an_internal_network_reaches_the_host_at_its_gateway_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
