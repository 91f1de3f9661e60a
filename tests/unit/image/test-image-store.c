/* SPDX-License-Identifier: Apache-2.0 */

/* Finding, naming and listing images. */

#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "check.h"

static void assert_found(StoreFixture *fixture, const char *name, const Digest *id)
{
    _cleanup_(image_freep) Image *image = NULL;
    _cleanup_error_ Error err = {};

    if (image_store_find(fixture->store, name, &image, &err) < 0)
        fail_msg("'%s': %s", name, error_message(&err));
    assert_string_equal(image->id.text, id->text);
}

static void assert_not_found(StoreFixture *fixture, const char *name, ErrorKind kind)
{
    _cleanup_error_ Error err = {};
    Image *image = NULL;

    assert_true(image_store_find(fixture->store, name, &image, &err) < 0);
    assert_int_equal(err.kind, kind);
    assert_null(image);
}

static void an_image_is_found_by_every_way_to_say_it(void **state)
{
    StoreFixture *fixture = *state;
    Digest id = store_fixture_add(fixture, "1", "ab", "debian:bookworm");
    _cleanup_free_ char *by_digest = NULL;
    _cleanup_free_ char *short_id = memory_strndup(digest_hex(&id), 12);
    _cleanup_free_ char *prefix = memory_printf("sha256:%.5s", digest_hex(&id));
    _cleanup_(image_freep) Image *image = NULL;

    assert_int_equal(image_store_find(fixture->store, "debian:bookworm", &image, NULL), 0);
    by_digest = memory_printf("debian:whatever@%s", image->manifest.text);
    assert_found(fixture, "docker.io/library/debian:bookworm", &id);
    assert_found(fixture, by_digest, &id);
    assert_found(fixture, id.text, &id);
    assert_found(fixture, digest_hex(&id), &id);
    assert_found(fixture, short_id, &id);
    assert_found(fixture, prefix, &id);
}

static void what_is_not_there_is_not_found(void **state)
{
    StoreFixture *fixture = *state;
    Digest id = store_fixture_add(fixture, "1", "", "debian:bookworm");
    _cleanup_free_ char *elsewhere = memory_printf("other@%s", id.text);
    _cleanup_error_ Error err = {};
    Image *image = NULL;

    assert_not_found(fixture, "debian", ERROR_NOT_FOUND);
    assert_not_found(fixture, "other:bookworm", ERROR_NOT_FOUND);
    assert_not_found(fixture, elsewhere, ERROR_NOT_FOUND);
    assert_not_found(fixture, "0000000000000000000000000000000000000000000000000000000000000000",
                     ERROR_NOT_FOUND);
    assert_not_found(fixture, "Debian", ERROR_INVALID);
    assert_not_found(fixture, "a b", ERROR_INVALID);
    assert_true(image_store_find(fixture->store, "nosuch", &image, &err) < 0);
    assert_string_equal(err.message, "no such image: 'nosuch'");
}

static void names_come_before_ids(void **state)
{
    StoreFixture *fixture = *state;
    Digest first = store_fixture_add(fixture, "1", "", NULL);
    _cleanup_free_ char *name = memory_strndup(digest_hex(&first), 8);
    Digest second;

    assert_found(fixture, name, &first);
    second = store_fixture_add(fixture, "2", "", name);
    assert_found(fixture, name, &second);
    assert_found(fixture, digest_hex(&first), &first);
}

static void an_ambiguous_beginning_is_a_conflict(void **state)
{
    StoreFixture *fixture = *state;
    char seed[2] = "a";
    char first_digits[26] = {};

    /* with 17 images two share their first digit */
    for (int i = 0; i < 17; i++, seed[0]++) {
        Digest id = store_fixture_add(fixture, seed, "", NULL);

        first_digits[i] = digest_hex(&id)[0];
    }
    for (int i = 0; i < 17; i++) {
        char digit[2] = { first_digits[i] };

        if (strchr(first_digits + i + 1, digit[0])) {
            assert_not_found(fixture, digit, ERROR_CONFLICT);
            return;
        }
    }
    fail();
}

static void an_image_knows_its_layers_names_and_size(void **state)
{
    StoreFixture *fixture = *state;
    Digest id = store_fixture_add(fixture, "1", "abc", "z:1"), top = store_fixture_chain_id("abc");
    Digest bottom = store_fixture_chain_id("a");
    _cleanup_(image_freep) Image *image = NULL;

    (void)store_fixture_add(fixture, "1", "abc", "host:5000/x:2");
    assert_int_equal(image_store_find(fixture->store, id.text, &image, NULL), 0);
    assert_int_equal(image->n_layers, 3);
    assert_string_equal(image->chain_ids[0].text, bottom.text);
    assert_string_equal(image->chain_ids[2].text, top.text);
    assert_int_equal(image->size, 300);
    assert_int_equal(image->names.count, 2);
    assert_string_equal(image->names.items[0], "z:1");
    assert_string_equal(image->names.items[1], "host:5000/x:2");
    assert_int_equal(image->digests.count, 2);
}

