/* SPDX-License-Identifier: Apache-2.0 */

/* The texts of --network, --net-rate, --add-host and --link, and what goes with which mode. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "engine/container-spec.h"
#include "engine/name-options.h"
#include "engine/network-request.h"

/* Take each text of a NULL-terminated list. */
static int parse_all(ContainerSpec *spec, Error *err, const char *const *texts)
{
    int r = 0;

    for (; *texts && r >= 0; texts++)
        r = network_request_parse(*texts, spec, err);
    return r;
}
#define PARSE(spec, err, ...) parse_all((spec), (err), (const char *const[]) { __VA_ARGS__, NULL })

static void modes_are_no_networks(void **state)
{
    static const char *const modes[] = { "none", "host", "container:web", "ns:/run/netns/x",
                                         "cni:lan" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
        _cleanup_container_spec_ ContainerSpec spec = {};

        assert_false(network_mode_is_network(modes[i]));
        assert_int_equal(PARSE(&spec, NULL, modes[i]), 0);
        assert_string_equal(spec.network_mode, modes[i]);
        assert_int_equal(spec.networks.count, 0);
    }
    assert_true(network_mode_is_network("bridge"));
    assert_true(network_mode_is_network("nonesuch"));
    assert_true(network_mode_is_network(NULL));
}

static void networks_come_by_name_one_or_several(void **state)
{
    _cleanup_container_spec_ ContainerSpec spec = {};

    (void)state;
    assert_int_equal(PARSE(&spec, NULL, "one", "two,three"), 0);
    assert_string_equal(spec.network_mode, "one");
    assert_int_equal(spec.networks.count, 3);
    assert_string_equal(spec.networks.items[2].network, "three");
}

static void the_default_network_is_decided_later(void **state)
{
    _cleanup_container_spec_ ContainerSpec spec = {};

    (void)state;
    assert_int_equal(PARSE(&spec, NULL, "default", "two"), 0);
    assert_null(spec.network_mode);
    assert_int_equal(spec.networks.count, 2);
    assert_null(spec.networks.items[0].network);
}

static void all_fields_are_taken_in_both_forms(void **state)
{
    static const char *const forms[] = {
        "lan:alias=web,alias=www,ip=10.0.0.2,ip6=fd00::2,mac=02:00:00:00:00:01,ifname=lan0,"
        "link=db:base,link-local-ip=169.254.1.1,sysctl=net.ipv4.conf.IFNAME.log_martians=1,"
        "gw-priority=-5,ingress=10mbit,egress=1mbyte",
        "alias=web,name=lan,alias=www,ip=10.0.0.2,ip6=fd00::2,mac-address=02:00:00:00:00:01,"
        "driver-opt=com.docker.network.endpoint.ifname=lan0,link=db:base,"
        "link-local-ip=169.254.1.1,gw-priority=-5,ingress=10000kbit,egress=8m,"
        "\"driver-opt=com.docker.network.endpoint.sysctls=net.ipv4.conf.IFNAME.log_martians=1\"",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
        _cleanup_container_spec_ ContainerSpec spec = {};
        const ContainerNetwork *network;

        assert_int_equal(PARSE(&spec, NULL, forms[i]), 0);
        assert_string_equal(spec.network_mode, "lan");
        network = &spec.networks.items[0];
        assert_string_equal(network->network, "lan");
        assert_int_equal(network->aliases.count, 2);
        assert_string_equal(network->aliases.items[1], "www");
        assert_string_equal(network->ip4, "10.0.0.2");
        assert_string_equal(network->ip6, "fd00::2");
        assert_string_equal(network->mac, "02:00:00:00:00:01");
        assert_string_equal(network->interface, "lan0");
        assert_string_equal(network->links.items[0], "db:base");
        assert_string_equal(network->link_local.items[0], "169.254.1.1");
        assert_string_equal(string_map_get(&network->sysctls, "net.ipv4.conf.IFNAME.log_martians"),
                            "1");
        assert_int_equal(network->gateway_priority, -5);
        assert_int_equal(network->ingress_rate, 10000000);
        assert_int_equal(network->egress_rate, 8000000);
        assert_int_equal(network_request_validate(network, NULL), 0);
    }
}

static void sysctls_of_a_driver_option_are_a_list_of_their_own(void **state)
{
    _cleanup_network_request_ ContainerNetwork network = {};

    (void)state;
    assert_int_equal(network_request_set(&network, "driver-opt",
                                         "com.docker.network.endpoint.sysctls="
                                         "net.ipv4.conf.IFNAME.a=1,net.ipv6.conf.IFNAME.b=2",
                                         NULL),
                     0);
    assert_int_equal(network.sysctls.count, 2);
    assert_string_equal(network.sysctls.items[1].key, "net.ipv6.conf.IFNAME.b");
}

