/* SPDX-License-Identifier: Apache-2.0 */

/* SHA-256 and the strict text form of digests. */

#include <errno.h>
#include <string.h>

#include "base/digest.h"
#include "scratch.h"

/* FIPS 180-2, appendix B.1. */
#define DIGEST_OF_ABC "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static void a_known_digest_comes_out(void **state)
{
    Digest digest = digest_of("abc", 3);

    (void)state;
    assert_string_equal(digest.text, DIGEST_OF_ABC);
    assert_string_equal(digest_hex(&digest), &DIGEST_OF_ABC[7]);
}

static void pieces_give_the_same_digest(void **state)
{
    DigestState digesting;
    Digest digest;

    (void)state;
    digest_begin(&digesting);
    digest_add(&digesting, "a", 1);
    digest_add(&digesting, "bc", 2);
    digest = digest_end(&digesting);
    assert_string_equal(digest.text, DIGEST_OF_ABC);
}

static void only_the_exact_form_is_a_digest(void **state)
{
    char text[] = DIGEST_OF_ABC;
    Digest digest = {};

    (void)state;
    assert_false(digest_is_set(&digest));
    assert_int_equal(digest_parse(text, &digest), 0);
    assert_true(digest_is_set(&digest));
    text[10] = 'A';
    assert_int_equal(digest_parse(text, &digest), -EINVAL);
    text[10] = '/';
    assert_int_equal(digest_parse(text, &digest), -EINVAL);
    assert_int_equal(digest_parse(DIGEST_OF_ABC "0", &digest), -EINVAL);
    assert_int_equal(digest_parse("sha256:", &digest), -EINVAL);
    assert_int_equal(digest_parse("sha512" DIGEST_OF_ABC, &digest), -EINVAL);
    assert_string_equal(digest.text, DIGEST_OF_ABC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_known_digest_comes_out),
        cmocka_unit_test(pieces_give_the_same_digest),
        cmocka_unit_test(only_the_exact_form_is_a_digest),
    };

    return cmocka_run_group_tests_name("digest", tests, NULL, NULL);
}
