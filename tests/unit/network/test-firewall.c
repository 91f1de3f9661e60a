/* SPDX-License-Identifier: Apache-2.0 */

/* Our table in the kernel: what is in it after which change. */

#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "base/fd.h"
#include "base/memory.h"
#include "hosts.h"
#include "network/firewall-private.h"

#define TABLE "cay-test"

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

static Firewall *open_firewall(void)
{
    Firewall *firewall = NULL;

    assert_int_equal(firewall_open(TABLE, &firewall, NULL), 0);
    return firewall;
}

static FirewallNetwork make_network(void)
{
    return (FirewallNetwork) {
        .interface = "br-one",
        .subnets = { prefix("10.77.0.0/16"), prefix("fd77::/64") },
        .masquerade = true,
    };
}

static FirewallPort make_port(const char *host, uint16_t port, const char *target)
{
    return (FirewallPort) {
        .protocol = IPPROTO_TCP,
        .address = address(host),
        .port = port,
        .target = address(target),
        .target_port = 80,
    };
}

static void rebuild(Firewall *firewall, const FirewallPort *ports, size_t n_ports)
{
    const FirewallNetwork network = make_network();
    Error err = {};

    if (firewall_rebuild(
            firewall,
            &(FirewallState) {
                .networks = &network, .n_networks = 1, .ports = ports, .n_ports = n_ports },
            &err) < 0)
        fail_msg("%s", error_message(&err));
}

static int keep_data(const struct nlmsghdr *answer, void *data)
{
    const struct rtattr *list[NFTA_SET_ELEM_LIST_MAX + 1], *item[2],
        *element[NFTA_SET_ELEM_MAX + 1];
    const struct rtattr *value[NFTA_DATA_MAX + 1];

    assert_int_equal(netlink_parse(answer, sizeof(struct nfgenmsg), list, ARRAY_SIZE(list)), 0);
    assert_int_equal(
        netlink_parse_nested(list[NFTA_SET_ELEM_LIST_ELEMENTS], item, ARRAY_SIZE(item)), 0);
    assert_int_equal(netlink_parse_nested(item[NFTA_LIST_ELEM], element, ARRAY_SIZE(element)), 0);
    assert_int_equal(netlink_parse_nested(element[NFTA_SET_ELEM_DATA], value, ARRAY_SIZE(value)),
                     0);
    memcpy(data, RTA_DATA(value[NFTA_DATA_VALUE]), RTA_PAYLOAD(value[NFTA_DATA_VALUE]));
    return 0;
}

/* Where a port leads to: 0: nowhere, else the last byte of the address. */
static uint8_t target_of(const FirewallPort *port)
{
    _cleanup_firewall_element_list_ FirewallElementList list = {};
    Netlink netlink = { .fd = netlink_open_protocol(NETLINK_NETFILTER) };
    uint8_t data[NFT_KEY_MAX] = {};
    NetlinkMessage message;
    int r;

    assert_int_equal(firewall_elements_of_port(port, false, &list, NULL), 0);
    nft_ask_element(&message, TABLE, &list.items[list.count - 1].element);
    r = netlink_query(&netlink, &message, 0, keep_data, data);
    assert_true(r == 0 || r == -ENOENT);
    fd_close(netlink.fd);
    return data[ip_address_size(&port->address) - 1];
}

static void a_table_is_intact_until_it_is_taken_away(void **state)
{
    _cleanup_(firewall_closep) Firewall *firewall = open_firewall();

    (void)state;
    assert_int_equal(firewall_is_intact(firewall, NULL), 0);
    assert_int_equal(firewall_remove(firewall, NULL), 0);
    rebuild(firewall, NULL, 0);
    assert_int_equal(firewall_is_intact(firewall, NULL), 1);
    rebuild(firewall, NULL, 0);
    assert_int_equal(firewall_is_intact(firewall, NULL), 1);
    assert_int_equal(firewall_remove(firewall, NULL), 0);
    assert_int_equal(firewall_is_intact(firewall, NULL), 0);
}

static void send_to_nftables(NetlinkBatch *batch)
{
    Netlink netlink = { .fd = netlink_open_protocol(NETLINK_NETFILTER) };

    nft_batch_end(batch);
    assert_int_equal(netlink_batch_send(&netlink, batch, NULL, NULL), 0);
    fd_close(netlink.fd);
}

static void what_is_added_meanwhile_is_not_lost_by_making_it_anew(void **state)
{
    _cleanup_(firewall_closep) Firewall *firewall = open_firewall(), *other = open_firewall();
    const FirewallPort port = make_port("0.0.0.0", 8080, "10.77.0.2");
    Error err = {};

    (void)state;
    rebuild(firewall, NULL, 0);
    assert_int_equal(firewall_watch(firewall, NULL), 0);
    rebuild(firewall, NULL, 0);
    assert_int_equal(firewall_watch(firewall, NULL), 0);
    assert_int_equal(firewall_add_ports(other, &port, 1, NULL), 0);
    assert_int_equal(firewall_rebuild(firewall, &(FirewallState) {}, &err), -EBUSY);
    check_error(&err, ERROR_CONFLICT, "rules of nftables were changed meanwhile");
    assert_int_equal(target_of(&port), 2);
    /* whoever does not watch, does not mind */
    rebuild(firewall, NULL, 0);
    assert_int_equal(target_of(&port), 0);
}

