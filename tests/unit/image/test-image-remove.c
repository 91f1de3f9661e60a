/* SPDX-License-Identifier: Apache-2.0 */

/* Removing names and images by Docker's rules, and collecting what nobody needs. */

#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/string-buffer.h"
#include "check.h"

static void use(StoreFixture *fixture, const Digest *id, bool running)
{
    image_users_add(&fixture->users, id, "0123456789abcdef0123", running);
}

/* What was removed as one line, "-" before names, "x" before digests; "!kind" for a refusal. */
static char *removed(StoreFixture *fixture, const char *name, bool force)
{
    _cleanup_image_removals_ ImageRemovals removals = {};
    _cleanup_error_ Error err = {};
    StringBuffer text = {};

    if (image_store_remove(fixture->store, name, force, &removals, &err) < 0)
        return memory_printf("!%s: %s", error_kind_to_string(err.kind), err.message);
    for (size_t i = 0; i < removals.removals.count; i++) {
        const ImageRemoval *removal = &removals.removals.items[i];

        string_buffer_printf(&text, "%s%s%s", i ? " " : "", removal->untagged ? "-" : "x",
                             removal->untagged ? removal->untagged : removal->deleted);
    }
    return string_buffer_take(&text);
}

static void assert_removed(StoreFixture *fixture, const char *name, bool force,
                           const char *expected)
{
    _cleanup_free_ char *result = removed(fixture, name, force);

    assert_string_equal(result, expected);
}

static void assert_refused(StoreFixture *fixture, const char *name, bool force, const char *reason)
{
    _cleanup_free_ char *result = removed(fixture, name, force);

    if (result[0] != '!' || !strstr(result, reason))
        fail_msg("'%s' does not refuse with '%s'", result, reason);
}

static bool has_layer(StoreFixture *fixture, const char *layers)
{
    Digest chain_id = store_fixture_chain_id(layers);

    return layer_store_has(fixture->layers, &chain_id);
}

static bool has_image(StoreFixture *fixture, const char *name)
{
    _cleanup_(image_freep) Image *image = NULL;

    return image_store_find(fixture->store, name, &image, NULL) == 0;
}

static void the_last_name_takes_image_and_layers_along(void **state)
{
    StoreFixture *fixture = *state;
    Digest id = store_fixture_add(fixture, "1", "ab", "x:1");
    Digest bottom = store_fixture_chain_id("a"), top = store_fixture_chain_id("ab");
    _cleanup_free_ char *expected = NULL;

    (void)store_fixture_add(fixture, "1", "ab", "x:2");
    assert_removed(fixture, "x:1", false, "-x:1");
    assert_true(has_image(fixture, "x:2"));
    assert_true(has_layer(fixture, "ab"));
    expected = memory_printf("-x:2 x%s x%s x%s", id.text, top.text, bottom.text);
    assert_removed(fixture, "x:2", false, expected);
    assert_false(has_image(fixture, id.text));
    assert_false(has_layer(fixture, "ab"));
    assert_false(has_layer(fixture, "a"));
    assert_false(content_store_verify(image_store_content(fixture->store), &id, NULL));
}

static void shared_layers_stay(void **state)
{
    StoreFixture *fixture = *state;
    Digest id = store_fixture_add(fixture, "1", "ab", "x:1"), top = store_fixture_chain_id("ab");
    _cleanup_free_ char *expected = memory_printf("-x:1 x%s x%s", id.text, top.text);

    (void)store_fixture_add(fixture, "2", "ac", "y:1");
    assert_removed(fixture, "x:1", false, expected);
    assert_true(has_layer(fixture, "a"));
    assert_true(has_layer(fixture, "ac"));
    assert_false(has_layer(fixture, "ab"));
}

static void an_id_removes_all_names_of_one_repository(void **state)
{
    StoreFixture *fixture = *state;
    Digest id = store_fixture_add(fixture, "1", "", "x:1");
    _cleanup_free_ char *expected = memory_printf("-x:1 -x:2 x%s", id.text);

    (void)store_fixture_add(fixture, "1", "", "x:2");
    assert_removed(fixture, digest_hex(&id), false, expected);
}

static void an_id_with_several_repositories_must_be_forced(void **state)
{
    StoreFixture *fixture = *state;
    Digest id = store_fixture_add(fixture, "1", "", "x:1");
    _cleanup_free_ char *expected = memory_printf("-x:1 -y:1 x%s", id.text);

    (void)store_fixture_add(fixture, "1", "", "y:1");
    assert_refused(fixture, id.text, false,
                   "(must be forced) - image is referenced in multiple repositories");
    assert_true(has_image(fixture, "x:1"));
    assert_removed(fixture, id.text, true, expected);
}

