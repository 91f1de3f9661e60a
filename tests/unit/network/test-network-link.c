/* SPDX-License-Identifier: Apache-2.0 */

/* Bridges and links to them, in the kernel. */

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/memory.h"
#include "hosts.h"

#define BRIDGE "br-0123456789ab"

static NetworkSubnet subnets[] = {
    { .subnet = (char *)"10.77.0.0/16", .gateway = (char *)"10.77.0.1" },
    { .subnet = (char *)"fd77::/64", .gateway = (char *)"fd77::1" },
};

static NetworkSpec make_spec(void)
{
    return (NetworkSpec) {
        .id = (char *)"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        .name = (char *)"web",
        .driver = (char *)"bridge",
        .subnets = { .items = subnets, .count = 2 },
        .ipv4 = true,
        .ipv6 = true,
        .interface = (char *)BRIDGE,
    };
}

static IpPrefix prefix(const char *text)
{
    IpPrefix value;

    assert_int_equal(ip_prefix_parse(text, &value), 0);
    return value;
}

static NetworkAttachment make_attachment(const NetworkSpec *spec, const char *v4, const char *v6)
{
    return (NetworkAttachment) {
        .network = spec,
        .interface = "eth0",
        .addresses = { prefix(v4), prefix(v6) },
        .gateways = { prefix("10.77.0.1").address, prefix("fd77::1").address },
    };
}

static void attach(Hosts *hosts, size_t container, NetworkAttachment *attachment)
{
    Error err = {};

    if (network_attach(hosts->links, hosts->container_fds[container], attachment, 1, &err) < 0)
        fail_msg("%s", error_message(&err));
}

static void a_bridge_comes_up_with_its_addresses_and_routes(void **state)
{
    Hosts *hosts = *state;
    NetworkSpec spec = make_spec();
    KernelLink bridge;

    spec.mtu = 1400;
    assert_int_equal(network_links_up(hosts->links, &spec, NULL), 0);
    bridge = hosts_find_link(hosts, -EBADF, BRIDGE);
    assert_string_equal(bridge.kind, "bridge");
    assert_true(bridge.flags & IFF_UP);
    assert_int_equal(bridge.mtu, 1400);
    assert_int_equal(hosts_read_sysctl(hosts, -EBADF, "ipv4/ip_forward"), 1);
    assert_int_equal(hosts_read_sysctl(hosts, -EBADF, "ipv6/conf/all/forwarding"), 1);
    assert_int_equal(hosts_read_sysctl(hosts, -EBADF, "ipv4/conf/" BRIDGE "/route_localnet"), 1);
    assert_int_equal(hosts_read_sysctl(hosts, -EBADF, "ipv6/conf/" BRIDGE "/accept_ra"), 0);

    /* again: everything stays */
    assert_int_equal(network_links_up(hosts->links, &spec, NULL), 0);
    assert_int_equal(hosts_find_link(hosts, -EBADF, BRIDGE).index, bridge.index);

    assert_int_equal(network_links_down(hosts->links, &spec, NULL), 0);
    assert_int_equal(hosts_find_link(hosts, -EBADF, BRIDGE).index, 0);
    assert_int_equal(network_links_down(hosts->links, &spec, NULL), 0);
}

static void a_container_is_reached_over_both_families_at_once(void **state)
{
    Hosts *hosts = *state;
    NetworkSpec spec = make_spec();
    NetworkAttachment one = make_attachment(&spec, "10.77.0.2/16", "fd77::2/64");
    NetworkAttachment two = make_attachment(&spec, "10.77.0.3/16", "fd77::3/64");

    memcpy(one.mac, "\x02\x42\x0a\x4d\x00\x02", 6);
    attach(hosts, 0, &one);
    assert_true(
        hosts_can_send(hosts, hosts->host_fd, "10.77.0.1", hosts->container_fds[0], "10.77.0.2"));
    assert_true(
        hosts_can_send(hosts, hosts->container_fds[0], "fd77::2", hosts->host_fd, "fd77::1"));
    attach(hosts, 1, &two);
    assert_true(hosts_can_send(hosts, hosts->container_fds[0], "10.77.0.2", hosts->container_fds[1],
                               "10.77.0.3"));
    assert_true(hosts_can_send(hosts, hosts->container_fds[1], "fd77::3", hosts->container_fds[0],
                               "fd77::2"));
    assert_memory_equal(hosts_find_link(hosts, hosts->container_fds[0], "eth0").mac,
                        "\x02\x42\x0a\x4d\x00\x02", 6);
    assert_memory_equal(hosts_find_link(hosts, hosts->container_fds[1], "eth0").mac, two.mac, 6);
    assert_string_not_equal(one.host_interface, two.host_interface);
    assert_true(hosts_find_link(hosts, -EBADF, one.host_interface).index > 0);
}

