/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One suite for every driver and mode: what is reached over its links and what is not, and that
 * nothing of them stays. A driver that this kernel has not must say so; with CAY_TEST_ALL_DRIVERS
 * in the environment all must be there.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "hosts.h"

/* Who reaches whom at once, in both families. */
typedef struct Row {
    const char *driver;
    const char *options; /* "NAME=VALUE ..." */
    bool each_other;     /* containers */
    bool host;
    bool outside;     /* what is at the other end of the parent */
    unsigned tag;     /* under which the outside expects it */
    size_t n_of_host; /* links that are added to the host by itself, and by each container */
    size_t n_of_container;
} Row;

#define N_ATTACHED 2 /* containers */
#define PARENT "parent=" HOSTS_UPLINK

static const Row rows[] = {
    { "bridge", "", true, true, false, 0, 1, 1 },
    { "bridge", "com.docker.network.bridge.enable_icc=false", false, true, false, 0, 1, 1 },
    { "bridge", "vlan_filtering=true vlan=5", true, true, false, 0, 1, 1 },
    { "macvlan", PARENT, true, false, true, 0, 0, 0 },
    { "macvlan", PARENT " macvlan_mode=private", false, false, true, 0, 0, 0 },
    { "macvlan", PARENT " mode=vepa", false, false, true, 0, 0, 0 },
    { "macvlan", "", true, false, false, 0, 1, 0 },
    { "macvlan", PARENT ".10", true, false, true, 10, 1, 0 },
    { "vlan", PARENT " vlan=10", true, false, true, 10, 1, 0 },
    { "ipvlan", PARENT, true, false, true, 0, 0, 0 },
    { "ipvlan", PARENT " ipvlan_flag=private", false, false, true, 0, 0, 0 },
    { "ipvlan", PARENT " ipvlan_mode=l3", true, false, false, 0, 0, 0 },
    { "ipvlan", PARENT " ipvlan_mode=l3s", true, false, false, 0, 0, 0 },
    { "vxlan", "vni=42", true, true, false, 0, 2, 1 },
    { "vxlan", "vni=42 " PARENT " group=239.1.1.1", true, true, false, 0, 2, 1 },
    { "dummy", "", false, false, false, 0, 0, 0 },
};

static NetworkSubnet subnets[] = {
    { .subnet = (char *)"10.77.0.0/16", .gateway = (char *)"10.77.0.1" },
    { .subnet = (char *)"fd77::/64", .gateway = (char *)"fd77::1" },
};

static const char *const host_addresses[] = { "10.77.0.1", "fd77::1" };
static const char *const outside_addresses[] = { "10.77.9.9", "fd77::9" };
static const char *const container_addresses[N_ATTACHED][_IP_FAMILY_MAX] = {
    { "10.77.0.2", "fd77::2" },
    { "10.77.0.3", "fd77::3" },
};

static NetworkSpec make_spec(const Row *row)
{
    NetworkSpec spec = {
        .id = memory_strdup("0123456789abcdef0123456789abcdef"),
        .name = memory_strdup("web"),
        .driver = memory_strdup(row->driver),
        .ipv4 = true,
        .ipv6 = true,
    };
    _cleanup_string_list_ StringList words = {};
    Error err = {};

    if (row->options[0] != '\0')
        string_list_split(&words, row->options, ' ');
    for (size_t i = 0; i < words.count; i++) {
        char *equals = strchr(words.items[i], '=');

        *equals = '\0';
        string_map_set(&spec.options, words.items[i], equals + 1);
    }
    if (network_spec_apply_options(&spec, &err) < 0)
        fail_msg("%s", error_message(&err));
    spec.subnets.items = subnets;
    spec.subnets.count = 2;
    if (network_spec_validate(&spec, &err) < 0)
        fail_msg("%s", error_message(&err));
    return spec;
}

static void drop_spec(NetworkSpec *spec)
{
    spec->subnets.items = NULL;
    spec->subnets.count = 0;
    network_spec_done(spec);
}

static IpPrefix prefix(const char *text, uint32_t length)
{
    IpPrefix value;

    assert_int_equal(ip_prefix_parse(text, &value), 0);
    value.length = length;
    return value;
}