static void a_rule_of_somebody_else_in_it_is_noticed(void **state)
{
    static const NftRule rule = { "forward", NULL, { NFT_VERDICT(NF_ACCEPT) } };
    _cleanup_(firewall_closep) Firewall *firewall = open_firewall();
    _cleanup_netlink_batch_ NetlinkBatch batch = {};

    (void)state;
    rebuild(firewall, NULL, 0);
    nft_batch_begin(&batch);
    nft_add_rule(&batch, TABLE, &rule, 1);
    send_to_nftables(&batch);
    assert_int_equal(firewall_is_intact(firewall, NULL), 0);
    rebuild(firewall, NULL, 0);
    assert_int_equal(firewall_is_intact(firewall, NULL), 1);
}

static void rules_that_are_missing_are_noticed(void **state)
{
    _cleanup_(firewall_closep) Firewall *firewall = open_firewall();
    _cleanup_netlink_batch_ NetlinkBatch batch = {};
    NetlinkMessage message;
    struct nfgenmsg *body;

    (void)state;
    rebuild(firewall, NULL, 0);
    nft_batch_begin(&batch);
    body =
        netlink_message_init(&message, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELRULE, sizeof(*body));
    body->nfgen_family = NFPROTO_INET;
    netlink_message_add_string(&message, NFTA_RULE_TABLE, TABLE);
    netlink_message_add_string(&message, NFTA_RULE_CHAIN, "guard");
    netlink_batch_add(&batch, &message, 0, 0);
    send_to_nftables(&batch);
    assert_int_equal(firewall_is_intact(firewall, NULL), 0);
}

static void without_a_table_a_change_says_so(void **state)
{
    _cleanup_(firewall_closep) Firewall *firewall = open_firewall();
    const FirewallPort port = make_port("0.0.0.0", 8080, "10.77.0.2");
    const FirewallNetwork network = make_network();
    Error err = {};

    (void)state;
    assert_int_equal(firewall_add_ports(firewall, &port, 1, &err), -ENOENT);
    check_error(&err, ERROR_NOT_FOUND, "there is no table '" TABLE "' of nftables");
    assert_int_equal(firewall_remove_ports(firewall, &port, 1, &err), -ENOENT);
    check_error(&err, ERROR_NOT_FOUND, "there is no table '" TABLE "' of nftables");
    assert_int_equal(firewall_add_network(firewall, &network, &err), -ENOENT);
    check_error(&err, ERROR_NOT_FOUND, "there is no table '" TABLE "' of nftables");
    assert_int_equal(firewall_remove_network(firewall, &network, &err), -ENOENT);
    check_error(&err, ERROR_NOT_FOUND, "there is no table '" TABLE "' of nftables");
}

static void a_port_that_is_added_takes_the_place_of_another(void **state)
{
    _cleanup_(firewall_closep) Firewall *firewall = open_firewall();
    FirewallPort ports[] = {
        make_port("0.0.0.0", 8080, "10.77.0.2"),
        make_port("127.0.0.1", 8081, "10.77.0.2"),
        make_port("::", 8080, "fd77::2"),
        make_port("fd00::1", 8082, "fd77::2"),
    };

    (void)state;
    rebuild(firewall, ports, 1);
    assert_int_equal(target_of(&ports[0]), 2);
    assert_int_equal(target_of(&ports[1]), 0);
    for (uint8_t last = 2; last < 4; last++) {
        for (size_t i = 0; i < ARRAY_SIZE(ports); i++)
            ports[i].target.bytes[ip_address_size(&ports[i].target) - 1] = last;
        assert_int_equal(firewall_add_ports(firewall, ports, ARRAY_SIZE(ports), NULL), 0);
        for (size_t i = 0; i < ARRAY_SIZE(ports); i++)
            assert_int_equal(target_of(&ports[i]), last);
    }
    assert_int_equal(firewall_is_intact(firewall, NULL), 1);
}

static void ports_are_removed_whether_they_are_there_or_not(void **state)
{
    _cleanup_(firewall_closep) Firewall *firewall = open_firewall();
    const FirewallPort ports[] = {
        make_port("0.0.0.0", 8080, "10.77.0.2"),
        make_port("0.0.0.0", 8081, "10.77.0.2"),
        make_port("0.0.0.0", 8082, "10.77.0.2"),
        make_port("::", 8080, "fd77::2"),
    };

    (void)state;
    rebuild(firewall, ports, 2);
    assert_int_equal(firewall_remove_ports(firewall, ports + 1, 3, NULL), 0);
    assert_int_equal(target_of(&ports[0]), 2);
    assert_int_equal(target_of(&ports[1]), 0);
    assert_int_equal(firewall_remove_ports(firewall, ports, 4, NULL), 0);
    assert_int_equal(firewall_remove_ports(firewall, ports, 4, NULL), 0);
    assert_int_equal(target_of(&ports[0]), 0);
}