static void a_bridge_without_container_traffic_keeps_them_apart(void **state)
{
    Hosts *hosts = *state;
    NetworkSpec spec = make_spec();
    NetworkAttachment one = make_attachment(&spec, "10.77.0.2/16", "fd77::2/64");
    NetworkAttachment two = make_attachment(&spec, "10.77.0.3/16", "fd77::3/64");

    spec.no_container_traffic = true;
    attach(hosts, 0, &one);
    attach(hosts, 1, &two);
    assert_true(hosts_cannot_send(hosts, hosts->container_fds[0], "10.77.0.2",
                                  hosts->container_fds[1], "10.77.0.3", hosts->host_fd,
                                  "10.77.0.1"));
    assert_true(hosts_cannot_send(hosts, hosts->container_fds[0], "fd77::2",
                                  hosts->container_fds[1], "fd77::3", hosts->host_fd, "fd77::1"));
}

static void a_network_without_ipv6_has_none(void **state)
{
    Hosts *hosts = *state;
    NetworkSpec spec = make_spec();
    NetworkAttachment one = make_attachment(&spec, "10.77.0.2/16", "fd77::2/64");

    spec.ipv6 = false;
    spec.subnets.count = 1;
    one.addresses[IP_V6] = (IpPrefix) {};
    one.gateways[IP_V6] = (IpAddress) {};
    attach(hosts, 0, &one);
    assert_int_equal(
        hosts_read_sysctl(hosts, hosts->container_fds[0], "ipv6/conf/eth0/disable_ipv6"), 1);
    assert_int_equal(hosts_read_sysctl(hosts, -EBADF, "ipv6/conf/" BRIDGE "/disable_ipv6"), 1);
    assert_int_equal(hosts_read_sysctl(hosts, -EBADF, "ipv6/conf/all/forwarding"), 0);
}

static void further_addresses_are_a_containers_too(void **state)
{
    Hosts *hosts = *state;
    NetworkSpec spec = make_spec();
    NetworkAttachment one = make_attachment(&spec, "10.77.0.2/16", "fd77::2/64");
    _cleanup_string_list_ StringList further = {};
    Error err = {};

    string_list_add(&further, "169.254.7.7");
    string_list_add(&further, "fd99::7");
    one.link_local = &further;
    attach(hosts, 0, &one);
    for (size_t i = 0; i < further.count; i++) /* it can be bound to */
        fd_close(
            hosts_open_socket(hosts, hosts->container_fds[0], SOCK_DGRAM, further.items[i], 4000));

    string_list_add(&further, "nonsense");
    assert_true(network_attach(hosts->links, hosts->container_fds[1], &one, 1, &err) < 0);
    check_error(&err, ERROR_INVALID, "network 'web': 'nonsense' is no address");
    assert_int_equal(hosts_count_links(hosts, hosts->container_fds[1]), 1);
}

/* Who begins to forward IPv6 would else lose what it has from its router. */
static void a_host_that_listened_to_routers_goes_on_listening(void **state)
{
    Hosts *hosts = *state;
    NetworkSpec spec = make_spec();

    assert_int_equal(hosts_read_sysctl(hosts, -EBADF, "ipv6/conf/" HOSTS_UPLINK "/accept_ra"), 1);
    assert_int_equal(network_links_up(hosts->links, &spec, NULL), 0);
    assert_int_equal(hosts_read_sysctl(hosts, -EBADF, "ipv6/conf/" HOSTS_UPLINK "/accept_ra"), 2);
    assert_int_equal(hosts_read_sysctl(hosts, -EBADF, "ipv6/conf/" BRIDGE "/accept_ra"), 0);
}

static void of_several_links_all_or_none_are_there(void **state)
{
    Hosts *hosts = *state;
    NetworkSpec spec = make_spec(), other = make_spec();
    NetworkAttachment attachments[2];
    Error err = {};

    other.id = (char *)"fedcba9876543210";
    other.interface = (char *)"br-fedcba987654";
    attachments[0] = make_attachment(&spec, "10.77.0.2/16", "fd77::2/64");
    attachments[1] = make_attachment(&other, "10.78.0.2/16", "fd78::2/64");
    attachments[1].gateways[IP_V4] = attachments[1].gateways[IP_V6] = (IpAddress) {};
    assert_true(network_attach(hosts->links, hosts->container_fds[0], attachments, 2, &err) < 0);
    check_error(&err, ERROR_CONFLICT, "the container has an interface 'eth0' already");
    assert_int_equal(hosts_count_links(hosts, hosts->container_fds[0]), 1);
    assert_int_equal(hosts_count_links(hosts, -EBADF), 4); /* loopback, uplink and bridges */

    attachments[1].interface = "eth1";
    assert_int_equal(network_attach(hosts->links, hosts->container_fds[0], attachments, 2, &err),
                     0);
    assert_int_equal(hosts_count_links(hosts, hosts->container_fds[0]), 3);
}

