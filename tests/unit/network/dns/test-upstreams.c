/* SPDX-License-Identifier: Apache-2.0 */

/* resolv.conf as libc reads it, and whose turn it is. */

#include <arpa/inet.h>
#include <stdio.h>

#include "base/string-buffer.h"
#include "base/time-format.h"
#include "check.h"
#include "network/dns/upstreams.h"

static void check(const char *text, const char *wanted)
{
    _cleanup_string_buffer_ StringBuffer found = {};
    Upstreams upstreams = {};

    upstreams_parse(&upstreams, text);
    for (size_t i = 0; i < upstreams.count; i++) {
        const Upstream *one = &upstreams.items[i];
        bool is_v4 = one->any.sa_family == AF_INET;
        const void *address = is_v4 ? (const void *)&one->v4.sin_addr : &one->v6.sin6_addr;
        char buffer[INET6_ADDRSTRLEN];

        assert_non_null(inet_ntop(one->any.sa_family, address, buffer, sizeof(buffer)));
        assert_int_equal(ntohs(is_v4 ? one->v4.sin_port : one->v6.sin6_port), 53);
        string_buffer_printf(&found, "%s%s", i > 0 ? " " : "", buffer);
    }
    assert_string_equal(string_buffer_get(&found), wanted);
}

static void servers_are_read_as_libc_reads_them(void **state)
{
    (void)state;
    check("", "127.0.0.1");
    check("nameserver 10.0.0.1\nnameserver\t10.0.0.2 \nnameserver fd00::1",
          "10.0.0.1 10.0.0.2 fd00::1");
    check("# nameserver 10.0.0.1\n;nameserver 10.0.0.2\nsearch nameserver\n", "127.0.0.1");
    check("nameserver 10.0.0.1 # ours\r\nnameserver 10.0.0.2\r\n", "10.0.0.1 10.0.0.2");
    check(" nameserver 10.0.0.1\nnameservers 10.0.0.2\nnameserver10.0.0.3\n", "127.0.0.1");
    check("nameserver\nnameserver example\nnameserver 10.0.0\n", "127.0.0.1");
    check("nameserver fe80::1%lo\n", "fe80::1");
}

static void there_are_only_so_many_servers(void **state)
{
    _cleanup_string_buffer_ StringBuffer text = {}, wanted = {};

    (void)state;
    for (int i = 1; i <= 64; i++) {
        string_buffer_printf(&text, "nameserver 10.0.0.%d\n", i);
        if (i <= UPSTREAMS_MAX)
            string_buffer_printf(&wanted, "%s10.0.0.%d", i > 1 ? " " : "", i);
    }
    check(string_buffer_get(&text), string_buffer_get(&wanted));
}

static void who_fails_is_not_the_first_for_a_while(void **state)
{
    Upstreams upstreams = {};
    const int64_t later = 31 * NANOSECONDS_PER_SECOND;

    (void)state;
    upstreams_parse(&upstreams, "nameserver 10.0.0.1\nnameserver 10.0.0.2\n");
    assert_int_equal(upstreams_first(&upstreams, 1), 0);
    upstreams_note_failure(&upstreams, &upstreams.items[0], 1);
    assert_int_equal(upstreams_first(&upstreams, 2), 1);
    upstreams_note_failure(&upstreams, &upstreams.items[0], 2); /* again: it is not the first */
    assert_int_equal(upstreams_first(&upstreams, 3), 1);
    upstreams_note_failure(&upstreams, &upstreams.items[1], 3);
    assert_int_equal(upstreams_first(&upstreams, 4), 0);
    upstreams_note_failure(&upstreams, &upstreams.items[0], 4);
    assert_int_equal(upstreams_first(&upstreams, 5), 1);
    assert_int_equal(upstreams_first(&upstreams, later), 0);
}

static void the_same_servers_have_the_same_number(void **state)
{
    Upstreams one = {}, other = {};

    (void)state;
    upstreams_parse(&one, "nameserver 10.0.0.1\nnameserver 10.0.0.2\n");
    upstreams_parse(&other, "search x\nnameserver 10.0.0.1\nnameserver 10.0.0.2\n");
    assert_true(one.id != 0 && one.id == other.id);
    upstreams_parse(&other, "nameserver 10.0.0.2\nnameserver 10.0.0.1\n");
    assert_true(one.id != other.id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(servers_are_read_as_libc_reads_them),
        cmocka_unit_test(there_are_only_so_many_servers),
        cmocka_unit_test(who_fails_is_not_the_first_for_a_while),
        cmocka_unit_test(the_same_servers_have_the_same_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
