/* SPDX-License-Identifier: Apache-2.0 */

/* What a network may be, and what its options make of it. */

#include <string.h>

#include "base/memory.h"
#include "check.h"
#include "network/network-spec.h"

static NetworkSpec make_spec(const char *driver)
{
    return (NetworkSpec) {
        .id = memory_strdup("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"),
        .name = memory_strdup("web"),
        .driver = memory_strdup(driver),
        .ipv4 = true,
    };
}

static void add_subnet(NetworkSpec *spec, const char *subnet, const char *gateway,
                       const char *range)
{
    size_t count = spec->subnets.count++;
    NetworkSubnet *items = NEW_ARRAY(NetworkSubnet, count + 1);

    if (count > 0)
        memcpy(items, spec->subnets.items, count * sizeof(*items));
    free(spec->subnets.items);
    spec->subnets.items = items;
    items[count] = (NetworkSubnet) { .subnet = memory_strdup(subnet),
                                     .gateway = memory_strdup(gateway),
                                     .range = memory_strdup(range) };
}

/* "NAME=VALUE ..." */
static int apply(NetworkSpec *spec, const char *text, Error *err)
{
    _cleanup_string_list_ StringList words = {};

    if (text[0] != '\0')
        string_list_split(&words, text, ' ');
    for (size_t i = 0; i < words.count; i++) {
        char *equals = strchr(words.items[i], '=');

        *equals = '\0';
        string_map_set(&spec->options, words.items[i], equals + 1);
    }
    return network_spec_apply_options(spec, err);
}

static NetworkSpec applied(const char *driver, const char *text)
{
    NetworkSpec spec = make_spec(driver);
    Error err = {};

    if (apply(&spec, text, &err) < 0)
        fail_msg("%s: %s", text, error_message(&err));
    return spec;
}

static void docker_s_options_of_a_bridge_mean_what_they_mean_there(void **state)
{
    NetworkSpec spec = applied("bridge", "com.docker.network.bridge.name=mine "
                                         "com.docker.network.bridge.enable_icc=false "
                                         "com.docker.network.bridge.enable_ip_masquerade=false "
                                         "com.docker.network.bridge.host_binding_ipv4=127.0.0.1 "
                                         "com.docker.network.driver.mtu=1400");

    (void)state;
    assert_string_equal(spec.interface, "mine");
    assert_true(spec.no_container_traffic);
    assert_true(spec.no_masquerade);
    assert_string_equal(spec.host_binding, "127.0.0.1");
    assert_int_equal(spec.mtu, 1400);
    network_spec_done(&spec);
}

static void what_is_left_open_has_docker_s_defaults(void **state)
{
    NetworkSpec bridge = applied("bridge", "");
    NetworkSpec macvlan = applied("macvlan", "parent=eth0");
    NetworkSpec ipvlan = applied("ipvlan", "parent=eth0");

    (void)state;
    assert_string_equal(bridge.interface, "br-0123456789ab");
    assert_false(bridge.no_masquerade || bridge.no_container_traffic || bridge.is_internal);
    assert_string_equal(macvlan.mode, "bridge");
    assert_string_equal(macvlan.parent, "eth0");
    assert_null(macvlan.interface);
    assert_false(macvlan.owns_parent);
    assert_string_equal(ipvlan.mode, "l2");
    network_spec_done(&bridge);
    network_spec_done(&macvlan);
    network_spec_done(&ipvlan);
}

