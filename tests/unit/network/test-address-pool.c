/* SPDX-License-Identifier: Apache-2.0 */

/* Which subnets are chosen, which addresses may be had, and what is free of a range. */

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/memory.h"
#include "check.h"
#include "network/address-pool.h"

static IpPrefix prefix(const char *text)
{
    IpPrefix parsed;

    assert_int_equal(ip_prefix_parse(text, &parsed), 0);
    return parsed;
}

static IpAddress address(const char *text)
{
    IpAddress parsed;

    assert_int_equal(ip_address_parse(text, &parsed), 0);
    return parsed;
}

static void check_choice(const char *const *taken, size_t n_taken, const char *expected)
{
    IpPrefix items[32], chosen;
    NetworkPrefixList list = { .items = items, .count = n_taken };
    char text[IP_PREFIX_TEXT_MAX];

    for (size_t i = 0; i < n_taken; i++)
        items[i] = prefix(taken[i]);
    assert_int_equal(address_pool_choose_subnet(IP_V4, &list, &chosen, NULL), 0);
    assert_string_equal(ip_prefix_format(&chosen, text), expected);
}

static void the_first_free_subnet_of_dockers_pools_is_chosen(void **state)
{
    static const char *const none[] = { "10.0.0.0/8" };
    static const char *const first[] = { "172.17.3.0/24" };
    static const char *const wide[] = { "172.16.0.0/12" };
    static const char *const inside[] = { "172.16.0.0/12", "192.168.0.0/24", "192.168.17.1/32" };

    (void)state;
    check_choice(none, 1, "172.17.0.0/16");
    check_choice(first, 1, "172.18.0.0/16");
    check_choice(wide, 1, "192.168.0.0/20");
    check_choice(inside, 3, "192.168.32.0/20");
}

static void where_every_pool_is_taken_none_is_chosen(void **state)
{
    IpPrefix items[] = { prefix("172.16.0.0/12"), prefix("192.168.0.0/16") }, chosen;
    NetworkPrefixList list = { .items = items, .count = 2 };
    _cleanup_error_ Error error = {};

    (void)state;
    assert_true(address_pool_choose_subnet(IP_V4, &list, &chosen, &error) < 0);
    assert_int_equal(error.kind, ERROR_EXHAUSTED);
}

static void an_ipv6_subnet_is_a_random_unique_local_one(void **state)
{
    NetworkPrefixList none = {};
    IpPrefix a, b, unique_local = prefix("fd00::/8");

    (void)state;
    assert_int_equal(address_pool_choose_subnet(IP_V6, &none, &a, NULL), 0);
    assert_int_equal(address_pool_choose_subnet(IP_V6, &none, &b, NULL), 0);
    assert_int_equal(a.length, 64);
    assert_true(ip_prefix_contains(&unique_local, &a.address));
    assert_false(ip_address_equal(&a.address, &b.address));
}

static void add_subnet(NetworkSpec *spec, const char *subnet, const char *gateway,
                       const char *range)
{
    NetworkSubnet *added;

    if (!spec->name)
        spec->name = memory_strdup("web");
    added = JSON_ARRAY_ADD(&spec->subnets);
    added->subnet = memory_strdup(subnet);
    added->gateway = memory_strdup(gateway);
    added->range = memory_strdup(range);
}

static void check_refused(const NetworkSpec *spec, const char *text, const char *message)
{
    _cleanup_error_ Error error = {};
    const IpAddress wanted = address(text);

    assert_true(address_pool_check(spec, &wanted, &error) < 0);
    check_error(&error, ERROR_INVALID, message);
}

static void an_address_that_no_container_may_have_is_refused_with_the_reason(void **state)
{
    _cleanup_network_spec_ NetworkSpec spec = {};
    const IpAddress good = address("10.1.0.7");

    (void)state;
    add_subnet(&spec, "10.1.0.0/24", "10.1.0.1", NULL);
    string_map_set(&spec.subnets.items[0].aux_addresses, "router", "10.1.0.9");
    assert_int_equal(address_pool_check(&spec, &good, NULL), 0);
    check_refused(&spec, "10.2.0.1",
                  "no configured subnet contains address '10.2.0.1': network 'web' has "
                  "'10.1.0.0/24'");
    check_refused(&spec, "10.1.0.0", "address '10.1.0.0' stands for all of '10.1.0.0/24'");
    check_refused(&spec, "10.1.0.255", "address '10.1.0.255' stands for all of '10.1.0.0/24'");
    check_refused(&spec, "10.1.0.1", "address '10.1.0.1' is the gateway of network 'web'");
    check_refused(&spec, "10.1.0.9",
                  "address '10.1.0.9' is set aside for 'router' (--aux-address of network 'web')");
    check_refused(&spec, "fd00::5",
                  "address 'fd00::5' cannot be had: network 'web' has no IPv6 subnet");
}

static void check_gaps(const NetworkSpec *spec, IpFamily family, const AddressGap *expected,
                       size_t count)
{
    _cleanup_address_gap_list_ AddressGapList gaps = {};

    address_pool_list_gaps(spec, family, &gaps);
    assert_int_equal(gaps.count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(gaps.items[i].first, expected[i].first);
        assert_int_equal(gaps.items[i].last, expected[i].last);
    }
}

static void what_stands_for_the_network_is_never_free(void **state)
{
    static const AddressGap first_is_gateway[] = { { 2, 254 } };
    static const AddressGap in_the_middle[] = { { 1, 6 }, { 8, 99 }, { 101, 254 } };
    _cleanup_network_spec_ NetworkSpec spec = {}, other = {};

    (void)state;
    add_subnet(&spec, "10.1.0.0/24", "10.1.0.1", NULL);
    check_gaps(&spec, IP_V4, first_is_gateway, 1);
    add_subnet(&other, "10.1.0.0/24", "10.1.0.100", NULL);
    string_map_set(&other.subnets.items[0].aux_addresses, "router", "10.1.0.7");
    check_gaps(&other, IP_V4, in_the_middle, 3);
}

