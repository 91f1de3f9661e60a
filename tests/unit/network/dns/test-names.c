/* SPDX-License-Identifier: Apache-2.0 */

/* Who knows whom by which name, when there are many of them and they come and go. */

#include <string.h>

#include "base/memory.h"
#include "check.h"
#include "network/dns/names.h"

#define MANY 300

static DnsContainer container_new(const char *network, const char *name, const char *address)
{
    DnsContainer container = { .id = memory_strdup(name) };
    DnsNetwork *in = JSON_ARRAY_ADD(&container.networks);

    in->network = memory_strdup(network);
    string_list_add(&in->names, name);
    string_list_add(&in->names, name); /* an alias of the same spelling */
    string_list_add(&in->names, "Shared");
    if (address)
        string_list_add(&in->addresses, address);
    return container;
}

static size_t count(const Names *names, const DnsContainer *asker, const char *name)
{
    _cleanup_address_list_ AddressList addresses = {};

    return names_find(names, asker, name, &addresses) ? addresses.count : SIZE_MAX;
}

static void names_come_and_go(void **state)
{
    _cleanup_(names_freep) Names *names = names_new();
    static DnsContainer containers[MANY];

    (void)state;
    for (int i = 0; i < MANY; i++) {
        _cleanup_free_ char *name = memory_printf("web%d", i);
        _cleanup_free_ char *address = memory_printf("10.0.%d.%d", i / 200, i % 200 + 1);

        containers[i] = container_new("net", name, address);
        names_add(names, &containers[i]);
    }
    assert_int_equal(count(names, &containers[7], "web299"), 1);
    assert_int_equal(count(names, &containers[7], "shared"), MANY);
    for (int i = 0; i < MANY; i += 2)
        names_remove(names, &containers[i]);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(count(names, &containers[7], containers[i].id), i % 2 ? 1 : SIZE_MAX);
    assert_int_equal(count(names, &containers[7], "shared"), MANY / 2);
    for (int i = 0; i < MANY; i++)
        dns_container_done(&containers[i]);
}

static void a_container_without_addresses_is_known(void **state)
{
    _cleanup_(names_freep) Names *names = names_new();
    _cleanup_(dns_container_done) DnsContainer container = container_new("net", "web", NULL);

    (void)state;
    names_add(names, &container);
    assert_int_equal(count(names, &container, "web"), 0);
    assert_int_equal(count(names, &container, "other"), SIZE_MAX);
}

static void an_address_is_not_a_name(void **state)
{
    _cleanup_(names_freep) Names *names = names_new();
    _cleanup_(dns_container_done) DnsContainer container =
        container_new("net", "10.0.0.2", "10.0.0.1");
    IpAddress address;

    (void)state;
    names_add(names, &container);
    assert_int_equal(count(names, &container, "10.0.0.1"), SIZE_MAX);
    assert_int_equal(ip_address_parse("10.0.0.2", &address), 0);
    assert_null(names_find_address(names, &container, &address));
    assert_int_equal(ip_address_parse("10.0.0.1", &address), 0);
    assert_string_equal(names_find_address(names, &container, &address), "10.0.0.2");
}

static void links_do_not_go_in_circles(void **state)
{
    _cleanup_(names_freep) Names *names = names_new();
    _cleanup_(dns_container_done) DnsContainer container = container_new("net", "web", "10.0.0.1");

    (void)state;
    string_map_set(&container.networks.items[0].links, "a", "b");
    string_map_set(&container.networks.items[0].links, "b", "a");
    string_map_set(&container.networks.items[0].links, "c", "WEB");
    names_add(names, &container);
    assert_int_equal(count(names, &container, "a"), SIZE_MAX);
    assert_int_equal(count(names, &container, "c"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_come_and_go),
        cmocka_unit_test(a_container_without_addresses_is_known),
        cmocka_unit_test(an_address_is_not_a_name),
        cmocka_unit_test(links_do_not_go_in_circles),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