static NetworkAttachment make_attachment(const NetworkSpec *spec, size_t container)
{
    return (NetworkAttachment) {
        .network = spec,
        .interface = "eth0",
        .addresses = { prefix(container_addresses[container][IP_V4], 16),
                       prefix(container_addresses[container][IP_V6], 64) },
        .gateways = { prefix(host_addresses[IP_V4], 32).address,
                      prefix(host_addresses[IP_V6], 128).address },
        .mac = { 0x02, 0x42, 10, 77, 0, (uint8_t)(container + 2) },
    };
}

/* 0, or what an error says that this kernel may. */
static int check_result(const Row *row, int r, Error *err)
{
    if (r == 0)
        return 0;
    if (err->kind != ERROR_UNSUPPORTED || getenv("CAY_TEST_ALL_DRIVERS"))
        fail_msg("%s %s: %s", row->driver, row->options, error_message(err));
    error_done(err);
    return r;
}

static void expect(Hosts *hosts, const Row *row, int from, const char *source, int to,
                   const char *target)
{
    if (!hosts_can_send(hosts, from, source, to, target))
        fail_msg("%s %s: %s does not reach %s", row->driver, row->options, source, target);
}

/* That one is not reached is told beside another one that is. */
static void check_reach(Hosts *hosts, const Row *row, IpFamily family)
{
    const int one = hosts->container_fds[0], two = hosts->container_fds[1];
    const char *first = container_addresses[0][family], *second = container_addresses[1][family];
    const char *host = host_addresses[family], *outside = outside_addresses[family];

    if (row->each_other) {
        expect(hosts, row, one, first, two, second);
        expect(hosts, row, two, second, one, first);
    }
    if (row->host) {
        expect(hosts, row, one, first, hosts->host_fd, host);
        expect(hosts, row, hosts->host_fd, host, two, second);
    }
    if (row->outside) {
        expect(hosts, row, one, first, hosts->outside_fd, outside);
        expect(hosts, row, hosts->outside_fd, outside, two, second);
    }
    if (!row->each_other && (row->host || row->outside))
        assert_true(hosts_cannot_send(hosts, one, first, two, second,
                                      row->host ? hosts->host_fd : hosts->outside_fd,
                                      row->host ? host : outside));
}

static int attach_both(Hosts *hosts, const Row *row, const NetworkSpec *spec, Error *err)
{
    for (size_t i = 0; i < N_ATTACHED; i++) {
        NetworkAttachment attachment = make_attachment(spec, i);
        int r = network_attach(hosts->links, hosts->container_fds[i], &attachment, 1, err);

        if (r < 0)
            return r;
        assert_int_equal(attachment.host_interface[0] != '\0', row->n_of_container > 0);
        assert_true(network_mac_is_set(attachment.mac));
    }
    return 0;
}

static void check_row(Hosts *hosts, const Row *row)
{
    NetworkSpec spec = make_spec(row);
    size_t before = hosts_count_links(hosts, -EBADF);
    Error err = {};

    hosts_give_outside_addresses(hosts, row->tag, outside_addresses);
    if (check_result(row, network_links_up(hosts->links, &spec, &err), &err) == 0 &&
        check_result(row, network_links_up(hosts->links, &spec, &err), &err) == 0 &&
        check_result(row, attach_both(hosts, row, &spec, &err), &err) == 0) {
        assert_int_equal(hosts_count_links(hosts, -EBADF),
                         before + row->n_of_host + N_ATTACHED * row->n_of_container);
        for (IpFamily family = 0; family < _IP_FAMILY_MAX; family++)
            check_reach(hosts, row, family);
    }
    for (size_t i = 0; i < N_ATTACHED; i++) {
        NetworkAttachment attachment = make_attachment(&spec, i);

        assert_int_equal(network_detach(hosts->links, hosts->container_fds[i], &attachment, &err),
                         0);
        assert_int_equal(hosts_count_links(hosts, hosts->container_fds[i]), 1);
    }
    assert_int_equal(network_links_down(hosts->links, &spec, &err), 0);
    assert_int_equal(network_links_down(hosts->links, &spec, &err), 0);
    assert_int_equal(hosts_count_links(hosts, -EBADF), before);
    drop_spec(&spec);
}