static void a_stopped_container_keeps_its_image_unless_forced(void **state)
{
    StoreFixture *fixture = *state;
    Digest id = store_fixture_add(fixture, "1", "a", "x:1");
    _cleanup_free_ char *expected = memory_printf("-x:1 x%s", id.text);

    use(fixture, &id, false);
    assert_refused(fixture, "x:1", false,
                   "unable to remove repository reference 'x:1' (must force) - container "
                   "0123456789ab is using its referenced image");
    assert_refused(fixture, id.text, false,
                   "image is being used by stopped container 0123456789ab");
    assert_true(has_image(fixture, "x:1"));
    /* forced, the image goes, but not the layers that the container's root consists of */
    assert_removed(fixture, "x:1", true, expected);
    assert_false(has_image(fixture, id.text));
    assert_true(has_layer(fixture, "a"));
    assert_true(content_store_verify(image_store_content(fixture->store), &id, NULL));
    image_users_done(&fixture->users);
    assert_int_equal(image_store_collect(fixture->store, true, NULL), 0);
    assert_false(has_layer(fixture, "a"));
}

static void a_running_container_forbids_removal_by_id(void **state)
{
    StoreFixture *fixture = *state;
    Digest id = store_fixture_add(fixture, "1", "a", "x:1");

    use(fixture, &id, true);
    assert_refused(fixture, id.text, true, "(cannot be forced) - image is being used by running");
    assert_true(has_image(fixture, "x:1"));
    /* a forced name goes, the image stays without one */
    assert_removed(fixture, "x:1", true, "-x:1");
    assert_true(has_image(fixture, id.text));
    assert_true(has_layer(fixture, "a"));
}

static void one_of_several_names_goes_although_a_container_runs(void **state)
{
    StoreFixture *fixture = *state;
    Digest id = store_fixture_add(fixture, "1", "a", "x:1");

    (void)store_fixture_add(fixture, "1", "a", "x:2");
    use(fixture, &id, true);
    assert_removed(fixture, "x:2", false, "-x:2");
    assert_true(has_image(fixture, "x:1"));
}

static void a_name_that_looks_like_the_id_is_a_name(void **state)
{
    StoreFixture *fixture = *state;
    Digest id = store_fixture_add(fixture, "1", "", "x:1");
    _cleanup_free_ char *name = memory_strndup(digest_hex(&id), 6);
    _cleanup_free_ char *expected = memory_printf("-%s:latest", name);

    (void)store_fixture_add(fixture, "1", "", name);
    assert_removed(fixture, name, false, expected);
    assert_true(has_image(fixture, "x:1"));
}

static void what_is_not_there_cannot_be_removed(void **state)
{
    assert_refused(*state, "x:1", true, "!not-found: no such image: 'x:1'");
}

static void collecting_waits_for_nobody_who_adds(void **state)
{
    StoreFixture *fixture = *state;
    StoreFixture other;
    _cleanup_close_ int lock_fd = -EBADF;
    Digest chain_id = store_fixture_chain_id("a"), id;

    store_fixture_reopen(fixture, &other);
    id = store_fixture_add(fixture, "1", "a", "x:1");
    assert_int_equal(content_store_lock(image_store_content(other.store), CONTENT_LOCK_ADD, true,
                                        &lock_fd, NULL),
                     0);
    assert_int_equal(image_store_collect(fixture->store, false, NULL), -EAGAIN);
    /* a removal meanwhile takes the image at once and leaves its content to the next collection */
    {
        _cleanup_free_ char *expected = memory_printf("-x:1 x%s x%s", id.text, chain_id.text);

        assert_removed(fixture, "x:1", false, expected);
    }
    assert_false(has_image(fixture, "x:1"));
    assert_true(has_layer(fixture, "a"));
    lock_fd = fd_close(lock_fd);
    assert_int_equal(image_store_collect(other.store, true, NULL), 0);
    assert_false(has_layer(fixture, "a"));
    store_fixture_close(&other);
}

