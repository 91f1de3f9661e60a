/* SPDX-License-Identifier: Apache-2.0 */

/* References: the grammar, completion, the familiar form. */

#include <string.h>

#include "base/memory.h"
#include "check.h"
#include "image/reference.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DIGEST "sha256:" HEX
#define A50 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A250 A50 A50 A50 A50 A50

static void names_are_completed_and_shortened_as_docker_does(void **state)
{
    static const struct {
        const char *text, *complete, *familiar;
    } cases[] = {
        { "debian", "docker.io/library/debian:latest", "debian:latest" },
        { "debian:bookworm", "docker.io/library/debian:bookworm", "debian:bookworm" },
        { "library/debian:1", "docker.io/library/debian:1", "debian:1" },
        { "docker.io/debian:1", "docker.io/library/debian:1", "debian:1" },
        { "index.docker.io/debian:1", "docker.io/library/debian:1", "debian:1" },
        { "someone/thing", "docker.io/someone/thing:latest", "someone/thing:latest" },
        { "library/a/b:1", "docker.io/library/a/b:1", "library/a/b:1" },
        { "docker.io/a.io/b:1", "docker.io/a.io/b:1", "docker.io/a.io/b:1" },
        { "docker.io/" HEX ":1", "docker.io/library/" HEX ":1", "docker.io/library/" HEX ":1" },
        { "localhost/x:1", "localhost/x:1", "localhost/x:1" },
        { "localhost:5000", "docker.io/library/localhost:5000", "localhost:5000" },
        { "host:5000/a/b:tag", "host:5000/a/b:tag", "host:5000/a/b:tag" },
        { "HOST/a", "HOST/a:latest", "HOST/a:latest" },
        { "[::1]:5000/a:t", "[::1]:5000/a:t", "[::1]:5000/a:t" },
        { "a.b-c__d/e---f:T_1.x-", "a.b-c__d/e---f:T_1.x-", NULL },
        { "host:5000/a/b@" DIGEST, "host:5000/a/b@" DIGEST, "host:5000/a/b@" DIGEST },
        { "debian:1@" DIGEST, "docker.io/library/debian:1@" DIGEST, "debian:1@" DIGEST },
        { DIGEST, "docker.io/library/" DIGEST, DIGEST },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_reference_ Reference reference = {};
        _cleanup_free_ char *complete = NULL;
        _cleanup_free_ char *familiar = NULL;
        _cleanup_error_ Error err = {};

        if (!cases[i].familiar) { /* "a.b-c__d" is no host: "_" is for paths only */
            assert_int_equal(reference_parse(cases[i].text, &reference, &err), -EINVAL);
            continue;
        }
        assert_int_equal(reference_parse(cases[i].text, &reference, &err), 0);
        reference_set_default_tag(&reference);
        complete = reference_to_string(&reference);
        familiar = reference_to_familiar(&reference);
        assert_string_equal(complete, cases[i].complete);
        assert_string_equal(familiar, cases[i].familiar);
    }
}

static void what_the_grammar_does_not_have_is_refused(void **state)
{
    static const char *const cases[] = {
        "",
        ":tag",
        "@" DIGEST,
        "a/",
        "/a",
        "a//b",
        "a:",
        "a:-x",
        "a:.x",
        "a b",
        "a:b:c",
        "-a",
        "a-",
        "a..b",
        "a___b",
        "a_-b",
        "a.-b",
        "host:/a",
        "host:x/a",
        "-host.x/a",
        "host-/A",
        "a@sha256:1",
        "a@" HEX,
        "a@md5:" HEX,
        "https://a/b",
        "a@" DIGEST "0",
        "a\nb",
        "\xc3\xa9",
        "[::1/a",
        "[]/a",
        "a.b./c",
        "../a",
        ".",
        "..",
        "a:t/../b",
        "a/../../b",
        "a@sha256:0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        Reference reference = {};
        _cleanup_error_ Error err = {};

        if (reference_parse(cases[i], &reference, &err) != -EINVAL)
            fail_msg("'%s' was accepted", cases[i]);
        assert_int_equal(err.kind, ERROR_INVALID);
        assert_null(reference.path);
    }
}