static void every_driver_connects_what_it_should_and_leaves_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        void *hosts;

        assert_int_equal(hosts_make(&hosts), 0);
        check_row(hosts, &rows[i]);
        assert_int_equal(hosts_drop(&hosts), 0);
    }
}

static void the_suite_has_every_driver(void **state)
{
    _cleanup_string_list_ StringList names = {};

    (void)state;
    network_driver_list(&names);
    for (size_t i = 0; i < names.count; i++) {
        size_t n = 0;

        for (size_t j = 0; j < ARRAY_SIZE(rows); j++)
            n += strcmp(rows[j].driver, names.items[i]) == 0;
        assert_true(n > 0);
    }
}

static void a_parent_that_there_is_not_is_told(void **state)
{
    static const char *const drivers[] = { "macvlan", "ipvlan" };
    Hosts *hosts = *state;

    for (size_t i = 0; i < ARRAY_SIZE(drivers); i++) {
        const Row row = { .driver = drivers[i], .options = "parent=none0" };
        NetworkSpec spec = make_spec(&row);
        Error err = {};

        assert_true(network_links_up(hosts->links, &spec, &err) < 0);
        check_error(&err, ERROR_NOT_FOUND,
                    "network 'web': the host has no interface 'none0' to be its parent");
        drop_spec(&spec);
    }
}

static void a_parent_passed_through_is_one_containers_alone(void **state)
{
    const Row row = { .driver = "macvlan", .options = PARENT " macvlan_mode=passthru" };
    Hosts *hosts = *state;
    NetworkSpec spec = make_spec(&row);
    NetworkAttachment one = make_attachment(&spec, 0), two = make_attachment(&spec, 1);
    Error err = {};

    hosts_give_outside_addresses(hosts, 0, outside_addresses);
    assert_int_equal(network_attach(hosts->links, hosts->container_fds[0], &one, 1, &err), 0);
    assert_memory_equal(one.mac, hosts_find_link(hosts, -EBADF, HOSTS_UPLINK).mac, 6);
    assert_true(hosts_can_send(hosts, hosts->container_fds[0], container_addresses[0][IP_V4],
                               hosts->outside_fd, outside_addresses[IP_V4]));
    assert_true(network_attach(hosts->links, hosts->container_fds[1], &two, 1, &err) < 0);
    check_error(&err, ERROR_CONFLICT,
                "network 'web': its parent '" HOSTS_UPLINK
                "' is taken by a bridge, by links of another kind, or by a container in mode "
                "'passthru'");
    assert_int_equal(hosts_count_links(hosts, hosts->container_fds[1]), 1);
    drop_spec(&spec);
}

static void a_hardware_address_on_one_parent_is_one_containers(void **state)
{
    const Row row = { .driver = "macvlan", .options = PARENT };
    Hosts *hosts = *state;
    NetworkSpec spec = make_spec(&row);
    NetworkAttachment one = make_attachment(&spec, 0), two = make_attachment(&spec, 1);
    Error err = {};

    memcpy(two.mac, one.mac, sizeof(two.mac));
    assert_int_equal(network_attach(hosts->links, hosts->container_fds[0], &one, 1, &err), 0);
    assert_true(network_attach(hosts->links, hosts->container_fds[1], &two, 1, &err) < 0);
    check_error(&err, ERROR_CONFLICT,
                "network 'web': the hardware address is taken on the parent '" HOSTS_UPLINK "'");
    assert_int_equal(hosts_count_links(hosts, hosts->container_fds[1]), 1);
    drop_spec(&spec);
}

