/* SPDX-License-Identifier: Apache-2.0 */

/* Contents as they are written down, and the texts of --secret. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "engine/secret-cipher.h"
#include "engine/secret.h"

#define ID "0123456789abcdef012345678"
#define CONTENT "correct horse"
#define SEALED_SIZE (sizeof(CONTENT) + SECRET_SEAL_OVERHEAD)

static const uint8_t key[SECRET_KEY_SIZE] = { 1, 2, 3 };

static void seal(uint8_t *sealed)
{
    _cleanup_locked_memory_ LockedMemory content = {};

    assert_int_equal(locked_memory_new(sizeof(CONTENT), &content), 0);
    memcpy(content.data, CONTENT, sizeof(CONTENT));
    assert_int_equal(secret_seal(key, ID, &content, sealed), 0);
}

static void what_is_sealed_comes_back(void **state)
{
    _cleanup_locked_memory_ LockedMemory content = {};
    uint8_t sealed[SEALED_SIZE];

    (void)state;
    seal(sealed);
    assert_null(memmem(sealed, sizeof(sealed), CONTENT, 4));
    assert_int_equal(secret_unseal(key, ID, sealed, sizeof(sealed), &content), 0);
    assert_int_equal(content.size, sizeof(CONTENT));
    assert_string_equal(content.data, CONTENT);
}

static void the_same_content_is_never_sealed_alike(void **state)
{
    uint8_t first[SEALED_SIZE], second[SEALED_SIZE];

    (void)state;
    seal(first);
    seal(second);
    assert_memory_not_equal(first + SECRET_NONCE_SIZE, second + SECRET_NONCE_SIZE, sizeof(CONTENT));
}

static void each_changed_byte_is_noticed(void **state)
{
    LockedMemory content = {};
    uint8_t sealed[SEALED_SIZE];

    (void)state;
    seal(sealed);
    for (size_t i = 0; i < sizeof(sealed); i++) {
        sealed[i] ^= 1;
        assert_int_equal(secret_unseal(key, ID, sealed, sizeof(sealed), &content), -EBADMSG);
        sealed[i] ^= 1;
    }
    for (size_t size = 0; size < sizeof(sealed); size++)
        assert_int_equal(secret_unseal(key, ID, sealed, size, &content), -EBADMSG);
}

static void another_key_or_id_opens_nothing(void **state)
{
    static const uint8_t other_key[SECRET_KEY_SIZE] = { 1, 2, 4 };
    LockedMemory content = {};
    uint8_t sealed[SEALED_SIZE];

    (void)state;
    seal(sealed);
    assert_int_equal(secret_unseal(other_key, ID, sealed, sizeof(sealed), &content), -EBADMSG);
    assert_int_equal(secret_unseal(key, "other", sealed, sizeof(sealed), &content), -EBADMSG);
}

static void memory_is_given_back_without_content(void **state)
{
    LockedMemory memory = {};

    (void)state;
    assert_int_equal(locked_memory_new(5000, &memory), 0);
    assert_int_equal(memory.size, 5000);
    assert_true(memory.capacity >= memory.size && memory.capacity % 4096 == 0);
    locked_memory_done(&memory);
    assert_null(memory.data);
    locked_memory_done(&memory);
}

static void a_name_alone_is_a_secret_at_its_place(void **state)
{
    ContainerSecret secret = {};
    _cleanup_free_ char *path = NULL;

    (void)state;
    assert_int_equal(secret_spec_parse("db", &secret, NULL), 0);
    path = secret_spec_path(&secret);
    assert_string_equal(path, "/run/secrets/db");
    container_secret_done(&secret);
}

static void all_fields_are_taken(void **state)
{
    ContainerSecret secret = {};
    _cleanup_free_ char *path = NULL;

    (void)state;
    assert_int_equal(
        secret_spec_parse("type=mount,source=db,target=/a//b,uid=5,gid=6,mode=0400", &secret, NULL),
        0);
    path = secret_spec_path(&secret);
    assert_string_equal(path, "/a/b");
    assert_string_equal(secret.source, "db");
    assert_int_equal(secret.uid, 5);
    assert_int_equal(secret.gid, 6);
    assert_int_equal(secret.mode, 0400);
    container_secret_done(&secret);
}

static void malformed_texts_are_refused(void **state)
{
    static const char *const texts[] = {
        "",          ",",         "a,b",       "source=",   "target=/x",         "db,uid=-1",
        "db,mode=8", "db,mode=0", "db,size=1", "db,type=x", "db,uid=4294967295", "db,",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        ContainerSecret secret = {};

        assert_int_not_equal(secret_spec_parse(texts[i], &secret, NULL), 0);
    }
}

static void names_begin_and_end_with_a_letter_or_digit(void **state)
{
    static const char *const good[] = { "a", "A-b_c.d", "0" };
    static const char *const bad[] = { "", "-a", "a-", "a b", "a/b", "\xc3\xa4" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(good); i++)
        assert_int_equal(secret_name_validate(good[i], NULL), 0);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_not_equal(secret_name_validate(bad[i], NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_sealed_comes_back),
        cmocka_unit_test(the_same_content_is_never_sealed_alike),
        cmocka_unit_test(each_changed_byte_is_noticed),
        cmocka_unit_test(another_key_or_id_opens_nothing),
        cmocka_unit_test(memory_is_given_back_without_content),
        cmocka_unit_test(a_name_alone_is_a_secret_at_its_place),
        cmocka_unit_test(all_fields_are_taken),
        cmocka_unit_test(malformed_texts_are_refused),
        cmocka_unit_test(names_begin_and_end_with_a_letter_or_digit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
