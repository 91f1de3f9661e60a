/* SPDX-License-Identifier: Apache-2.0 */

/* WWW-Authenticate: what registries send, what the grammar allows, and what makes no sense. */

#include <stdlib.h>

#include "check.h"
#include "registry/worker/challenge.h"

static void parse(const char *first, const char *second, Challenge *ret)
{
    _cleanup_string_list_ StringList headers = {};

    if (first)
        string_list_add(&headers, first);
    if (second)
        string_list_add(&headers, second);
    challenge_parse(&headers, ret);
}

static void assert_member(const char *found, const char *wanted)
{
    if (wanted)
        assert_string_equal(found, wanted);
    else
        assert_null(found);
}

static void assert_bearer(const char *text, const char *realm, const char *service,
                          const char *scope)
{
    _cleanup_challenge_ Challenge challenge = {};

    parse(text, NULL, &challenge);
    assert_int_equal(challenge.scheme, CHALLENGE_BEARER);
    assert_member(challenge.realm, realm);
    assert_member(challenge.service, service);
    assert_member(challenge.scope, scope);
}

static void assert_scheme(const char *first, const char *second, ChallengeScheme scheme)
{
    _cleanup_challenge_ Challenge challenge = {};

    parse(first, second, &challenge);
    assert_int_equal(challenge.scheme, scheme);
}

static void a_bearer_challenge_has_its_parameters(void **state)
{
    (void)state;
    assert_bearer("Bearer realm=\"https://auth.docker.io/token\",service=\"registry.docker.io\","
                  "scope=\"repository:library/debian:pull,push\"",
                  "https://auth.docker.io/token", "registry.docker.io",
                  "repository:library/debian:pull,push");
    assert_bearer("bearer REALM=https , Service = \"a \\\"b\\\" \\c\"", "https", "a \"b\" c", NULL);
    assert_bearer("Bearer realm=\"a\",,  ,unknown=1,error=\"x\",scope=\"\"", "a", NULL, "");
    assert_bearer("Bearer realm=\"first\",realm=\"second\"", "first", NULL, NULL);
}

static void several_challenges_are_told_apart(void **state)
{
    (void)state;
    assert_bearer("Basic realm=\"x\", Bearer realm=\"a\",service=\"b\"", "a", "b", NULL);
    assert_bearer("Bearer realm=\"a\",service=\"b\", Basic realm=\"x\"", "a", "b", NULL);
    assert_bearer("Negotiate, Bearer realm=\"a\"", "a", NULL, NULL);
    assert_bearer("Negotiate oXQ/+aA==, Bearer realm=\"a\"", "a", NULL, NULL);
    assert_bearer("Digest realm=\"d\", nonce=\"Bearer realm=evil\", Bearer realm=\"a\"", "a", NULL,
                  NULL);
    assert_scheme("Basic realm=\"x\"", "Bearer realm=\"a\"", CHALLENGE_BEARER);
    assert_scheme("Bearer realm=\"a\"", "Basic realm=\"x\"", CHALLENGE_BEARER);
}

static void basic_may_do_without_a_realm(void **state)
{
    (void)state;
    assert_scheme("Basic", NULL, CHALLENGE_BASIC);
    assert_scheme("basic realm=\"x\", charset=\"UTF-8\"", NULL, CHALLENGE_BASIC);
}

static void a_bearer_challenge_without_a_realm_is_none(void **state)
{
    (void)state;
    assert_scheme("Bearer", NULL, CHALLENGE_NONE);
    assert_scheme("Bearer service=\"b\"", NULL, CHALLENGE_NONE);
    assert_scheme("Bearer service=\"b\"", "Basic realm=\"x\"", CHALLENGE_BASIC);
}

static void what_makes_no_sense_is_no_challenge(void **state)
{
    static const char *const texts[] = { "",
                                         " , ",
                                         "\"Basic\"",
                                         "=",
                                         "Digest realm=\"x\"",
                                         "(",
                                         "\\",
                                         "Bearer realm=\"never ends",
                                         "Basicrealm=\"x\"",
                                         "Digest x=1 Basic" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        assert_scheme(texts[i], NULL, CHALLENGE_NONE);
    assert_scheme(NULL, NULL, CHALLENGE_NONE);
}

static void an_error_is_told(void **state)
{
    _cleanup_challenge_ Challenge challenge = {};

    (void)state;
    parse("Bearer realm=\"a\",error=\"insufficient_scope\"", NULL, &challenge);
    assert_string_equal(challenge.error, "insufficient_scope");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bearer_challenge_has_its_parameters),
        cmocka_unit_test(several_challenges_are_told_apart),
        cmocka_unit_test(basic_may_do_without_a_realm),
        cmocka_unit_test(a_bearer_challenge_without_a_realm_is_none),
        cmocka_unit_test(what_makes_no_sense_is_no_challenge),
        cmocka_unit_test(an_error_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
