/* SPDX-License-Identifier: Apache-2.0 */

/* Addresses and prefixes as values. */

#include "scratch.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/ip-address.h"

static IpAddress address_of(const char *text)
{
    IpAddress address;

    assert_int_equal(ip_address_parse(text, &address), 0);
    return address;
}

static IpPrefix prefix_of(const char *text)
{
    IpPrefix prefix;

    assert_int_equal(ip_prefix_parse(text, &prefix), 0);
    return prefix;
}

static void assert_address(const IpAddress *address, const char *wanted)
{
    char text[IP_ADDRESS_TEXT_MAX];

    assert_string_equal(ip_address_format(address, text), wanted);
}

static void text_is_read_strictly_and_written_in_one_way(void **state)
{
    static const char *const wrong[] = { "",      "1.2.3",   "1.2.3.256", "1.2.3.4 ", "::1%lo",
                                         "[::1]", "1::2::3", "a",         "1.2.3.04", "0x1.2.3.4" };
    IpAddress address = {};
    char text[IP_PREFIX_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_int_equal(ip_address_parse(wrong[i], &address), -EINVAL);
    address = address_of("FD00:0:0:0::A");
    assert_address(&address, "fd00::a");
    assert_address(&(IpAddress) {}, "");
    assert_string_equal(ip_prefix_format(&(IpPrefix) { address_of("10.0.0.1"), 8 }, text),
                        "10.0.0.1/8");
}

static void a_prefix_has_a_length_of_its_family(void **state)
{
    static const char *const wrong[] = { "10.0.0.0/33", "::/129", "10.0.0.0/",
                                         "10.0.0.0/-1", "/8",     "10.0.0.0/8/8" };
    IpPrefix prefix;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_int_equal(ip_prefix_parse(wrong[i], &prefix), -EINVAL);
    assert_int_equal(prefix_of("::1").length, 128);
    assert_int_equal(prefix_of("1.2.3.4").length, 32);
    assert_int_equal(prefix_of("1.2.3.4/0").length, 0);
}

static void sums_carry_and_end_with_the_family(void **state)
{
    IpAddress address = address_of("10.0.255.255"), sum;

    (void)state;
    assert_true(ip_address_add(&address, 1, &sum));
    assert_address(&sum, "10.1.0.0");
    address = address_of("255.255.255.255");
    assert_false(ip_address_add(&address, 1, &sum));
    address = address_of("0.0.0.1");
    assert_false(ip_address_add(&address, 1ULL << 32, &sum));
    address = address_of("fd00::ffff:ffff:ffff:ffff");
    assert_true(ip_address_add(&address, UINT64_MAX, &sum));
    assert_address(&sum, "fd00::1:ffff:ffff:ffff:fffe");
}

static void a_prefix_begins_and_ends_where_its_bits_do(void **state)
{
    IpPrefix prefix = prefix_of("172.18.5.6/20"), all = prefix_of("0.0.0.0/0");
    IpAddress first = ip_prefix_first(&prefix), last = ip_prefix_last(&prefix);

    (void)state;
    assert_address(&first, "172.18.0.0");
    assert_address(&last, "172.18.15.255");
    first = ip_prefix_first(&all);
    assert_true(ip_address_is_wildcard(&first));
    assert_true(ip_prefix_contains(&prefix, &last));
    assert_true(ip_prefix_contains(&all, &last));
    first = address_of("172.18.16.0");
    assert_false(ip_prefix_contains(&prefix, &first));
    first = address_of("::1");
    assert_true(ip_address_is_loopback(&first));
    assert_false(ip_address_is_multicast(&first));
    assert_false(ip_prefix_contains(&all, &first));
}

static void multicast_is_known_in_both_families_and_nothing_else_is(void **state)
{
    static const char *const groups[] = { "224.0.0.1", "239.255.255.255", "ff02::1", "ffff::" };
    static const char *const others[] = { "223.255.255.255", "240.0.0.0", "fe80::1", "e000::1" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
        IpAddress group = address_of(groups[i]), other = address_of(others[i]);

        assert_true(ip_address_is_multicast(&group));
        assert_false(ip_address_is_multicast(&other));
    }
    assert_false(ip_address_is_multicast(&(IpAddress) {}));
}

static void prefixes_overlap_where_one_has_the_other(void **state)
{
    IpPrefix wide = prefix_of("10.0.0.0/8"), narrow = prefix_of("10.1.2.0/24"),
             other = prefix_of("11.0.0.0/8"), six = prefix_of("::/0");

    (void)state;
    assert_true(ip_prefix_overlaps(&wide, &narrow));
    assert_true(ip_prefix_overlaps(&narrow, &wide));
    assert_false(ip_prefix_overlaps(&narrow, &other));
    assert_false(ip_prefix_overlaps(&wide, &six));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_read_strictly_and_written_in_one_way),
        cmocka_unit_test(a_prefix_has_a_length_of_its_family),
        cmocka_unit_test(sums_carry_and_end_with_the_family),
        cmocka_unit_test(a_prefix_begins_and_ends_where_its_bits_do),
        cmocka_unit_test(multicast_is_known_in_both_families_and_nothing_else_is),
        cmocka_unit_test(prefixes_overlap_where_one_has_the_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
