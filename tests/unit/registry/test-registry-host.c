/* SPDX-License-Identifier: Apache-2.0 */

/* Names of registries: which there are, which are the same, and which are this machine. */

#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "registry/registry-host.h"

static const struct {
    const char *address;
    const char *host;
} addresses[] = {
    { "docker.io", "docker.io" },
    { "https://index.docker.io/v1/", "docker.io" },
    { "registry-1.docker.io", "docker.io" },
    { "INDEX.docker.io", "docker.io" },
    { "http://localhost:5000", "localhost:5000" },
    { "HTTPS://registry.example.com:443/v2/a/b", "registry.example.com:443" },
    { "registry.example.com/team", "registry.example.com" },
    { "docker.io.example.com", "docker.io.example.com" },
    { "https://", "" },
};

static void an_address_is_taken_as_its_host(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
        _cleanup_free_ char *host = registry_host_from_address(addresses[i].address);

        assert_string_equal(host, addresses[i].host);
    }
}

static void only_a_name_with_or_without_a_port_is_a_host(void **state)
{
    static const char *const good[] = { "a",          "localhost:5000", "127.0.0.1",
                                        "[::1]:5000", "[fe80::1]",      "a-b.example_1.com:65535",
                                        "A.example" };
    static const char *const bad[] = { "",         "a/b",   "http://a", "a:",      "a:b",
                                       "a:123456", "::1",   "[::1",     "[]",      "user@host",
                                       "a b",      "../..", ".",        "a.",      "-a",
                                       "a\n",      "a:1:2", "[::1]x",   "a:5000/", "a?b" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(good); i++)
        assert_true(registry_host_is_valid(good[i]));
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        if (registry_host_is_valid(bad[i]))
            fail_msg("'%s' is taken for a host", bad[i]);
    }
}

static void only_this_machine_is_loopback(void **state)
{
    static const char *const good[] = { "localhost",  "localhost:5000", "127.0.0.1", "127.1.2.3:80",
                                        "[::1]:5000", "LocalHost",      "[0:0::1]" };
    static const char *const bad[] = {
        "localhost.example.com", "127.example.com", "128.0.0.1", "[::2]", "10.0.0.1:127",
        "127.0.0.1.nip.io",      "0.0.0.0",         "127.1",     "[::1"
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(good); i++)
        assert_true(registry_host_is_loopback(good[i]));
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        if (registry_host_is_loopback(bad[i]))
            fail_msg("'%s' is taken for this machine", bad[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_taken_as_its_host),
        cmocka_unit_test(only_a_name_with_or_without_a_port_is_a_host),
        cmocka_unit_test(only_this_machine_is_loopback),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