static void a_name_moves_to_the_image_that_gets_it(void **state)
{
    StoreFixture *fixture = *state;
    Digest first = store_fixture_add(fixture, "1", "", "x:1");
    Digest second = store_fixture_add(fixture, "2", "", "x:1");

    assert_found(fixture, "x:1", &second);
    assert_found(fixture, first.text, &first);
}

static void tagging_adds_a_name_and_refuses_digests(void **state)
{
    StoreFixture *fixture = *state;
    Digest id = store_fixture_add(fixture, "1", "", "x:1"), nobody = digest_of("n", 1);
    _cleanup_reference_ Reference reference = {};
    _cleanup_reference_ Reference with_digest = {};
    _cleanup_error_ Error err = {};

    assert_int_equal(reference_parse("other", &reference, NULL), 0);
    assert_int_equal(image_store_tag(fixture->store, &id, &reference, NULL), 0);
    assert_found(fixture, "other:latest", &id);
    assert_int_equal(image_store_tag(fixture->store, &nobody, &reference, &err), -ENOENT);
    assert_found(fixture, "other:latest", &id);

    assert_int_equal(reference_parse("other", &with_digest, NULL), 0);
    with_digest.digest = id;
    assert_int_equal(image_store_tag(fixture->store, &id, &with_digest, &err), -EINVAL);
}

static void images_are_listed_once_each(void **state)
{
    StoreFixture *fixture = *state;
    _cleanup_image_list_ ImageList list = {};

    (void)store_fixture_add(fixture, "1", "a", "x:1");
    (void)store_fixture_add(fixture, "1", "a", "x:2");
    (void)store_fixture_add(fixture, "2", "ab", NULL);
    assert_int_equal(image_store_list(fixture->store, &list, NULL), 0);
    assert_int_equal(list.count, 2);
    assert_int_equal(list.items[0]->names.count + list.items[1]->names.count, 2);
}

static void a_damaged_image_says_so_and_is_still_listed(void **state)
{
    StoreFixture *fixture = *state;
    Digest id = store_fixture_add(fixture, "1", "a", "x:1");
    _cleanup_free_ char *path = memory_printf("content/blobs/sha256/%s", digest_hex(&id));
    _cleanup_image_list_ ImageList list = {};

    assert_int_equal(unlinkat(fixture->state_fd, path, 0), 0);
    assert_not_found(fixture, "x:1", ERROR_CORRUPT);
    assert_int_equal(image_store_list(fixture->store, &list, NULL), 0);
    assert_int_equal(list.count, 1);
    (void)store_fixture_add(fixture, "1", "a", "x:1"); /* loading again repairs it */
    assert_found(fixture, "x:1", &id);
}

static void the_index_names_every_image(void **state)
{
    StoreFixture *fixture = *state;
    _cleanup_manifest_index_ ManifestIndex index = {};
    _cleanup_free_ char *text = NULL;
    size_t size;

    (void)store_fixture_add(fixture, "1", "a", "x:1");
    (void)store_fixture_add(fixture, "2", "b", NULL);
    assert_int_equal(file_read_at(fixture->state_fd, "content/index.json", 65536, &text, &size), 0);
    assert_int_equal(manifest_index_parse(text, size, &index, NULL), 0);
    assert_int_equal(index.manifests.count, 2);
    assert_int_equal(index.manifests.items[0].annotations.count, 0);
    assert_string_equal(
        string_map_get(&index.manifests.items[1].annotations, ANNOTATION_IMAGE_NAME),
        "docker.io/library/x:1");
    assert_string_equal(string_map_get(&index.manifests.items[1].annotations, ANNOTATION_REF_NAME),
                        "1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        store_test(an_image_is_found_by_every_way_to_say_it),
        store_test(what_is_not_there_is_not_found),
        store_test(names_come_before_ids),
        store_test(an_ambiguous_beginning_is_a_conflict),
        store_test(an_image_knows_its_layers_names_and_size),
        store_test(a_name_moves_to_the_image_that_gets_it),
        store_test(tagging_adds_a_name_and_refuses_digests),
        store_test(images_are_listed_once_each),
        store_test(a_damaged_image_says_so_and_is_still_listed),
        store_test(the_index_names_every_image),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