static void a_bridge_of_somebody_else_is_used_and_stays(void **state)
{
    Hosts *hosts = *state;
    NetworkSpec spec = make_spec(), other = make_spec();
    NetworkAttachment one = make_attachment(&spec, "10.77.0.2/16", "fd77::2/64");

    other.id = (char *)"fedcba9876543210";
    other.subnets.count = 0;
    assert_int_equal(network_links_up(hosts->links, &other, NULL), 0);
    attach(hosts, 0, &one);
    assert_true(
        hosts_can_send(hosts, hosts->host_fd, "10.77.0.1", hosts->container_fds[0], "10.77.0.2"));
    assert_int_equal(network_links_down(hosts->links, &spec, NULL), 0);
    assert_true(hosts_find_link(hosts, -EBADF, BRIDGE).index > 0);
}

static void a_bridge_of_somebody_else_keeps_its_settings(void **state)
{
    Hosts *hosts = *state;
    NetworkSpec spec = make_spec(), other = make_spec();

    other.id = (char *)"fedcba9876543210";
    assert_int_equal(network_links_up(hosts->links, &other, NULL), 0);
    spec.ipv6 = false;
    spec.subnets.count = 1;
    assert_int_equal(network_links_up(hosts->links, &spec, NULL), 0);
    assert_int_equal(hosts_read_sysctl(hosts, -EBADF, "ipv6/conf/" BRIDGE "/disable_ipv6"), 0);
}

static void an_interface_that_is_no_bridge_is_none(void **state)
{
    Hosts *hosts = *state;
    NetworkSpec spec = make_spec();
    Error err = {};

    spec.interface = (char *)"lo";
    assert_true(network_links_up(hosts->links, &spec, &err) < 0);
    check_error(&err, ERROR_CONFLICT,
                "network 'web' needs a bridge 'lo', which is another interface");
}

static void a_link_that_is_taken_away_leaves_nothing(void **state)
{
    Hosts *hosts = *state;
    NetworkSpec spec = make_spec();
    NetworkAttachment one = make_attachment(&spec, "10.77.0.2/16", "fd77::2/64");

    attach(hosts, 0, &one);
    assert_int_equal(network_detach(hosts->links, hosts->container_fds[0], &one, NULL), 0);
    assert_int_equal(network_detach(hosts->links, hosts->container_fds[0], &one, NULL), 0);
    assert_int_equal(hosts_count_links(hosts, hosts->container_fds[0]), 1);
    assert_int_equal(hosts_count_links(hosts, -EBADF), 3); /* loopback, uplink and bridge */
}

static bool has_prefix(const NetworkPrefixList *list, const char *text)
{
    char buffer[IP_PREFIX_TEXT_MAX];

    for (size_t i = 0; i < list->count; i++)
        if (strcmp(ip_prefix_format(&list->items[i], buffer), text) == 0)
            return true;

    return false;
}

static void the_prefixes_of_the_host_are_told_without_what_everybody_has(void **state)
{
    Hosts *hosts = *state;
    NetworkSpec spec = make_spec();
    NetworkPrefixList list = {};
    NetworkAttachment one = make_attachment(&spec, "10.77.0.2/16", "fd77::2/64");

    attach(hosts, 0, &one);
    assert_int_equal(network_list_host_prefixes(hosts->links, &list, NULL), 0);
    assert_true(has_prefix(&list, "10.77.0.0/16"));
    assert_true(has_prefix(&list, "fd77::/64"));
    for (size_t i = 0; i < list.count; i++) {
        assert_true(
            ip_prefix_overlaps(&list.items[i], &(IpPrefix) { prefix("10.77.0.0").address, 16 }) ||
            ip_prefix_overlaps(&list.items[i], &(IpPrefix) { prefix("fd77::").address, 64 }));
    }
    network_prefixes_done(&list);
}

