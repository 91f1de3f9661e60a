/* SPDX-License-Identifier: Apache-2.0 */

/* The bytes that a layer occupies, as du(1) counts them. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "scratch.h"
#include "storage/layer-store.h"

#define MEBIBYTE (1 << 20)
#define DEEP_LEVELS 1900 /* "d/" each: just below PATH_MAX, and beyond any usual RLIMIT_NOFILE */

typedef struct Layer {
    LayerStore *store;
    LayerStaging *staging;
    int fd;
} Layer;

static Layer begin(void **state)
{
    Scratch *scratch = *state;
    Layer layer = {};

    assert_int_equal(layer_store_open(scratch->fd, &layer.store, NULL), 0);
    assert_int_equal(layer_staging_begin(layer.store, &layer.staging, NULL), 0);
    layer.fd = layer_staging_fd(layer.staging);
    return layer;
}

static uint64_t finish(Layer *layer)
{
    Digest chain_id = digest_of("layer", 5);
    uint64_t bytes = 0;

    assert_int_equal(layer_staging_commit(layer->staging, &chain_id, NULL), 0);
    assert_int_equal(layer_store_usage(layer->store, &chain_id, &bytes, NULL), 0);
    layer_staging_free(layer->staging);
    layer_store_close(layer->store);
    return bytes;
}

static uint64_t blocks_of(int dir_fd, const char *path)
{
    struct stat status;

    assert_int_equal(fstatat(dir_fd, path, &status, AT_SYMLINK_NOFOLLOW), 0);
    return (uint64_t)status.st_blocks * 512;
}

static void write_mebibyte(int dir_fd, const char *name)
{
    _cleanup_close_ int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    _cleanup_free_ char *data = malloc(MEBIBYTE);

    assert_true(fd >= 0);
    assert_non_null(data);
    memset(data, 'x', MEBIBYTE);
    assert_int_equal(fd_write_all(fd, data, MEBIBYTE), 0);
    assert_int_equal(fsync(fd), 0); /* so that its blocks are allocated */
}

static void a_file_with_three_names_counts_once(void **state)
{
    Layer layer = begin(state);
    _cleanup_close_ int fd = dup(layer.fd);

    write_mebibyte(fd, "a");
    scratch_mkdir(fd, "directory", 0755);
    assert_int_equal(linkat(fd, "a", fd, "b", 0), 0);
    assert_int_equal(linkat(fd, "a", fd, "directory/c", 0), 0);

    uint64_t expected = blocks_of(fd, "a") + blocks_of(fd, ".") + blocks_of(fd, "directory");
    assert_true(expected >= MEBIBYTE);
    assert_int_equal(finish(&layer), expected);
}

static void two_files_with_two_names_each_both_count(void **state)
{
    Layer layer = begin(state);
    _cleanup_close_ int fd = dup(layer.fd);

    write_mebibyte(fd, "a");
    write_mebibyte(fd, "b");
    assert_int_equal(linkat(fd, "a", fd, "a2", 0), 0);
    assert_int_equal(linkat(fd, "b", fd, "b2", 0), 0);

    uint64_t expected = blocks_of(fd, "a") + blocks_of(fd, "b") + blocks_of(fd, ".");
    assert_int_equal(finish(&layer), expected);
}

static void a_hole_counts_nothing(void **state)
{
    Layer layer = begin(state);
    _cleanup_close_ int fd = openat(layer.fd, "sparse", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

    assert_int_equal(ftruncate(fd, (off_t)1024 * MEBIBYTE), 0);
    assert_true(finish(&layer) < MEBIBYTE);
}

static void a_symlink_is_not_followed(void **state)
{
    Layer layer = begin(state);
    Scratch *scratch = *state;

    write_mebibyte(scratch->fd, "outside");
    assert_int_equal(symlinkat("../../outside", layer.fd, "link"), 0);
    assert_int_equal(symlinkat("../../..", layer.fd, "directory"), 0);
    assert_true(finish(&layer) < MEBIBYTE);
}

static void the_deepest_tree_that_paths_can_name_is_counted(void **state)
{
    Layer layer = begin(state);
    _cleanup_close_ int fd = dup(layer.fd);

    for (int i = 0; i < DEEP_LEVELS; i++) {
        scratch_mkdir(fd, "d", 0755);
        int next = scratch_open(fd, "d");
        fd_close(fd);
        fd = next;
    }
    int writable = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    write_mebibyte(writable, "bottom");
    fd_close(writable);
    assert_true(finish(&layer) >= MEBIBYTE);
}

int main(void)
{
#define ON_DISK(test) cmocka_unit_test_setup_teardown(test, scratch_setup_disk, scratch_teardown)
    const struct CMUnitTest tests[] = {
        ON_DISK(a_file_with_three_names_counts_once),
        ON_DISK(two_files_with_two_names_each_both_count),
        ON_DISK(a_hole_counts_nothing),
        ON_DISK(a_symlink_is_not_followed),
        ON_DISK(the_deepest_tree_that_paths_can_name_is_counted),
    };

    return cmocka_run_group_tests(tests, scratch_enter_namespace, NULL);
}