static void a_port_for_some_is_no_port_for_everybody(void **state)
{
    _cleanup_(firewall_closep) Firewall *firewall = open_firewall();
    /* the second is in the first, the third is the first */
    const IpPrefix allowed[] = { prefix("10.1.0.0/16"), prefix("10.1.2.0/24"),
                                 prefix("10.1.0.0/16"), prefix("10.2.0.1") };
    FirewallPort port = make_port("0.0.0.0", 8080, "10.77.0.2"), limited = port;

    (void)state;
    limited.allowed = allowed;
    limited.n_allowed = ARRAY_SIZE(allowed);
    rebuild(firewall, &port, 1);
    assert_int_equal(firewall_add_ports(firewall, &limited, 1, NULL), 0);
    assert_int_equal(target_of(&port), 0);
    assert_int_equal(firewall_add_ports(firewall, &limited, 1, NULL), 0);
    limited.target = address("10.77.0.3");
    assert_int_equal(firewall_add_ports(firewall, &limited, 1, NULL), 0);
    assert_int_equal(firewall_remove_ports(firewall, &limited, 1, NULL), 0);
    assert_int_equal(firewall_remove_ports(firewall, &limited, 1, NULL), 0);
    rebuild(firewall, &limited, 1);
    assert_int_equal(target_of(&port), 0);
}

static void addresses_of_two_families_are_no_port(void **state)
{
    _cleanup_(firewall_closep) Firewall *firewall = open_firewall();
    const FirewallPort mixed = make_port("0.0.0.0", 8080, "fd77::2");
    const IpPrefix allowed = prefix("fd00::/8");
    FirewallPort limited = make_port("0.0.0.0", 8080, "10.77.0.2");
    Error err = {};

    (void)state;
    limited.allowed = &allowed;
    limited.n_allowed = 1;
    assert_int_equal(firewall_add_ports(firewall, &mixed, 1, &err), -EINVAL);
    check_error(&err, ERROR_INVALID, "port 8080 leads to an address of another family");
    assert_int_equal(firewall_add_ports(firewall, &limited, 1, &err), -EINVAL);
    check_error(&err, ERROR_INVALID, "port 8080 is limited to addresses of another family");
}

static void a_network_may_become_another_kind(void **state)
{
    _cleanup_(firewall_closep) Firewall *firewall = open_firewall();
    FirewallNetwork network = make_network();

    (void)state;
    rebuild(firewall, NULL, 0);
    for (unsigned kind = 0; kind < 8; kind++) {
        network.is_internal = kind & 1;
        network.masquerade = kind & 2;
        network.no_container_traffic = kind & 4;
        assert_int_equal(firewall_add_network(firewall, &network, NULL), 0);
    }
    assert_int_equal(firewall_remove_network(firewall, &network, NULL), 0);
    assert_int_equal(firewall_remove_network(firewall, &network, NULL), 0);
    assert_int_equal(firewall_is_intact(firewall, NULL), 1);
}

static void ten_thousand_ports_are_made_and_removed_at_once(void **state)
{
    enum { COUNT = 10000 };
    _cleanup_(firewall_closep) Firewall *firewall = open_firewall();
    _cleanup_free_ FirewallPort *ports = NEW_ARRAY(FirewallPort, COUNT);

    (void)state;
    for (uint16_t i = 0; i < COUNT; i++)
        ports[i] = make_port("0.0.0.0", (uint16_t)(20000 + i), "10.77.0.2");
    rebuild(firewall, ports, COUNT);
    assert_int_equal(target_of(&ports[0]), 2);
    assert_int_equal(target_of(&ports[COUNT - 1]), 2);
    /* none of them is there the second time */
    for (int i = 0; i < 2; i++)
        assert_int_equal(firewall_remove_ports(firewall, ports, COUNT, NULL), 0);
    assert_int_equal(target_of(&ports[COUNT - 1]), 0);
}

#define HOSTS_TEST(test) cmocka_unit_test_setup_teardown(test, hosts_make, hosts_drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOSTS_TEST(a_table_is_intact_until_it_is_taken_away),
        HOSTS_TEST(what_is_added_meanwhile_is_not_lost_by_making_it_anew),
        HOSTS_TEST(a_rule_of_somebody_else_in_it_is_noticed),
        HOSTS_TEST(rules_that_are_missing_are_noticed),
        HOSTS_TEST(without_a_table_a_change_says_so),
        HOSTS_TEST(a_port_that_is_added_takes_the_place_of_another),
        HOSTS_TEST(ports_are_removed_whether_they_are_there_or_not),
        HOSTS_TEST(a_port_for_some_is_no_port_for_everybody),
        HOSTS_TEST(addresses_of_two_families_are_no_port),
        HOSTS_TEST(a_network_may_become_another_kind),
        HOSTS_TEST(ten_thousand_ports_are_made_and_removed_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