static void the_reason_is_dockers(void **state)
{
    static const struct {
        const char *text, *reason;
    } cases[] = {
        { "Debian", "must be lowercase" },
        { "docker.io/Debian:x", "must be lowercase" },
        { HEX, "64 hex digits" },
        { "a b", "invalid reference format" },
        { "x/" A250 "/b", NULL },
        { "x/" A250 "/bbbb", "must not be more than 255 characters" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_reference_ Reference reference = {};
        _cleanup_error_ Error err = {};
        int r = reference_parse(cases[i].text, &reference, &err);

        assert_int_equal(r, cases[i].reason ? -EINVAL : 0);
        if (cases[i].reason && !strstr(error_message(&err), cases[i].reason))
            fail_msg("'%s' has no '%s'", error_message(&err), cases[i].reason);
    }
}

static void a_tag_has_at_most_128_characters(void **state)
{
    _cleanup_reference_ Reference reference = {};
    char text[2 + 129 + 1] = "a:";

    (void)state;
    memset(text + 2, 't', 129);
    assert_int_equal(reference_parse(text, &reference, NULL), -EINVAL);
    text[2 + 128] = '\0';
    assert_int_equal(reference_parse(text, &reference, NULL), 0);
}

static void patterns_fit_familiar_names(void **state)
{
    static const struct {
        const char *text, *pattern;
        bool fits;
    } cases[] = {
        { "debian:bookworm", "debian", true },
        { "debian:bookworm", "deb*", true },
        { "debian:bookworm", "debian:book*", true },
        { "debian:bookworm", "*:sid", false },
        { "a/b:1", "*", false },
        { "a/b:1", "a/*", true },
        { "a/b:1", "*/*:1", true },
        { "debian:1", "docker.io/*", false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_reference_ Reference reference = {};

        assert_int_equal(reference_parse(cases[i].text, &reference, NULL), 0);
        assert_int_equal(reference_matches(&reference, cases[i].pattern), cases[i].fits);
    }
}

static char *candidates_of(const char *text)
{
    _cleanup_reference_array_ ReferenceArray candidates = {};
    _cleanup_string_list_ StringList domains = {}, names = {};

    string_list_add(&domains, "a.example.com:5000");
    string_list_add(&domains, "docker.io");
    assert_int_equal(reference_candidates(text, &domains, &candidates, NULL), 0);
    for (size_t i = 0; i < candidates.count; i++)
        string_list_take(&names, reference_to_string(&candidates.items[i]));
    return string_list_join(&names, " ");
}

static void a_name_without_a_domain_may_be_in_each_of_those_that_are_configured(void **state)
{
    static const struct {
        const char *text, *candidates;
    } cases[] = {
        { "debian:12", "a.example.com:5000/debian:12 docker.io/library/debian:12" },
        { "team/app", "a.example.com:5000/team/app docker.io/team/app" },
        { "docker.io/debian", "docker.io/library/debian" },
        { "localhost/debian", "localhost/debian" },
        { "b:5000/debian", "b:5000/debian" },
    };
    _cleanup_reference_array_ ReferenceArray none = {};
    _cleanup_error_ Error err = {};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_free_ char *candidates = candidates_of(cases[i].text);

        assert_string_equal(candidates, cases[i].candidates);
    }
    assert_true(reference_candidates("a b", &(StringList) {}, &none, &err) < 0);
    assert_int_equal(err.kind, ERROR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_completed_and_shortened_as_docker_does),
        cmocka_unit_test(what_the_grammar_does_not_have_is_refused),
        cmocka_unit_test(the_reason_is_dockers),
        cmocka_unit_test(a_tag_has_at_most_128_characters),
        cmocka_unit_test(patterns_fit_familiar_names),
        cmocka_unit_test(a_name_without_a_domain_may_be_in_each_of_those_that_are_configured),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
