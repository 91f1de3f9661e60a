/* SPDX-License-Identifier: Apache-2.0 */

/* Limits of rates: what is more than a bucket and its queue hold is dropped at once, so that a
 * flood tells whether there is one. */

#include <errno.h>
#include <linux/gen_stats.h>
#include <linux/pkt_sched.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/memory.h"
#include "hosts.h"

#define FLOOD 400      /* datagrams of a kilobyte: more than a queue has room for */
#define SLOW 80000     /* bits a second */
#define FAST 800000000 /* the same */

static NetworkSubnet subnets[] = { { .subnet = (char *)"10.77.0.0/16",
                                     .gateway = (char *)"10.77.0.1" } };

static NetworkSpec make_spec(const char *driver)
{
    return (NetworkSpec) {
        .id = (char *)"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        .name = (char *)"web",
        .driver = (char *)driver,
        .subnets = { .items = subnets, .count = 1 },
        .ipv4 = true,
        .interface = strcmp(driver, "bridge") == 0 ? (char *)"br-0123456789ab" : NULL,
        .parent = strcmp(driver, "bridge") == 0 ? NULL : (char *)HOSTS_UPLINK,
        .mode = strcmp(driver, "bridge") == 0 ? NULL : (char *)"bridge",
    };
}

static NetworkAttachment make_attachment(const NetworkSpec *spec, uint64_t ingress, uint64_t egress)
{
    NetworkAttachment attachment = { .network = spec,
                                     .interface = "eth0",
                                     .rates = { .ingress = ingress, .egress = egress } };

    assert_int_equal(ip_prefix_parse("10.77.0.2/16", &attachment.addresses[IP_V4]), 0);
    return attachment;
}

static void attach(Hosts *hosts, NetworkAttachment *attachment)
{
    Error err = {};

    if (network_attach(hosts->links, hosts->container_fds[0], attachment, 1, &err) < 0)
        fail_msg("%s", error_message(&err));
}

static void change(Hosts *hosts, NetworkAttachment *attachment, uint64_t ingress, uint64_t egress)
{
    Error err = {};

    attachment->rates = (NetworkRates) { ingress, egress };
    if (network_set_rates(hosts->links, hosts->container_fds[0], attachment, &err) < 0)
        fail_msg("%s", error_message(&err));
}

/* Does all of a flood arrive? Of a limited one it takes half a minute: nobody waits for that. */
static bool all_arrives(int receiver, bool is_limited)
{
    const struct timeval patience = { .tv_sec = 10 };
    char data[1000];
    size_t n = 0;

    assert_int_equal(setsockopt(receiver, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
    while (n < FLOOD && recv(receiver, data, sizeof(data), is_limited ? MSG_DONTWAIT : 0) > 0)
        n++;
    return n == FLOOD;
}

static void check_flood(Hosts *hosts, int from_fd, const char *from, int to_fd, const char *to,
                        bool is_limited)
{
    _cleanup_close_ int sender = hosts_open_socket(hosts, from_fd, SOCK_DGRAM, from, 4001);
    _cleanup_close_ int receiver = hosts_open_socket(hosts, to_fd, SOCK_DGRAM, to, 4001);
    const int room = 4 << 20;
    char data[1000] = {};

    if (!hosts_can_send(hosts, from_fd, from, to_fd, to)) /* from now on they are neighbours */
        fail_msg("%s does not reach %s", from, to);
    assert_int_equal(setsockopt(receiver, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)), 0);
    assert_int_equal(setsockopt(sender, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)), 0);
    assert_int_equal(hosts_connect(sender, to, 4001), 0);
    for (size_t i = 0; i < FLOOD; i++)
        (void)send(sender, data, sizeof(data), 0);
    assert_int_equal(all_arrives(receiver, is_limited), !is_limited);
}

static void check_floods(Hosts *hosts, const NetworkRates *rates)
{
    check_flood(hosts, hosts->host_fd, "10.77.0.1", hosts->container_fds[0], "10.77.0.2",
                rates->ingress > 0);
    check_flood(hosts, hosts->container_fds[0], "10.77.0.2", hosts->host_fd, "10.77.0.1",
                rates->egress > 0);
}