static void malformed_networks_are_refused_with_a_reason(void **state)
{
    static const struct {
        const char *first, *second, *message;
    } cases[] = {
        { "", NULL, "no name set for network" },
        { "one,", NULL, "no name set for network" },
        { "alias=web", NULL, "no name set for network" },
        { "one", "one", "network 'one' is specified multiple times" },
        { "one", "two:ip=1.2.3.4,color=red",
          "invalid field 'color', there are name, alias, ip, ip6, mac-address, ifname, link, "
          "link-local-ip, sysctl, gw-priority, ingress, egress and driver-opt" },
        { "one:alias", NULL, "invalid field 'alias': write it as NAME=VALUE" },
        { "one:alias=", NULL, "'alias' needs a value: alias=VALUE" },
        { "one:gw-priority=high", NULL,
          "invalid value 'high' for 'gw-priority': write a whole number" },
        { "one:ingress=fast", NULL,
          "invalid value 'fast' for 'ingress': write bits a second, or '10mbit', '1mbyte'" },
        { "one:sysctl=x", NULL, "invalid value 'x' for 'sysctl': write NAME=VALUE" },
        { "name=one,\"alias=web", NULL, "a '\"' is not closed" },
        { "name=one,driver-opt=color=red", NULL,
          "driver option 'color' is not supported, there are com.docker.network.endpoint.ifname "
          "and com.docker.network.endpoint.sysctls" },
        { "one", "host", "conflicting options: cannot attach both 'one' and 'host'" },
        { "none", "one",
          "conflicting options: cannot attach both user-defined and non-user-defined "
          "network-modes" },
        { "host", "host", "network 'host' is specified multiple times" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_container_spec_ ContainerSpec spec = {};
        _cleanup_error_ Error err = {};

        assert_true(PARSE(&spec, &err, cases[i].first, cases[i].second) < 0);
        assert_string_equal(error_message(&err), cases[i].message);
    }
}

static void wrong_values_are_found_by_the_check(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        { "one:ip=fd00::1", "invalid IPv4 address: 'fd00::1'" },
        { "one:ip=1.2.3.256", "invalid IPv4 address: '1.2.3.256'" },
        { "one:ip6=1.2.3.4", "invalid IPv6 address: '1.2.3.4'" },
        { "one:mac=02:00:00:00:00", "'02:00:00:00:00' is not a valid mac address" },
        { "one:mac=02:00:00:00:00:0g", "'02:00:00:00:00:0g' is not a valid mac address" },
        { "one:mac=01:00:00:00:00:01",
          "'01:00:00:00:00:01' is not a valid mac address: it is not that of one interface" },
        { "one:link-local-ip=x", "invalid link-local IP address 'x'" },
        { "one:ifname=a/b", "invalid interface name 'a/b': at most 15 characters, without '/', ':' "
                            "and blanks" },
        { "one:ifname=lo", "invalid interface name 'lo': at most 15 characters, without '/', ':' "
                           "and blanks" },
        { "one:ifname=abcdefghijklmnop", "invalid interface name 'abcdefghijklmnop': at most 15 "
                                         "characters, without '/', ':' and blanks" },
        { "one:sysctl=net.core.somaxconn=1",
          "invalid sysctl 'net.core.somaxconn' of a network: write it as "
          "net.ipv4.conf.IFNAME.NAME" },
        { "one:link=a b", "bad format for links: 'a b'" },
        { "one:alias=a b",
          "invalid network alias 'a b': letters, digits, '-', '_' and '.' are allowed" },
        { "one:ingress=999", "ingress rate of 999 bits a second is too low: the minimum is 1000" },
        { "bridge:ip=172.17.0.9",
          "user specified IP address is supported on user defined networks only" },
        { "bridge:alias=web",
          "network-scoped aliases are only supported for user-defined networks" },
        { "name=host,alias=web",
          "network-scoped aliases are only supported for user-defined networks" },
        { "name=host,link=web", "conflicting options: host type networking can't be used with "
                                "links. This would result in undefined behavior" },
        { "name=host,mac=02:00:00:00:00:01",
          "conflicting options: mac-address and the network mode" },
        { "name=none,ingress=1m", "conflicting options: network mode 'none' has no link that it "
                                  "could be said of" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_container_spec_ ContainerSpec spec = {};
        _cleanup_error_ Error err = {};

        assert_int_equal(PARSE(&spec, &err, cases[i].text), 0);
        assert_true(network_requests_validate(&spec, &err) < 0);
        assert_string_equal(error_message(&err), cases[i].message);
    }
}

static void two_interfaces_have_two_names(void **state)
{
    _cleanup_container_spec_ ContainerSpec spec = {};
    _cleanup_error_ Error err = {};

    (void)state;
    assert_int_equal(PARSE(&spec, NULL, "one:ifname=a", "two:ifname=a"), 0);
    assert_true(network_requests_validate(&spec, &err) < 0);
    assert_string_equal(error_message(&err), "interface name 'a' is specified multiple times");
}

static void what_is_said_without_a_name_is_the_first_network_s(void **state)
{
    _cleanup_container_spec_ ContainerSpec spec = {}, bare = {};
    _cleanup_network_request_ ContainerNetwork own = {}, again = {};
    _cleanup_error_ Error err = {};

    (void)state;
    assert_int_equal(PARSE(&spec, NULL, "one:alias=web", "two"), 0);
    assert_int_equal(network_request_set(&own, "ip", "10.0.0.2", NULL), 0);
    assert_int_equal(network_request_merge(&spec, &own, NULL), 0);
    assert_string_equal(spec.networks.items[0].ip4, "10.0.0.2");
    assert_string_equal(spec.networks.items[0].aliases.items[0], "web");
    assert_null(spec.networks.items[1].ip4);

    assert_int_equal(network_request_set(&again, "alias", "www", NULL), 0);
    assert_true(network_request_merge(&spec, &again, &err) < 0);
    assert_string_equal(error_message(&err), "conflicting options: cannot specify both "
                                             "'--network-alias' and per-network alias");
    assert_int_equal(network_request_merge(&bare, &again, NULL), 0);
    assert_int_equal(bare.networks.count, 1);
    assert_null(bare.networks.items[0].network);
}

static void rates_are_of_all_networks_or_of_one(void **state)
{
    _cleanup_container_spec_ ContainerSpec spec = {};
    _cleanup_error_ Error err = {};
    static const char *const bad[] = {
        "", "ingress", "1mbit", "ingress=1m,ingress=2m", "ingress=1m,", "one:", "nobody:egress=1m"
    };

    (void)state;
    assert_int_equal(PARSE(&spec, NULL, "one", "two"), 0);
    assert_int_equal(network_request_parse_rates("ingress=1mbit,egress=2mbit", &spec, NULL), 0);
    assert_int_equal(network_request_parse_rates("two:egress=0", &spec, NULL), 0);
    assert_int_equal(spec.networks.items[0].ingress_rate, 1000000);
    assert_int_equal(spec.networks.items[0].egress_rate, 2000000);
    assert_int_equal(spec.networks.items[1].ingress_rate, 1000000);
    assert_int_equal(spec.networks.items[1].egress_rate, 0);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_true(network_request_parse_rates(bad[i], &spec, &err) < 0);
    assert_string_equal(error_message(&err), "it is not in a network 'nobody'");
}

static void hosts_are_written_with_a_colon_or_an_equals_sign(void **state)
{
    static const struct {
        const char *text, *normal; /* NULL: refused */
    } cases[] = {
        { "db:10.0.0.1", "db:10.0.0.1" },
        { "db=10.0.0.1", "db:10.0.0.1" },
        { "db:fd00::1", "db:fd00::1" },
        { "db=[fd00::1]", "db:fd00::1" },
        { "db:[::1]", "db:::1" },
        { "host:host-gateway", "host:host-gateway" },
        { "db", NULL },
        { "db:", NULL },
        { ":10.0.0.1", NULL },
        { "db:10.0.0", NULL },
        { "d b:10.0.0.1", NULL },
        { "db\n10.0.0.1 x:10.0.0.1", NULL },
        { "db:[10.0.0.1", NULL },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_free_ char *normal = NULL;
        int r = extra_host_parse(cases[i].text, &normal, NULL);

        assert_int_equal(r < 0, !cases[i].normal);
        if (cases[i].normal)
            assert_string_equal(normal, cases[i].normal);
    }
}

static void a_container_in_another_s_network_has_no_names_and_ports_of_its_own(void **state)
{
    static const struct {
        const char *json, *message;
    } cases[] = {
        { "{\"Hostname\": \"a\"}", "conflicting options: hostname and the network mode" },
        { "{\"Dns\": [\"1.1.1.1\"]}", "conflicting options: dns and the network mode" },
        { "{\"ExtraHosts\": [\"a:1.1.1.1\"]}",
          "conflicting options: custom host-to-IP mapping and the network mode" },
        { "{\"ExposedPorts\": {\"80/tcp\": {}}}",
          "conflicting options: port exposing and the container type network mode" },
        { "{\"PublishAllPorts\": true}",
          "conflicting options: port publishing and the container type network mode" },
        { "{\"PortBindings\": [{\"ContainerPort\": \"80/tcp\"}]}",
          "conflicting options: port publishing and the container type network mode" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_container_spec_ ContainerSpec spec = {};
        _cleanup_error_ Error err = {};
        _cleanup_json_ json_t *json = NULL;

        assert_int_equal(json_parse(cases[i].json, strlen(cases[i].json), &json, NULL), 0);
        assert_int_equal(json_struct_read(&container_spec_json, json, &spec, NULL), 0);
        assert_int_equal(PARSE(&spec, NULL, "container:web"), 0);
        assert_true(network_requests_check_joined(&spec, &err) < 0);
        assert_string_equal(error_message(&err), cases[i].message);
    }
}

static void a_cni_network_takes_what_its_plug_ins_can_do(void **state)
{
    static const struct {
        const char *text;
        bool is_good;
    } cases[] = {
        { "cni:lan", true },
        { "name=cni:lan,ip=10.0.0.5,ip6=fd00::5,mac=02:00:00:00:00:01,ifname=net0", true },
        { "cni:", false },
        { "cni:../lan", false },
        { "cni:lan:ip=10.0.0.5", false },
        { "name=cni:lan,alias=a", false },
        { "name=cni:lan,link=a:b", false },
        { "name=cni:lan,ingress=1mbit", false },
        { "name=cni:lan,gw-priority=1", false },
        { "name=cni:lan,sysctl=net.ipv4.conf.IFNAME.forwarding=1", false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_container_spec_ ContainerSpec spec = {};

        assert_int_equal(network_request_parse(cases[i].text, &spec, NULL), 0);
        assert_int_equal(network_requests_validate(&spec, NULL) >= 0, cases[i].is_good);
        if (cases[i].is_good) {
            string_list_add(&spec.publish_allow, "10.0.0.0/8");
            assert_true(network_requests_validate(&spec, NULL) < 0);
        }
    }
}

static void resolvers_are_checked_line_by_line(void **state)
{
    static const struct {
        const char *json, *message;
    } cases[] = {
        { "{\"Dns\": [\"one\"]}", "'one' is not an ip address" },
        { "{\"DnsSearch\": [\"a b\"]}", "'a b' is not a valid domain" },
        { "{\"DnsOptions\": [\"\"]}", "invalid DNS option '', see resolv.conf(5)" },
        { "{\"DnsOptions\": [\"a\\nnameserver 6.6.6.6\"]}",
          "invalid DNS option 'a\nnameserver 6.6.6.6', see resolv.conf(5)" },
        { "{\"ExtraHosts\": [\"a\"]}", "bad format for add-host: 'a'" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_container_spec_ ContainerSpec spec = {};
        _cleanup_error_ Error err = {};
        _cleanup_json_ json_t *json = NULL;

        assert_int_equal(json_parse(cases[i].json, strlen(cases[i].json), &json, NULL), 0);
        assert_int_equal(json_struct_read(&container_spec_json, json, &spec, NULL), 0);
        assert_true(name_options_validate(&spec, &err) < 0);
        assert_string_equal(error_message(&err), cases[i].message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(modes_are_no_networks),
        cmocka_unit_test(networks_come_by_name_one_or_several),
        cmocka_unit_test(the_default_network_is_decided_later),
        cmocka_unit_test(all_fields_are_taken_in_both_forms),
        cmocka_unit_test(sysctls_of_a_driver_option_are_a_list_of_their_own),
        cmocka_unit_test(malformed_networks_are_refused_with_a_reason),
        cmocka_unit_test(wrong_values_are_found_by_the_check),
        cmocka_unit_test(two_interfaces_have_two_names),
        cmocka_unit_test(what_is_said_without_a_name_is_the_first_network_s),
        cmocka_unit_test(rates_are_of_all_networks_or_of_one),
        cmocka_unit_test(hosts_are_written_with_a_colon_or_an_equals_sign),
        cmocka_unit_test(a_container_in_another_s_network_has_no_names_and_ports_of_its_own),
        cmocka_unit_test(a_cni_network_takes_what_its_plug_ins_can_do),
        cmocka_unit_test(resolvers_are_checked_line_by_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
