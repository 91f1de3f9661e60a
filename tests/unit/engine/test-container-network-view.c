/* SPDX-License-Identifier: Apache-2.0 */

/* Which of a container's networks has its default route, and so its ports. */

#include "check.h"

#include "base/memory.h"
#include "engine/container-network-private.h"

typedef struct Case {
    const char *name;
    int64_t priority;
    bool is_internal;
    bool has_ipv6;
} Case;

static void add_subnet(NetworkSpec *spec, const char *subnet, const char *gateway)
{
    NetworkSubnet *added = JSON_ARRAY_ADD(&spec->subnets);

    added->subnet = memory_strdup(subnet);
    added->gateway = memory_strdup(gateway);
}

static void make_view(const Case *cases, size_t count, NetworkView *ret)
{
    *ret = (NetworkView) {};
    for (size_t i = 0; i < count; i++) {
        Network *network = NEW(Network);
        Endpoint *endpoint;

        network->spec.id = memory_strdup(cases[i].name);
        network->spec.name = memory_strdup(cases[i].name);
        network->spec.is_internal = cases[i].is_internal;
        add_subnet(&network->spec, "192.0.2.0/24", "192.0.2.1");
        if (cases[i].has_ipv6)
            add_subnet(&network->spec, "2001:db8::/64", "2001:db8::1");
        ret->networks.items =
            memory_grow(ret->networks.items, &ret->networks.capacity, i + 1, sizeof(Network *));
        ret->networks.items[ret->networks.count++] = network;
        ret->endpoints.items =
            memory_grow(ret->endpoints.items, &ret->endpoints.capacity, i + 1, sizeof(Endpoint));
        endpoint = &ret->endpoints.items[ret->endpoints.count++];
        endpoint->network = memory_strdup(cases[i].name);
        endpoint->request.gateway_priority = cases[i].priority;
    }
}

static void check_gateway(const Case *cases, size_t count, IpFamily family, size_t expected)
{
    _cleanup_network_view_ NetworkView view;

    make_view(cases, count, &view);
    assert_int_equal(network_view_gateway(&view, family), expected);
}

static void the_highest_priority_counts_then_the_name(void **state)
{
    static const Case by_name[] = { { "b" }, { "a" }, { "c" } };
    static const Case by_priority[] = { { "a", 1 }, { "b", 7 }, { "c", 7 }, { "d", -1 } };

    (void)state;
    check_gateway(by_name, ARRAY_SIZE(by_name), IP_V4, 1);
    check_gateway(by_priority, ARRAY_SIZE(by_priority), IP_V4, 1);
    check_gateway(NULL, 0, IP_V4, NO_ENDPOINT);
}

static void an_internal_network_leads_nowhere(void **state)
{
    static const Case cases[] = { { "a", 9, true }, { "b" } };
    static const Case only[] = { { "a", 9, true } };

    (void)state;
    check_gateway(cases, ARRAY_SIZE(cases), IP_V4, 1);
    check_gateway(only, ARRAY_SIZE(only), IP_V4, NO_ENDPOINT);
}

static void each_family_has_a_gateway_of_its_own(void **state)
{
    static const Case cases[] = { { "a", 1 }, { "b", 0, false, true } };

    (void)state;
    check_gateway(cases, ARRAY_SIZE(cases), IP_V4, 0);
    check_gateway(cases, ARRAY_SIZE(cases), IP_V6, 1);
}

static void what_is_dropped_is_as_if_it_never_was(void **state)
{
    static const Case cases[] = { { "a", 1 }, { "b", 2 }, { "c" } };
    _cleanup_network_view_ NetworkView view;

    (void)state;
    make_view(cases, ARRAY_SIZE(cases), &view);
    network_view_drop(&view, 1);
    assert_int_equal(network_view_gateway(&view, IP_V4), 0);
    assert_int_equal(network_view_find(&view, "b"), NO_ENDPOINT);
    assert_int_equal(network_view_find(&view, "c"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_highest_priority_counts_then_the_name),
        cmocka_unit_test(an_internal_network_leads_nowhere),
        cmocka_unit_test(each_family_has_a_gateway_of_its_own),
        cmocka_unit_test(what_is_dropped_is_as_if_it_never_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
