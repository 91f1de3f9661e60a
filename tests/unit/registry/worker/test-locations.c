/* SPDX-License-Identifier: Apache-2.0 */

/* Where URLs lead, and which are not followed. */

#include <stdlib.h>

#include "check.h"
#include "registry/worker/locations.h"

static void assert_leads(const char *from, const char *location, const char *to)
{
    _cleanup_free_ char *url = NULL;

    assert_int_equal(location_resolve(from, location, &url, NULL), 0);
    assert_string_equal(url, to);
}

static void assert_leads_nowhere(const char *from, const char *location)
{
    _cleanup_error_ Error error = {};
    char *url = NULL;

    assert_true(location_resolve(from, location, &url, &error) < 0);
    assert_int_equal(error.kind, ERROR_INVALID);
    assert_null(url);
}

static void a_location_is_taken_from_where_it_was_said(void **state)
{
    (void)state;
    assert_leads("https://a.example/v2/x/blobs/uploads/", "/v2/x/blobs/uploads/1?s=%3D",
                 "https://a.example/v2/x/blobs/uploads/1?s=%3D");
    assert_leads("https://a.example:5000/v2/x?n=1", "?n=2", "https://a.example:5000/v2/x?n=2");
    assert_leads("http://a.example/", "http://b.example:81/y#fragment", "http://b.example:81/y");
    assert_leads("http://a.example/", "https://a.example/", "https://a.example/");
    assert_leads("http://a.example/x", "//b.example/y", "http://b.example/y");
}

static void a_location_leads_neither_away_from_tls_nor_to_other_protocols(void **state)
{
    static const char *const locations[] = {
        "http://a.example/",      "file:///etc/passwd", "ftp://a.example/",
        "gopher://a.example/",    "https://",           "https://u@a.example/",
        "https://u:p@a.example/", "dict://a.example/",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(locations); i++)
        assert_leads_nowhere("https://a.example/", locations[i]);
}

static void an_origin_is_scheme_host_and_port(void **state)
{
    (void)state;
    assert_true(origin_equal("https://a.example/x", "https://A.example:443/y"));
    assert_true(origin_equal("http://a.example", "http://a.example:80/"));
    assert_false(origin_equal("http://a.example/", "https://a.example/"));
    assert_false(origin_equal("https://a.example/", "https://a.example:444/"));
    assert_false(origin_equal("https://a.example/", "https://b.a.example/"));
    assert_false(origin_equal("https://a.example/", "https://a.example.evil/"));
    assert_false(origin_equal("https://a.example/", "nonsense:"));
}

static void assert_loopback(const char *url, bool is)
{
    _cleanup_origin_ Origin origin = {};

    assert_int_equal(origin_parse(url, &origin), 0);
    assert_int_equal(origin_is_loopback(&origin), is);
}

static void loopback_is_known(void **state)
{
    (void)state;
    assert_loopback("http://localhost:5000/", true);
    assert_loopback("http://127.0.0.1/", true);
    assert_loopback("http://127.8.0.1/", true);
    assert_loopback("http://[::1]:5000/", true);
    assert_loopback("http://127.0.0.1.example.com/", false);
    assert_loopback("http://127.evil/", false);
    assert_loopback("http://128.0.0.1/", false);
    assert_loopback("http://localhost.example.com/", false);
}

static void assert_next(const char *header, const char *wanted)
{
    _cleanup_free_ char *target = link_next(header);

    if (wanted)
        assert_string_equal(target, wanted);
    else
        assert_null(target);
}

static void the_next_page_is_a_link(void **state)
{
    (void)state;
    assert_next("</v2/x/tags/list?n=1&last=a>; rel=\"next\"", "/v2/x/tags/list?n=1&last=a");
    assert_next("</a>; rel=\"prev\", </b>; rel=next", "/b");
    assert_next("</a>; rel=\"next\", </b>; rel=\"prev\"", "/a");
    assert_next("</a>; rel=\"prev\"", NULL);
    assert_next("</a", NULL);
    assert_next("", NULL);
}

static void what_is_no_part_of_a_url_is_escaped(void **state)
{
    _cleanup_free_ char *text = location_escape("a-b_c.d~e/f?g&h=i j%k\n");

    (void)state;
    assert_string_equal(text, "a-b_c.d~e%2Ff%3Fg%26h%3Di%20j%25k%0A");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_location_is_taken_from_where_it_was_said),
        cmocka_unit_test(a_location_leads_neither_away_from_tls_nor_to_other_protocols),
        cmocka_unit_test(an_origin_is_scheme_host_and_port),
        cmocka_unit_test(loopback_is_known),
        cmocka_unit_test(the_next_page_is_a_link),
        cmocka_unit_test(what_is_no_part_of_a_url_is_escaped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