static void the_default_route_is_replaced_and_removed(void **state)
{
    Hosts *hosts = *state;
    NetworkSpec spec = make_spec();
    NetworkAttachment one = make_attachment(&spec, "10.77.0.2/16", "fd77::2/64");
    int fd = hosts->container_fds[0];

    attach(hosts, 0, &one);
    for (IpFamily family = 0; family < _IP_FAMILY_MAX; family++) {
        const IpAddress other = prefix(family == IP_V4 ? "10.77.0.9" : "fd77::9").address;

        assert_int_equal(network_set_default_route(hosts->links, fd, family, "eth0", &other, NULL),
                         0);
        assert_int_equal(
            network_set_default_route(hosts->links, fd, family, "eth0", &(IpAddress) {}, NULL), 0);
        assert_int_equal(
            network_set_default_route(hosts->links, fd, family, "eth0", &(IpAddress) {}, NULL), 0);
    }
}

static void settings_of_an_interface_are_made_and_nothing_else(void **state)
{
    static const char *const wrong[] = {
        "net.ipv4.ip_forward",          "net.ipv4.conf.all.log_martians",
        "net.ipv4.conf.IFNAME.",        "net.ipv4.conf.IFNAME.../../tcp_syncookies",
        "net.ipv4.conf.IFNAME.no_such", "kernel.hostname",
        "net.ipv4.conf.IFNAME.a/b",     "",
    };
    Hosts *hosts = *state;
    NetworkSpec spec = make_spec();
    NetworkAttachment one = make_attachment(&spec, "10.77.0.2/16", "fd77::2/64");

    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        _cleanup_string_map_ StringMap sysctls = {};
        Error err = {};

        string_map_set(&sysctls, wrong[i], "1");
        one.sysctls = &sysctls;
        assert_true(network_attach(hosts->links, hosts->container_fds[0], &one, 1, &err) < 0);
        assert_int_equal(err.kind, ERROR_INVALID);
        error_done(&err);
        assert_int_equal(hosts_count_links(hosts, hosts->container_fds[0]), 1);
    }
    {
        _cleanup_string_map_ StringMap sysctls = {};

        string_map_set(&sysctls, "net.ipv4.conf.IFNAME.log_martians", "1");
        string_map_set(&sysctls, "net.ipv6.neigh.IFNAME.gc_stale_time", "77");
        one.sysctls = &sysctls;
        attach(hosts, 0, &one);
    }
    assert_int_equal(
        hosts_read_sysctl(hosts, hosts->container_fds[0], "ipv4/conf/eth0/log_martians"), 1);
    assert_int_equal(
        hosts_read_sysctl(hosts, hosts->container_fds[0], "ipv6/neigh/eth0/gc_stale_time"), 77);
}

static void counters_tell_what_went_through(void **state)
{
    Hosts *hosts = *state;
    NetworkSpec spec = make_spec();
    NetworkAttachment one = make_attachment(&spec, "10.77.0.2/16", "fd77::2/64");
    NetworkCountersList list = {};

    attach(hosts, 0, &one);
    assert_true(
        hosts_can_send(hosts, hosts->host_fd, "10.77.0.1", hosts->container_fds[0], "10.77.0.2"));
    assert_int_equal(network_read_counters(hosts->container_fds[0], &list, NULL), 0);
    assert_int_equal(list.count, 1);
    assert_string_equal(list.items[0].interface, "eth0");
    assert_true(list.items[0].rx_packets >= 2 && list.items[0].rx_bytes >= 28);
    assert_true(list.items[0].tx_packets >= 1);
    network_counters_done(&list);
}

#define HOSTS_TEST(test) cmocka_unit_test_setup_teardown(test, hosts_make, hosts_drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOSTS_TEST(a_bridge_comes_up_with_its_addresses_and_routes),
        HOSTS_TEST(a_container_is_reached_over_both_families_at_once),
        HOSTS_TEST(a_bridge_without_container_traffic_keeps_them_apart),
        HOSTS_TEST(a_network_without_ipv6_has_none),
        HOSTS_TEST(further_addresses_are_a_containers_too),
        HOSTS_TEST(a_host_that_listened_to_routers_goes_on_listening),
        HOSTS_TEST(of_several_links_all_or_none_are_there),
        HOSTS_TEST(a_bridge_of_somebody_else_is_used_and_stays),
        HOSTS_TEST(a_bridge_of_somebody_else_keeps_its_settings),
        HOSTS_TEST(an_interface_that_is_no_bridge_is_none),
        HOSTS_TEST(a_link_that_is_taken_away_leaves_nothing),
        HOSTS_TEST(the_prefixes_of_the_host_are_told_without_what_everybody_has),
        HOSTS_TEST(the_default_route_is_replaced_and_removed),
        HOSTS_TEST(settings_of_an_interface_are_made_and_nothing_else),
        HOSTS_TEST(counters_tell_what_went_through),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