static void a_range_limits_what_is_free(void **state)
{
    static const AddressGap whole[] = { { 0, 15 } };
    static const AddressGap rest[] = { { 2, 15 } };
    _cleanup_network_spec_ NetworkSpec spec = {}, first = {};

    (void)state;
    add_subnet(&spec, "10.1.0.0/24", "10.1.0.1", "10.1.0.32/28");
    check_gaps(&spec, IP_V4, whole, 1);
    add_subnet(&first, "10.1.0.0/24", "10.1.0.1", "10.1.0.0/28");
    check_gaps(&first, IP_V4, rest, 1);
}

static void every_address_of_a_point_to_point_subnet_is_a_hosts(void **state)
{
    static const AddressGap both[] = { { 0, 1 } };
    static const AddressGap one[] = { { 1, 1 } };
    _cleanup_network_spec_ NetworkSpec spec = {}, routed = {}, single = {};

    (void)state;
    add_subnet(&spec, "10.1.0.0/31", NULL, NULL);
    check_gaps(&spec, IP_V4, both, 1);
    add_subnet(&routed, "10.1.0.0/31", "10.1.0.0", NULL);
    check_gaps(&routed, IP_V4, one, 1);
    add_subnet(&single, "10.1.0.1/32", "10.1.0.1", NULL);
    check_gaps(&single, IP_V4, NULL, 0);
}

static void of_a_range_that_cannot_be_counted_the_beginning_is_used(void **state)
{
    static const AddressGap gap[] = { { 2, INT64_MAX - 1 } };
    _cleanup_network_spec_ NetworkSpec spec = {};
    const IpAddress beyond = address("fd00::8000:0:0:0");
    AddressPool pool;
    int64_t number;

    (void)state;
    add_subnet(&spec, "fd00::/64", "fd00::1", NULL);
    check_gaps(&spec, IP_V6, gap, 1);
    assert_true(address_pool_of(&spec, IP_V6, &pool));
    assert_false(address_pool_number(&pool, &beyond, &number));
}

static void a_number_stands_for_one_address(void **state)
{
    static const char *const texts[] = { "10.1.0.0", "10.1.0.255", "10.1.1.0", "10.1.255.255" };
    static const int64_t numbers[] = { 0, 255, 256, 65535 };
    _cleanup_network_spec_ NetworkSpec spec = {};
    const IpAddress before = address("10.0.255.255"), behind = address("10.2.0.0");
    AddressPool pool;
    int64_t number;

    (void)state;
    add_subnet(&spec, "10.1.0.0/16", NULL, NULL);
    assert_true(address_pool_of(&spec, IP_V4, &pool));
    assert_false(address_pool_of(&spec, IP_V6, &pool));
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        const IpAddress wanted = address(texts[i]), found = address_pool_at(&pool, numbers[i]);

        assert_true(address_pool_number(&pool, &wanted, &number));
        assert_int_equal(number, numbers[i]);
        assert_true(ip_address_equal(&found, &wanted));
    }
    assert_false(address_pool_number(&pool, &before, &number));
    assert_false(address_pool_number(&pool, &behind, &number));
}

static void a_gap_without_a_number_is_what_is_left_on_its_sides(void **state)
{
    const AddressGap gap = { 3, 7 }, single = { 3, 3 };
    AddressGap parts[2];

    (void)state;
    assert_int_equal(address_gap_split(&gap, 5, parts), 2);
    assert_int_equal(parts[0].last, 4);
    assert_int_equal(parts[1].first, 6);
    assert_int_equal(address_gap_split(&gap, 3, parts), 1);
    assert_int_equal(parts[0].first, 4);
    assert_int_equal(address_gap_split(&gap, 7, parts), 1);
    assert_int_equal(parts[0].last, 6);
    assert_int_equal(address_gap_split(&single, 3, parts), 0);
}

static void the_gateway_is_the_first_host_of_the_range(void **state)
{
    static const struct {
        const char *subnet, *range, *expected;
    } cases[] = {
        { "10.1.0.0/24", "10.1.0.0/24", "10.1.0.1" },
        { "10.1.0.0/24", "10.1.0.64/26", "10.1.0.64" },
        { "fd00::/64", "fd00::/64", "fd00::1" },
        { "10.1.0.0/31", "10.1.0.0/31", "10.1.0.0" },
    };
    char text[IP_ADDRESS_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const IpPrefix subnet = prefix(cases[i].subnet), range = prefix(cases[i].range);
        const IpAddress found = address_pool_first_host(&subnet, &range);

        assert_string_equal(ip_address_format(&found, text), cases[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_free_subnet_of_dockers_pools_is_chosen),
        cmocka_unit_test(where_every_pool_is_taken_none_is_chosen),
        cmocka_unit_test(an_ipv6_subnet_is_a_random_unique_local_one),
        cmocka_unit_test(an_address_that_no_container_may_have_is_refused_with_the_reason),
        cmocka_unit_test(what_stands_for_the_network_is_never_free),
        cmocka_unit_test(a_range_limits_what_is_free),
        cmocka_unit_test(every_address_of_a_point_to_point_subnet_is_a_hosts),
        cmocka_unit_test(of_a_range_that_cannot_be_counted_the_beginning_is_used),
        cmocka_unit_test(a_number_stands_for_one_address),
        cmocka_unit_test(a_gap_without_a_number_is_what_is_left_on_its_sides),
        cmocka_unit_test(the_gateway_is_the_first_host_of_the_range),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
