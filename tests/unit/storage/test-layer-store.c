/* SPDX-License-Identifier: Apache-2.0 */

/* The store of unpacked layers: looking up, listing, removing, collecting what the dead left. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "scratch.h"
#include "storage/layer-store-private.h"

static LayerStore *open_store(void **state)
{
    Scratch *scratch = *state;
    LayerStore *store = NULL;

    assert_int_equal(layer_store_open(scratch->fd, &store, NULL), 0);
    return store;
}

static Digest commit_layer(LayerStore *store, const char *content)
{
    _cleanup_(layer_staging_freep) LayerStaging *staging = NULL;
    Digest chain_id = digest_of(content, strlen(content));

    assert_int_equal(layer_staging_begin(store, &staging, NULL), 0);
    scratch_write(layer_staging_fd(staging), "content", content);
    assert_int_equal(layer_staging_commit(staging, &chain_id, NULL), 0);
    return chain_id;
}

static void a_layer_can_be_opened_and_read(void **state)
{
    _cleanup_(layer_store_closep) LayerStore *store = open_store(state);
    _cleanup_close_ int fd = -EBADF;
    Digest chain_id = commit_layer(store, "alpha");

    assert_true(layer_store_has(store, &chain_id));
    assert_int_equal(layer_store_open_layer(store, &chain_id, &fd, NULL), 0);
    _cleanup_free_ char *text = scratch_read(fd, "content");
    assert_string_equal(text, "alpha");
}

static void a_store_that_is_opened_again_has_its_layers(void **state)
{
    LayerStore *store = open_store(state);
    Digest chain_id = commit_layer(store, "alpha");

    layer_store_close(store);
    store = open_store(state);
    assert_true(layer_store_has(store, &chain_id));
    layer_store_close(store);
}

static void an_unknown_layer_is_not_found(void **state)
{
    _cleanup_(layer_store_closep) LayerStore *store = open_store(state);
    _cleanup_error_ Error err = {};
    Digest chain_id = digest_of("", 0);
    uint64_t bytes = 0;
    int fd = -EBADF;

    assert_false(layer_store_has(store, &chain_id));
    assert_true(layer_store_open_layer(store, &chain_id, &fd, &err) < 0);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    assert_non_null(strstr(err.message, chain_id.text));
    assert_int_equal(fd, -EBADF);

    error_done(&err);
    assert_true(layer_store_usage(store, &chain_id, &bytes, &err) < 0);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
}

static void a_layer_whose_root_is_a_symlink_is_refused(void **state)
{
    _cleanup_(layer_store_closep) LayerStore *store = open_store(state);
    Digest chain_id = digest_of("link", 4);
    char path[LAYER_PATH_SIZE];
    int fd = -EBADF;

    layer_path(path, &chain_id);
    scratch_mkdir(store->fd, digest_hex(&chain_id), 0755);
    assert_int_equal(symlinkat("/", store->fd, path), 0);
    assert_int_equal(layer_store_open_layer(store, &chain_id, &fd, NULL), -ENOTDIR);
}

static bool contains(const Digest *digests, size_t count, const Digest *wanted)
{
    for (size_t i = 0; i < count; i++) {
        if (digest_equal(&digests[i], wanted))
            return true;
    }
    return false;
}

static void the_list_has_whole_layers_and_nothing_else(void **state)
{
    _cleanup_(layer_store_closep) LayerStore *store = open_store(state);
    _cleanup_(layer_staging_freep) LayerStaging *staging = NULL;
    _cleanup_free_ Digest *listed = NULL;
    Digest unfinished = digest_of("half", 4);
    size_t count = 0;

    assert_int_equal(layer_store_list(store, &listed, &count, NULL), 0);
    assert_int_equal(count, 0);
    assert_null(listed);

    Digest alpha = commit_layer(store, "alpha"), beta = commit_layer(store, "beta");
    assert_int_equal(layer_staging_begin(store, &staging, NULL), 0);
    scratch_mkdir(store->fd, digest_hex(&unfinished), 0755);
    scratch_mkdir(store->fd, "lost+found", 0755);

    assert_int_equal(layer_store_list(store, &listed, &count, NULL), 0);
    assert_int_equal(count, 2);
    assert_true(contains(listed, count, &alpha));
    assert_true(contains(listed, count, &beta));
}

static void a_removed_layer_is_gone_with_its_files(void **state)
{
    _cleanup_(layer_store_closep) LayerStore *store = open_store(state);
    Digest alpha = commit_layer(store, "alpha"), beta = commit_layer(store, "beta");

    assert_int_equal(layer_store_remove(store, &alpha, NULL), 0);
    assert_false(layer_store_has(store, &alpha));
    assert_true(layer_store_has(store, &beta));
    assert_int_equal(scratch_count(store->fd, "."), 1);
}

static void removing_a_missing_layer_is_success(void **state)
{
    _cleanup_(layer_store_closep) LayerStore *store = open_store(state);
    Digest chain_id = digest_of("", 0);

    assert_int_equal(layer_store_remove(store, &chain_id, NULL), 0);
}

static void a_layer_that_is_removed_while_open_has_no_files(void **state)
{
    _cleanup_(layer_store_closep) LayerStore *store = open_store(state);
    _cleanup_close_ int fd = -EBADF;
    Digest chain_id = commit_layer(store, "alpha");

    assert_int_equal(layer_store_open_layer(store, &chain_id, &fd, NULL), 0);
    assert_int_equal(layer_store_remove(store, &chain_id, NULL), 0);
    assert_int_equal(faccessat(fd, "content", F_OK, 0), -1);
    assert_int_equal(errno, ENOENT);
}

static void what_a_dead_remover_left_is_collected(void **state)
{
    _cleanup_(layer_store_closep) LayerStore *store = open_store(state);
    Digest chain_id = commit_layer(store, "alpha");

    scratch_mkdir(store->fd, ".0123456789abcdef", 0755);
    scratch_mkdir(store->fd, ".0123456789abcdef/" LAYER_ROOT, 0755);
    scratch_write(store->fd, ".0123456789abcdef/" LAYER_ROOT "/file", "half deleted");

    assert_int_equal(layer_store_collect_staging(store, NULL), 0);
    assert_int_equal(scratch_count(store->fd, "."), 1);
    assert_true(layer_store_has(store, &chain_id));
}

static void what_a_dead_committer_left_is_collected(void **state)
{
    _cleanup_(layer_store_closep) LayerStore *store = open_store(state);
    Digest whole = commit_layer(store, "alpha"), unfinished = digest_of("half", 4);

    scratch_mkdir(store->fd, digest_hex(&unfinished), 0755);
    assert_false(layer_store_has(store, &unfinished));

    assert_int_equal(layer_store_collect_staging(store, NULL), 0);
    assert_int_equal(scratch_count(store->fd, "."), 1);
    assert_true(layer_store_has(store, &whole));
}

static void one_undeletable_leftover_does_not_keep_the_others(void **state)
{
    _cleanup_(layer_store_closep) LayerStore *store = open_store(state);
    _cleanup_error_ Error err = {};

    scratch_mkdir(store->fd, ".0000000000000001", 0755);
    scratch_write(store->fd, ".0000000000000002", "not a directory");
    scratch_mkdir(store->fd, ".0000000000000003", 0755);

    assert_true(layer_store_collect_staging(store, &err) < 0);
    assert_non_null(strstr(err.message, "'.0000000000000002'"));
    assert_int_equal(scratch_count(store->fd, "."), 1);
}

#define ON_DISK_AND_IN_MEMORY(test)                                                                \
    cmocka_unit_test_setup_teardown(test, scratch_setup_disk, scratch_teardown),                   \
        cmocka_unit_test_setup_teardown(test, scratch_setup_memory, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_DISK_AND_IN_MEMORY(a_layer_can_be_opened_and_read),
        ON_DISK_AND_IN_MEMORY(a_store_that_is_opened_again_has_its_layers),
        ON_DISK_AND_IN_MEMORY(an_unknown_layer_is_not_found),
        ON_DISK_AND_IN_MEMORY(a_layer_whose_root_is_a_symlink_is_refused),
        ON_DISK_AND_IN_MEMORY(the_list_has_whole_layers_and_nothing_else),
        ON_DISK_AND_IN_MEMORY(a_removed_layer_is_gone_with_its_files),
        ON_DISK_AND_IN_MEMORY(removing_a_missing_layer_is_success),
        ON_DISK_AND_IN_MEMORY(a_layer_that_is_removed_while_open_has_no_files),
        ON_DISK_AND_IN_MEMORY(what_a_dead_remover_left_is_collected),
        ON_DISK_AND_IN_MEMORY(what_a_dead_committer_left_is_collected),
        ON_DISK_AND_IN_MEMORY(one_undeletable_leftover_does_not_keep_the_others),
    };

    return cmocka_run_group_tests(tests, scratch_enter_namespace, NULL);
}