static void each_direction_has_its_own_limit(void **state)
{
    static const NetworkRates rates[] = { { 0, 0 }, { SLOW, 0 }, { 0, SLOW }, { SLOW, SLOW } };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
        NetworkSpec spec = make_spec("bridge");
        NetworkAttachment attachment = make_attachment(&spec, rates[i].ingress, rates[i].egress);
        void *hosts;

        assert_int_equal(hosts_make(&hosts), 0);
        attach(hosts, &attachment);
        check_floods(hosts, &rates[i]);
        assert_int_equal(hosts_drop(&hosts), 0);
    }
}

static void rates_change_and_go_while_the_link_is_used(void **state)
{
    Hosts *hosts = *state;
    NetworkSpec spec = make_spec("bridge");
    NetworkAttachment attachment = make_attachment(&spec, 0, 0);
    size_t before;

    attach(hosts, &attachment);
    before = hosts_count_links(hosts, -EBADF);
    change(hosts, &attachment, SLOW, SLOW);
    check_floods(hosts, &attachment.rates);
    change(hosts, &attachment, SLOW / 2, SLOW / 2);
    assert_int_equal(hosts_count_links(hosts, -EBADF), before + 1);
    change(hosts, &attachment, 0, 0);
    check_floods(hosts, &attachment.rates);
    assert_int_equal(hosts_count_links(hosts, -EBADF), before);
    change(hosts, &attachment, 0, 0);
}

/* The bucket's rate in bytes a second; 0: there is none. */
static int on_qdisc(const struct nlmsghdr *header, void *data)
{
    const struct tcmsg *body = NLMSG_DATA(header);
    const struct rtattr *attributes[TCA_OPTIONS + 1], *options[TCA_TBF_MAX + 1];
    const struct tc_tbf_qopt *bucket;
    uint64_t *rate = data;

    assert_int_equal(netlink_parse(header, sizeof(*body), attributes, ARRAY_SIZE(attributes)), 0);
    if (body->tcm_ifindex != (int)rate[0] || strcmp(netlink_text(attributes[TCA_KIND]), "tbf") != 0)
        return 0;
    assert_int_equal(netlink_parse_nested(attributes[TCA_OPTIONS], options, ARRAY_SIZE(options)),
                     0);
    bucket = netlink_value(options[TCA_TBF_PARMS], sizeof(*bucket));
    assert_non_null(bucket);
    rate[1] = bucket->rate.rate;
    if (netlink_value(options[TCA_TBF_RATE64], sizeof(uint64_t)))
        memcpy(&rate[1], RTA_DATA(options[TCA_TBF_RATE64]), sizeof(uint64_t));
    return 0;
}

static uint64_t read_rate(Hosts *hosts, const char *interface)
{
    KernelLink link = hosts_find_link(hosts, -EBADF, interface);
    uint64_t rate[2] = { (uint64_t)link.index };
    NetlinkMessage message;

    (void)netlink_message_init(&message, RTM_GETQDISC, sizeof(struct tcmsg));
    assert_int_equal(netlink_query(&hosts->host, &message, NLM_F_DUMP, on_qdisc, rate), 0);
    return rate[1];
}

static void rates_are_what_was_asked_for_however_high(void **state)
{
    static const uint64_t rates[] = { 8, 1000000, FAST, 40000000000, 100000000000 };
    Hosts *hosts = *state;
    NetworkSpec spec = make_spec("bridge");
    NetworkAttachment attachment = make_attachment(&spec, 0, 0);
    _cleanup_free_ char *ifb = NULL;

    attach(hosts, &attachment);
    ifb = memory_printf("ifb%s", attachment.host_interface + strlen("veth"));
    for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
        change(hosts, &attachment, rates[i], 2 * rates[i]);
        assert_int_equal(read_rate(hosts, attachment.host_interface), rates[i] / 8);
        assert_int_equal(read_rate(hosts, ifb), rates[i] / 4);
    }
}