/* The outside is the other host here. */
static void two_hosts_of_a_vxlan_are_one_network(void **state)
{
    static const char *const underlay[] = { "192.0.2.1", "192.0.2.2" };
    const Row row[] = {
        { .driver = "vxlan", .options = "vni=42 peers=192.0.2.2 local=192.0.2.1" },
        { .driver = "vxlan", .options = "vni=42 peers=192.0.2.1 local=192.0.2.2" },
    };
    Hosts *hosts = *state;
    NetworkSpec one = make_spec(&row[0]), two = make_spec(&row[1]);
    NetworkAttachment attachments[] = { make_attachment(&one, 0), make_attachment(&two, 1) };
    NetworkLinks *other;
    Error err = {};

    hosts_give_underlay(hosts, underlay);
    assert_int_equal(network_links_open(&other, &err), 0);
    two.id[0] = 'f';       /* each host has made its own */
    two.subnets.count = 0; /* its host has no address in it */
    if (network_attach(hosts->links, hosts->container_fds[0], &attachments[0], 1, &err) < 0)
        fail_msg("%s", error_message(&err));
    hosts_enter(hosts->outside_fd);
    if (network_attach(other, hosts->container_fds[1], &attachments[1], 1, &err) < 0)
        fail_msg("%s", error_message(&err));
    hosts_enter(hosts->host_fd);
    for (IpFamily family = 0; family < _IP_FAMILY_MAX; family++) {
        expect(hosts, &row[0], hosts->container_fds[0], container_addresses[0][family],
               hosts->container_fds[1], container_addresses[1][family]);
        expect(hosts, &row[1], hosts->container_fds[1], container_addresses[1][family],
               hosts->host_fd, host_addresses[family]);
    }
    network_links_close(other);
    drop_spec(&one);
    drop_spec(&two);
}

static void containers_apart_are_so_over_a_vxlan_too(void **state)
{
    static const char *const underlay[] = { "192.0.2.1", "192.0.2.2" };
    const Row row[] = {
        { .driver = "vxlan",
          .options = "vni=42 peers=192.0.2.2 com.docker.network.bridge.enable_icc=false" },
        { .driver = "vxlan", .options = "vni=42 peers=192.0.2.1" },
    };
    Hosts *hosts = *state;
    NetworkSpec one = make_spec(&row[0]), two = make_spec(&row[1]);
    NetworkAttachment attachments[] = { make_attachment(&one, 0), make_attachment(&two, 1) };
    NetworkLinks *other;
    Error err = {};

    hosts_give_underlay(hosts, underlay);
    assert_int_equal(network_links_open(&other, &err), 0);
    two.id[0] = 'f';
    two.subnets.count = 0;
    assert_int_equal(
        network_attach(hosts->links, hosts->container_fds[0], &attachments[0], 1, &err), 0);
    hosts_enter(hosts->outside_fd);
    assert_int_equal(network_attach(other, hosts->container_fds[1], &attachments[1], 1, &err), 0);
    hosts_enter(hosts->host_fd);
    for (IpFamily family = 0; family < _IP_FAMILY_MAX; family++)
        assert_true(hosts_cannot_send(
            hosts, hosts->container_fds[0], container_addresses[0][family], hosts->container_fds[1],
            container_addresses[1][family], hosts->host_fd, host_addresses[family]));
    network_links_close(other);
    drop_spec(&one);
    drop_spec(&two);
}

static void a_vxlan_that_the_host_has_already_is_told(void **state)
{
    const Row row = { .driver = "vxlan", .options = "vni=42" };
    Hosts *hosts = *state;
    NetworkSpec one = make_spec(&row), two = make_spec(&row);
    Error err = {};

    free(two.id);
    two.id = memory_strdup("fedcba9876543210");
    free(two.interface);
    two.interface = memory_strdup("br-fedcba987654");
    assert_int_equal(network_links_up(hosts->links, &one, &err), 0);
    assert_true(network_links_up(hosts->links, &two, &err) < 0);
    check_error(&err, ERROR_CONFLICT, "network 'web': the host has a vxlan 42 already");
    drop_spec(&one);
    drop_spec(&two);
}

#define HOSTS_TEST(test) cmocka_unit_test_setup_teardown(test, hosts_make, hosts_drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_driver_connects_what_it_should_and_leaves_nothing),
        cmocka_unit_test(the_suite_has_every_driver),
        HOSTS_TEST(a_parent_that_there_is_not_is_told),
        HOSTS_TEST(a_parent_passed_through_is_one_containers_alone),
        HOSTS_TEST(a_hardware_address_on_one_parent_is_one_containers),
        HOSTS_TEST(two_hosts_of_a_vxlan_are_one_network),
        HOSTS_TEST(containers_apart_are_so_over_a_vxlan_too),
        HOSTS_TEST(a_vxlan_that_the_host_has_already_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
