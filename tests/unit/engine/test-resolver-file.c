/* SPDX-License-Identifier: Apache-2.0 */

/* resolv.conf, from the host's to a container's. */

#include "check.h"

#include "base/memory.h"
#include "engine/resolver-file.h"

static void check_text(const ResolverFile *file, const char *expected)
{
    _cleanup_free_ char *text = resolver_file_format(file);

    assert_string_equal(text, expected);
}

static void what_resolvers_read_is_read(void **state)
{
    _cleanup_resolver_file_ ResolverFile file = {};

    (void)state;
    resolver_file_parse("# a comment\n; another\nnameserver 192.0.2.1 # inline\n"
                        "\tnameserver\t2001:db8::1\r\nnameserver fe80::1%eth0\nnameserver x\n"
                        "nameserver\ndomain old.example\nsearch a.example  b.example\n"
                        "options edns0\noptions ndots:2 rotate\nsortlist 192.0.2.0\nsearch\n",
                        &file);
    check_text(&file, "nameserver 192.0.2.1\nnameserver 2001:db8::1\n"
                      "search a.example b.example\noptions edns0 ndots:2 rotate\n");
}

static void servers_on_loopback_are_dropped(void **state)
{
    _cleanup_resolver_file_ ResolverFile file = {};

    (void)state;
    resolver_file_parse("nameserver 127.0.0.53\nnameserver ::1\nnameserver 192.0.2.1\n", &file);
    resolver_file_drop_loopback(&file);
    check_text(&file, "nameserver 192.0.2.1\n");
}

static void each_kind_is_overridden_by_itself(void **state)
{
    _cleanup_resolver_file_ ResolverFile file = {};
    _cleanup_string_list_ StringList servers = {}, search = {}, options = {};

    (void)state;
    resolver_file_parse("nameserver 192.0.2.1\nsearch a.example\noptions edns0\n", &file);
    string_list_add(&servers, "192.0.2.9");
    resolver_file_override(&file, &servers, &search, &options);
    check_text(&file, "nameserver 192.0.2.9\nsearch a.example\noptions edns0\n");
    string_list_add(&search, ".");
    string_list_add(&options, "rotate");
    resolver_file_override(&file, &(StringList) {}, &search, &options);
    check_text(&file, "nameserver 192.0.2.9\noptions rotate\n");
}

static void a_redirected_file_has_one_server_and_ndots(void **state)
{
    _cleanup_resolver_file_ ResolverFile file = {}, with_ndots = {};

    (void)state;
    resolver_file_parse("nameserver 192.0.2.1\noptions edns0\n", &file);
    resolver_file_redirect(&file, "127.0.0.11");
    check_text(&file, "nameserver 127.0.0.11\noptions edns0 ndots:0\n");
    resolver_file_parse("options ndots:5\n", &with_ndots);
    resolver_file_redirect(&with_ndots, "127.0.0.11");
    check_text(&with_ndots, "nameserver 127.0.0.11\noptions ndots:5\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_resolvers_read_is_read),
        cmocka_unit_test(servers_on_loopback_are_dropped),
        cmocka_unit_test(each_kind_is_overridden_by_itself),
        cmocka_unit_test(a_redirected_file_has_one_server_and_ndots),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
