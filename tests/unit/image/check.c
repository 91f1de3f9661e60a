/* SPDX-License-Identifier: Apache-2.0 */

/* A store in a scratch directory, filled without the worker: layers are empty directories. */

#include "check.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"

static int list_users(void *data, ImageUsers *users, Error *err)
{
    const ImageUsers *known = data;

    (void)err;
    for (size_t i = 0; i < known->count; i++)
        image_users_add(users, &known->items[i].image, known->items[i].container,
                        known->items[i].is_running);
    return 0;
}

static void open_store(StoreFixture *fixture)
{
    static const DatabaseSchema *const schemas[] = { &image_schema };

    assert_int_equal(
        database_open(fixture->state_fd, "cay.db", schemas, 1, &fixture->database, NULL), 0);
    assert_int_equal(layer_store_open(fixture->state_fd, &fixture->layers, NULL), 0);
    assert_int_equal(image_store_open(fixture->state_fd, fixture->database, fixture->layers,
                                      &fixture->store, NULL),
                     0);
    image_store_set_users(fixture->store, list_users, &fixture->users);
}

int store_fixture_setup(void **state)
{
    StoreFixture *fixture = NEW(StoreFixture);

    (void)snprintf(fixture->path, sizeof(fixture->path), "/tmp/cay-image-XXXXXX");
    assert_non_null(mkdtemp(fixture->path));
    fixture->state_fd = open(fixture->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fixture->state_fd >= 0);
    open_store(fixture);
    *state = fixture;
    return 0;
}

void store_fixture_reopen(const StoreFixture *fixture, StoreFixture *ret)
{
    *ret = (StoreFixture) { .state_fd = openat(fixture->state_fd, ".", O_RDONLY | O_CLOEXEC) };
    open_store(ret);
}

void store_fixture_close(StoreFixture *fixture)
{
    image_store_close(fixture->store);
    layer_store_close(fixture->layers);
    database_close(fixture->database);
    image_users_done(&fixture->users);
    fd_close(fixture->state_fd);
}

int store_fixture_teardown(void **state)
{
    StoreFixture *fixture = *state;

    store_fixture_close(fixture);
    assert_int_equal(path_remove_tree(AT_FDCWD, fixture->path), 0);
    free(fixture);
    return 0;
}

static Digest diff_id_of(const char *layers, size_t count)
{
    return digest_of(layers, count);
}

Digest store_fixture_chain_id(const char *layers)
{
    Digest chain_id = diff_id_of(layers, 1);

    for (size_t i = 2; i <= strlen(layers); i++) {
        Digest diff_id = diff_id_of(layers, i);

        chain_id = image_chain_id(&chain_id, &diff_id);
    }
    return chain_id;
}

static void add_layer(StoreFixture *fixture, const char *layers, size_t count, ImageLayers *list)
{
    _cleanup_(layer_staging_freep) LayerStaging *staging = NULL;
    _cleanup_free_ char *prefix = memory_strndup(layers, count);
    ImageLayer layer = { .diff_id = diff_id_of(layers, count),
                         .chain_id = store_fixture_chain_id(prefix),
                         .media_type = memory_strdup(MEDIA_TYPE_OCI_LAYER),
                         .blob_size = (int64_t)count,
                         .size = 100 };

    assert_int_equal(
        content_store_put(image_store_content(fixture->store), layers, count, &layer.blob, NULL),
        0);
    assert_int_equal(layer_staging_begin(fixture->layers, &staging, NULL), 0);
    assert_int_equal(layer_staging_commit(staging, &layer.chain_id, NULL), 0);
    assert_int_equal(database_execute(fixture->database, NULL, NULL,
                                      "INSERT OR REPLACE INTO layer (chain_id, blob, blob_size, "
                                      "media_type, size) VALUES (?, ?, ?, ?, 100)",
                                      "ssis", layer.chain_id.text, layer.blob.text, layer.blob_size,
                                      layer.media_type),
                     0);
    image_layers_take(list, &layer);
}

Digest store_fixture_add(StoreFixture *fixture, const char *seed, const char *layers,
                         const char *name)
{
    _cleanup_image_config_ ImageConfig config = { .architecture = memory_strdup("amd64"),
                                                  .os = memory_strdup("linux"),
                                                  .author = memory_strdup(seed) };
    _cleanup_image_layers_ ImageLayers list = {};
    _cleanup_reference_ Reference reference = {};
    _cleanup_close_ int lock_fd = -EBADF;
    _cleanup_free_ char *text = NULL;
    ImageAddition addition = { .layers = &list, .references = &reference };
    Digest id;

    assert_int_equal(content_store_lock(image_store_content(fixture->store), CONTENT_LOCK_ADD, true,
                                        &lock_fd, NULL),
                     0);
    config.rootfs.type = memory_strdup("layers");
    for (size_t i = 1; i <= strlen(layers); i++) {
        add_layer(fixture, layers, i, &list);
        string_list_add(&config.rootfs.diff_ids, list.items[i - 1].diff_id.text);
    }
    text = image_config_to_text(&config);
    addition.config = text;
    addition.config_size = strlen(text);
    if (name) {
        assert_int_equal(reference_parse(name, &reference, NULL), 0);
        reference_set_default_tag(&reference);
        addition.n_references = 1;
    }
    assert_int_equal(image_store_add(fixture->store, &addition, &id, NULL), 0);
    return id;
}