static void a_tagged_parent_is_made_of_its_own_parent(void **state)
{
    static const struct {
        const char *driver, *options, *interface, *parent;
        uint32_t vlan;
    } cases[] = {
        { "macvlan", "parent=eth0.10", "eth0.10", "eth0", 10 },
        { "ipvlan", "parent=eth0.4094", "eth0.4094", "eth0", 4094 },
        { "vlan", "parent=eth0 vlan=7", "eth0.7", "eth0", 7 },
        { "vlan", "parent=eth0.8", "eth0.8", "eth0", 8 },
        { "vlan", "parent=enx001122334455 vlan=7", "vl-0123456789ab", "enx001122334455", 7 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        NetworkSpec spec = applied(cases[i].driver, cases[i].options);

        assert_string_equal(spec.interface, cases[i].interface);
        assert_string_equal(spec.parent, cases[i].parent);
        assert_int_equal(spec.vlan, cases[i].vlan);
        assert_true(spec.owns_parent);
        network_spec_done(&spec);
    }
}

static void a_parent_with_a_dot_and_no_tag_is_one_as_it_is(void **state)
{
    static const char *const parents[] = { "eth0.x", "eth0.", "eth0.4095", "eth0.0" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(parents); i++) {
        _cleanup_free_ char *options = memory_printf("parent=%s", parents[i]);
        NetworkSpec spec = applied("macvlan", options);

        assert_string_equal(spec.parent, parents[i]);
        assert_null(spec.interface);
        network_spec_done(&spec);
    }
}

static void without_a_parent_there_is_a_dummy_and_no_way_out(void **state)
{
    NetworkSpec spec = applied("macvlan", "");

    (void)state;
    assert_string_equal(spec.interface, "dm-0123456789ab");
    assert_null(spec.parent);
    assert_true(spec.owns_parent && spec.is_internal);
    network_spec_done(&spec);
}

static void options_can_be_applied_again(void **state)
{
    NetworkSpec spec = applied("macvlan", "parent=eth0.10");

    (void)state;
    assert_int_equal(network_spec_apply_options(&spec, NULL), 0);
    assert_string_equal(spec.interface, "eth0.10");
    assert_string_equal(spec.parent, "eth0");
    network_spec_done(&spec);
}

static void an_option_that_there_is_not_is_refused_by_name(void **state)
{
    static const struct {
        const char *driver, *option, *message;
    } cases[] = {
        { "dummy", "parent=eth0",
          "networks of driver 'dummy' have no option 'parent' "
          "(they have com.docker.network.driver.mtu, mtu)" },
        { "bridge", "vlan=0", "option 'vlan': '0' is no number from 1 to 4094" },
        { "bridge", "mtu=1e3", "option 'mtu': '1e3' is no number from 68 to 65535" },
        { "vxlan", "vni=16777216", "option 'vni': '16777216' is no number from 1 to 16777215" },
        { "bridge", "com.docker.network.bridge.enable_icc=maybe",
          "option 'com.docker.network.bridge.enable_icc': 'maybe' is neither 'true' nor 'false'" },
        { "macvlan", "parent=", "option 'parent' needs a value" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        NetworkSpec spec = make_spec(cases[i].driver);
        Error err = {};

        assert_true(apply(&spec, cases[i].option, &err) < 0);
        assert_string_equal(error_message(&err), cases[i].message);
        error_done(&err);
        network_spec_done(&spec);
    }
}

static void prefixes_and_what_is_in_them_are_checked(void **state)
{
    static const struct {
        const char *subnet, *gateway, *range, *message;
    } cases[] = {
        { "10.1.0.0/16", "10.1.0.1", "10.1.2.0/24", NULL },
        { "10.1.0.0/16", NULL, NULL, NULL },
        { "10.1.0.0", NULL, NULL,
          "'10.1.0.0' is no subnet: write one as '10.1.0.0/16' or 'fd01::/64'" },
        { "10.1.0.5/16", NULL, NULL,
          "subnet '10.1.0.5/16' has bits of a host: '10.1.0.0/16' is meant" },
        { "10.1.0.0/31", NULL, NULL,
          "subnet '10.1.0.0/31' has no room for a gateway and a container" },
        { "127.0.0.0/8", NULL, NULL, "subnet '127.0.0.0/8' is none that containers may have" },
        { "0.0.0.0/0", NULL, NULL, "subnet '0.0.0.0/0' is none that containers may have" },
        { "10.1.0.0/16", "10.2.0.1", NULL,
          "gateway '10.2.0.1' is no address of a host in subnet '10.1.0.0/16'" },
        { "10.1.0.0/16", "10.1.0.0", NULL,
          "gateway '10.1.0.0' is no address of a host in subnet '10.1.0.0/16'" },
        { "10.1.0.0/16", "10.1.255.255", NULL,
          "gateway '10.1.255.255' is no address of a host in subnet '10.1.0.0/16'" },
        { "10.1.0.0/16", "10.1.0", NULL, "gateway '10.1.0' is no address" },
        { "10.1.0.0/16", NULL, "10.2.0.0/24",
          "ip range '10.2.0.0/24' is not inside subnet '10.1.0.0/16'" },
        { "10.1.0.0/16", NULL, "10.0.0.0/8",
          "ip range '10.0.0.0/8' is not inside subnet '10.1.0.0/16'" },
        { "fd01::/64", NULL, NULL, "subnet 'fd01::/64' is of IPv6, which the network has not" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        NetworkSpec spec = applied("bridge", "");
        Error err = {};

        add_subnet(&spec, cases[i].subnet, cases[i].gateway, cases[i].range);
        assert_int_equal(network_spec_validate(&spec, &err) < 0, cases[i].message != NULL);
        if (cases[i].message)
            assert_string_equal(error_message(&err), cases[i].message);
        error_done(&err);
        network_spec_done(&spec);
    }
}

static void a_family_has_one_subnet_and_every_wanted_one_has_it(void **state)
{
    NetworkSpec spec = applied("bridge", "mtu=1000");
    Error err = {};

    (void)state;
    assert_true(network_spec_validate(&spec, &err) < 0);
    check_error(&err, ERROR_INVALID, "the network has no subnet of IPv4");
    add_subnet(&spec, "10.1.0.0/16", NULL, NULL);
    spec.ipv6 = true;
    assert_true(network_spec_validate(&spec, &err) < 0);
    check_error(&err, ERROR_INVALID, "the network has no subnet of IPv6");
    add_subnet(&spec, "fd01::/64", "fd01::1", NULL);
    assert_true(network_spec_validate(&spec, &err) < 0);
    check_error(&err, ERROR_INVALID, "IPv6 needs an mtu of 1280 and more, not 1000");
    spec.mtu = 0;
    assert_int_equal(network_spec_validate(&spec, &err), 0);
    add_subnet(&spec, "10.2.0.0/16", NULL, NULL);
    assert_true(network_spec_validate(&spec, &err) < 0);
    check_error(&err, ERROR_UNSUPPORTED, "a network has one subnet of IPv4, not several");
    network_spec_done(&spec);
}

static void prefixes_are_told_by_family(void **state)
{
    NetworkSpec spec = applied("bridge", "");
    NetworkPrefixes prefixes;
    char text[IP_PREFIX_TEXT_MAX];

    (void)state;
    add_subnet(&spec, "fd01::/64", "fd01::1", NULL);
    add_subnet(&spec, "10.1.0.0/16", NULL, "10.1.4.0/24");
    assert_true(network_spec_prefixes(&spec, IP_V4, &prefixes));
    assert_string_equal(ip_prefix_format(&prefixes.range, text), "10.1.4.0/24");
    assert_false(ip_address_is_set(&prefixes.gateway));
    assert_true(network_spec_prefixes(&spec, IP_V6, &prefixes));
    assert_string_equal(ip_prefix_format(&prefixes.range, text), "fd01::/64");
    assert_string_equal(ip_address_format(&prefixes.gateway, text), "fd01::1");
    spec.subnets.count = 1;
    assert_false(network_spec_prefixes(&spec, IP_V4, &prefixes));
    spec.subnets.count = 2;
    network_spec_done(&spec);
}

static void names_of_networks_are_docker_s(void **state)
{
    static const char *const right[] = { "a", "0", "web_1.x-y", "Z" };
    static const char *const wrong[] = { "", "-a", ".", "_x", "a b", "a/b", "\xc3\xa4", "a\n" };
    char text[NETWORK_NAME_MAX + 2];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(right); i++)
        assert_int_equal(network_name_validate(right[i], NULL), 0);
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_true(network_name_validate(wrong[i], NULL) < 0);
    memset(text, 'a', sizeof(text));
    text[NETWORK_NAME_MAX + 1] = '\0';
    assert_true(network_name_validate(text, NULL) < 0);
    text[NETWORK_NAME_MAX] = '\0';
    assert_int_equal(network_name_validate(text, NULL), 0);
}

static void names_of_interfaces_are_the_kernel_s(void **state)
{
    static const char *const right[] = { "eth0", "a.b-c", "abcdefghijklmno", "..." };
    static const char *const wrong[] = { "",      ".",   "..",
                                         "a/b",   "a:b", "a b",
                                         "eth%d", "a\n", "abcdefghijklmnop" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(right); i++)
        assert_int_equal(network_interface_name_validate(right[i], NULL), 0);
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_true(network_interface_name_validate(wrong[i], NULL) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(docker_s_options_of_a_bridge_mean_what_they_mean_there),
        cmocka_unit_test(what_is_left_open_has_docker_s_defaults),
        cmocka_unit_test(a_tagged_parent_is_made_of_its_own_parent),
        cmocka_unit_test(a_parent_with_a_dot_and_no_tag_is_one_as_it_is),
        cmocka_unit_test(without_a_parent_there_is_a_dummy_and_no_way_out),
        cmocka_unit_test(options_can_be_applied_again),
        cmocka_unit_test(an_option_that_there_is_not_is_refused_by_name),
        cmocka_unit_test(prefixes_and_what_is_in_them_are_checked),
        cmocka_unit_test(a_family_has_one_subnet_and_every_wanted_one_has_it),
        cmocka_unit_test(prefixes_are_told_by_family),
        cmocka_unit_test(names_of_networks_are_docker_s),
        cmocka_unit_test(names_of_interfaces_are_the_kernel_s),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