static void what_limited_a_link_goes_with_it(void **state)
{
    Hosts *hosts = *state;
    NetworkSpec spec = make_spec("bridge");
    NetworkAttachment attachment = make_attachment(&spec, SLOW, SLOW);
    size_t before = hosts_count_links(hosts, -EBADF) + 1; /* the bridge */
    KernelLink link;

    attach(hosts, &attachment);
    assert_int_equal(hosts_count_links(hosts, -EBADF), before + 2);
    assert_int_equal(network_detach(hosts->links, hosts->container_fds[0], &attachment, NULL), 0);
    assert_int_equal(hosts_count_links(hosts, -EBADF), before);

    attach(hosts, &attachment);
    link = hosts_find_link(hosts, -EBADF, attachment.host_interface);
    assert_int_equal(kernel_link_delete(&hosts->host, link.index), 0); /* as with its namespace */
    assert_int_equal(network_release_host(hosts->links, attachment.host_interface, NULL), 0);
    assert_int_equal(network_release_host(hosts->links, attachment.host_interface, NULL), 0);
    assert_int_equal(hosts_count_links(hosts, -EBADF), before);
}

static void what_was_left_by_who_was_killed_goes_with_the_next_one(void **state)
{
    Hosts *hosts = *state;
    NetworkSpec spec = make_spec("bridge");
    NetworkAttachment attachment = make_attachment(&spec, SLOW, SLOW);
    size_t before;
    KernelLink link;

    attach(hosts, &attachment);
    before = hosts_count_links(hosts, -EBADF);
    link = hosts_find_link(hosts, -EBADF, attachment.host_interface);
    assert_int_equal(kernel_link_delete(&hosts->host, link.index), 0);
    attach(hosts, &attachment);
    assert_int_equal(hosts_count_links(hosts, -EBADF), before);
}

static void nobody_elses_interface_is_taken_for_one_that_limits(void **state)
{
    static const char *const names[] = {
        "", "lo", "veth", HOSTS_UPLINK, "veth012345", "eth00123456"
    };
    Hosts *hosts = *state;
    size_t before = hosts_count_links(hosts, -EBADF);

    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        assert_int_equal(network_release_host(hosts->links, names[i], NULL), 0);
    assert_int_equal(hosts_count_links(hosts, -EBADF), before);
}

static void a_link_without_an_end_on_the_host_is_limited_one_way(void **state)
{
    static const char *const outside[] = { "10.77.0.1", "fd77::1" };
    Hosts *hosts = *state;
    NetworkSpec spec = make_spec("macvlan");
    NetworkAttachment attachment = make_attachment(&spec, SLOW, 0);
    Error err = {};

    hosts_give_outside_addresses(hosts, 0, outside);
    assert_true(network_attach(hosts->links, hosts->container_fds[0], &attachment, 1, &err) < 0);
    check_error(&err, ERROR_UNSUPPORTED,
                "network 'web': what comes to a container has no limit with driver 'macvlan', "
                "whose links have no end on the host");
    attachment.rates = (NetworkRates) { .egress = SLOW };
    attach(hosts, &attachment);
    check_flood(hosts, hosts->container_fds[0], "10.77.0.2", hosts->outside_fd, "10.77.0.1", true);
    check_flood(hosts, hosts->outside_fd, "10.77.0.1", hosts->container_fds[0], "10.77.0.2", false);
    change(hosts, &attachment, 0, 0);
    check_flood(hosts, hosts->container_fds[0], "10.77.0.2", hosts->outside_fd, "10.77.0.1", false);
}

#define HOSTS_TEST(test) cmocka_unit_test_setup_teardown(test, hosts_make, hosts_drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_direction_has_its_own_limit),
        HOSTS_TEST(rates_change_and_go_while_the_link_is_used),
        HOSTS_TEST(rates_are_what_was_asked_for_however_high),
        HOSTS_TEST(what_limited_a_link_goes_with_it),
        HOSTS_TEST(what_was_left_by_who_was_killed_goes_with_the_next_one),
        HOSTS_TEST(nobody_elses_interface_is_taken_for_one_that_limits),
        HOSTS_TEST(a_link_without_an_end_on_the_host_is_limited_one_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