static void collecting_removes_what_a_killed_load_left(void **state)
{
    StoreFixture *fixture = *state;
    _cleanup_(layer_staging_freep) LayerStaging *staging = NULL;
    Digest orphan = store_fixture_chain_id("z"), blob;
    _cleanup_close_ int lock_fd = -EBADF;

    (void)store_fixture_add(fixture, "1", "a", "x:1");
    assert_int_equal(content_store_lock(image_store_content(fixture->store), CONTENT_LOCK_ADD, true,
                                        &lock_fd, NULL),
                     0);
    assert_int_equal(layer_staging_begin(fixture->layers, &staging, NULL), 0);
    assert_int_equal(layer_staging_commit(staging, &orphan, NULL), 0);
    assert_int_equal(
        content_store_put(image_store_content(fixture->store), "orphan", 6, &blob, NULL), 0);
    lock_fd = fd_close(lock_fd);
    assert_int_equal(image_store_collect(fixture->store, true, NULL), 0);
    assert_false(layer_store_has(fixture->layers, &orphan));
    assert_false(content_store_verify(image_store_content(fixture->store), &blob, NULL));
    assert_true(has_layer(fixture, "a"));
    assert_true(has_image(fixture, "x:1"));
}

/* As a pull writes it down. */
static void pulled_as(StoreFixture *fixture, const Digest *id, const char *name)
{
    _cleanup_(database_rollback) Transaction transaction = {};
    _cleanup_reference_ Reference reference = {};

    assert_int_equal(reference_parse(name, &reference, NULL), 0);
    assert_int_equal(database_begin(fixture->database, &transaction, NULL), 0);
    assert_int_equal(image_name_write(fixture->store, id, &reference, NULL), 0);
    assert_int_equal(database_commit(&transaction, NULL), 0);
}

#define INDEX "sha256:1111111111111111111111111111111111111111111111111111111111111111"

static void the_last_tag_of_a_repository_takes_its_digests_along(void **state)
{
    StoreFixture *fixture = *state;
    Digest id = store_fixture_add(fixture, "1", "", "x:1");
    _cleanup_free_ char *expected = memory_printf("-x:2 -x@" INDEX " x%s", id.text);

    pulled_as(fixture, &id, "x:2@" INDEX);
    assert_true(has_image(fixture, "x@" INDEX));
    assert_removed(fixture, "x:1", false, "-x:1");
    assert_true(has_image(fixture, "x@" INDEX));
    assert_removed(fixture, "x:2", false, expected);
    assert_false(has_image(fixture, "x@" INDEX));
}

static void an_image_that_has_a_digest_only_goes_by_it(void **state)
{
    StoreFixture *fixture = *state;
    Digest id = store_fixture_add(fixture, "1", "", NULL);
    _cleanup_free_ char *expected = memory_printf("-x@" INDEX " x%s", id.text);
    _cleanup_(image_freep) Image *image = NULL;

    pulled_as(fixture, &id, "x@" INDEX);
    assert_int_equal(image_store_find(fixture->store, "x@" INDEX, &image, NULL), 0);
    assert_true(image_is_dangling(image));
    assert_false(image_is_nameless(image));
    assert_int_equal(image->names.count, 0);
    assert_string_equal(image->digests.items[0], "x@" INDEX);
    assert_removed(fixture, "x@" INDEX, false, expected);
}

static void a_tag_elsewhere_keeps_an_image_whose_digest_goes(void **state)
{
    StoreFixture *fixture = *state;
    Digest id = store_fixture_add(fixture, "1", "", "y:1");

    pulled_as(fixture, &id, "x@" INDEX);
    assert_removed(fixture, "x@" INDEX, false, "-x@" INDEX);
    assert_true(has_image(fixture, "y:1"));
}

static void a_digest_in_use_must_be_forced(void **state)
{
    StoreFixture *fixture = *state;
    Digest id = store_fixture_add(fixture, "1", "", NULL);

    pulled_as(fixture, &id, "x:1@" INDEX);
    use(fixture, &id, false);
    assert_refused(fixture, "x:1", false, "unable to remove repository reference 'x:1'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        store_test(the_last_name_takes_image_and_layers_along),
        store_test(shared_layers_stay),
        store_test(an_id_removes_all_names_of_one_repository),
        store_test(an_id_with_several_repositories_must_be_forced),
        store_test(a_stopped_container_keeps_its_image_unless_forced),
        store_test(a_running_container_forbids_removal_by_id),
        store_test(one_of_several_names_goes_although_a_container_runs),
        store_test(a_name_that_looks_like_the_id_is_a_name),
        store_test(what_is_not_there_cannot_be_removed),
        store_test(collecting_waits_for_nobody_who_adds),
        store_test(collecting_removes_what_a_killed_load_left),
        store_test(the_last_tag_of_a_repository_takes_its_digests_along),
        store_test(an_image_that_has_a_digest_only_goes_by_it),
        store_test(a_tag_elsewhere_keeps_an_image_whose_digest_goes),
        store_test(a_digest_in_use_must_be_forced),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
