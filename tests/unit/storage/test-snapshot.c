/* SPDX-License-Identifier: Apache-2.0 */

/* A container's root file system: its directories, what is stacked, what is deleted. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "scratch.h"
#include "storage/snapshot.h"

#define DEEP_LEVELS 3000

typedef struct Container {
    int fd;
    int layer_fds[2]; /* "top" over "bottom" */
} Container;

static Container *container_new(void **state)
{
    Scratch *scratch = *state;
    Container *container = NEW(Container);

    scratch_mkdir(scratch->fd, "container", 0700);
    scratch_mkdir(scratch->fd, "top", 01777);
    scratch_mkdir(scratch->fd, "bottom", 0755);
    scratch_write(scratch->fd, "top/file", "top");
    scratch_write(scratch->fd, "bottom/file", "bottom");
    assert_int_equal(fchownat(scratch->fd, "top", 12, 34, 0), 0);
    container->fd = openat(scratch->fd, "container", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    container->layer_fds[0] = scratch_open(scratch->fd, "top");
    container->layer_fds[1] = scratch_open(scratch->fd, "bottom");
    return container;
}

static void container_free(Container *container)
{
    fd_close(container->layer_fds[0]);
    fd_close(container->layer_fds[1]);
    fd_close(container->fd);
    free(container);
}
DEFINE_CLEANUP(Container *, container_free);
#define _cleanup_container_ _cleanup_(container_freep)

static int mount_container(const Container *container, SnapshotOptions options)
{
    _cleanup_error_ Error err = {};
    int fd = -EBADF;

    options.container_fd = container->fd;
    options.layer_fds = container->layer_fds;
    int r = snapshot_mount(&options, &fd, &err);
    if (r < 0)
        print_error("%s\n", error_message(&err));
    assert_int_equal(r, 0);
    return fd;
}

static void the_root_has_mode_and_owner_of_the_topmost_layer(void **state)
{
    _cleanup_container_ Container *container = container_new(state);
    struct stat status;

    assert_int_equal(snapshot_create(container->fd, container->layer_fds[0], NULL), 0);
    _cleanup_close_ int root_fd = mount_container(container, (SnapshotOptions) { .n_layers = 2 });
    assert_int_equal(fstat(root_fd, &status), 0);
    assert_int_equal(status.st_mode, S_IFDIR | 01777);
    assert_int_equal(status.st_uid, 12);
    assert_int_equal(status.st_gid, 34);
}

static void the_root_of_no_layers_is_empty_0755_and_writable(void **state)
{
    _cleanup_container_ Container *container = container_new(state);
    mode_t umask_before = umask(0077);
    struct stat status;

    assert_int_equal(snapshot_create(container->fd, -EBADF, NULL), 0);
    _cleanup_close_ int root_fd = mount_container(container, (SnapshotOptions) { .n_layers = 0 });
    umask(umask_before);
    assert_int_equal(fstat(root_fd, &status), 0);
    assert_int_equal(status.st_mode, S_IFDIR | 0755);
    assert_int_equal(scratch_count(root_fd, "."), 0);
    scratch_write(root_fd, "file", "text");
    assert_int_equal(faccessat(container->fd, "upper/file", F_OK, 0), 0);
}

static void what_was_written_is_there_when_mounted_again(void **state)
{
    _cleanup_container_ Container *container = container_new(state);

    assert_int_equal(snapshot_create(container->fd, container->layer_fds[0], NULL), 0);
    int root_fd = mount_container(container, (SnapshotOptions) { .n_layers = 2 });
    scratch_write(root_fd, "file", "mine");
    assert_int_equal(close(root_fd), 0);

    root_fd = mount_container(container, (SnapshotOptions) { .n_layers = 2 });
    _cleanup_free_ char *text = scratch_read(root_fd, "file");
    assert_string_equal(text, "mine");
    assert_int_equal(close(root_fd), 0);
}

static void read_only_shows_the_layers_without_a_snapshot(void **state)
{
    _cleanup_container_ Container *container = container_new(state);

    for (size_t n_layers = 1; n_layers <= 2; n_layers++) {
        _cleanup_close_ int root_fd = mount_container(
            container, (SnapshotOptions) { .n_layers = n_layers, .read_only = true });
        _cleanup_free_ char *text = scratch_read(root_fd, "file");

        assert_string_equal(text, "top");
        assert_int_equal(path_open_in_root(root_fd, "file", O_WRONLY, 0), -EROFS);
    }
    assert_int_equal(faccessat(container->fd, "upper", F_OK, 0), -1);
}

static void a_container_that_has_a_snapshot_keeps_it(void **state)
{
    _cleanup_container_ Container *container = container_new(state);
    _cleanup_error_ Error err = {};

    assert_int_equal(snapshot_create(container->fd, -EBADF, NULL), 0);
    scratch_write(container->fd, "upper/file", "mine");
    assert_true(snapshot_create(container->fd, -EBADF, &err) < 0);
    assert_int_equal(err.kind, ERROR_CONFLICT);
    _cleanup_close_ int upper = scratch_open(container->fd, "upper");
    _cleanup_free_ char *text = scratch_read(upper, "file");
    assert_string_equal(text, "mine");
}

static void a_container_without_a_snapshot_cannot_be_mounted(void **state)
{
    _cleanup_container_ Container *container = container_new(state);
    _cleanup_error_ Error err = {};
    int fd = -EBADF;

    assert_int_equal(snapshot_mount(
                         &(SnapshotOptions) {
                             .layer_fds = container->layer_fds,
                             .n_layers = 2,
                             .container_fd = container->fd,
                         },
                         &fd, &err),
                     -ENOENT);
    assert_non_null(strstr(err.message, "'upper'"));
    assert_int_equal(fd, -EBADF);
}

static void an_upper_that_is_a_symlink_is_refused(void **state)
{
    _cleanup_container_ Container *container = container_new(state);
    int fd = -EBADF;

    assert_int_equal(snapshot_create(container->fd, -EBADF, NULL), 0);
    assert_int_equal(unlinkat(container->fd, "upper", AT_REMOVEDIR), 0);
    scratch_mkdir(container->fd, "elsewhere", 0755);
    assert_int_equal(symlinkat("elsewhere", container->fd, "upper"), 0);
    assert_true(snapshot_mount(
                    &(SnapshotOptions) {
                        .layer_fds = container->layer_fds,
                        .n_layers = 2,
                        .container_fd = container->fd,
                    },
                    &fd, NULL) < 0);
}

static void a_removed_snapshot_leaves_nothing(void **state)
{
    _cleanup_container_ Container *container = container_new(state);

    assert_int_equal(snapshot_create(container->fd, -EBADF, NULL), 0);
    int root_fd =
        mount_container(container, (SnapshotOptions) { .n_layers = 0, .volatile_ = true });
    scratch_mkdir(root_fd, "locked", 0);
    scratch_write(root_fd, "locked/file", "text");
    assert_int_equal(symlinkat("../../bottom", root_fd, "link"), 0);
    assert_int_equal(close(root_fd), 0);

    assert_true(scratch_count(container->fd, "work") > 0); /* the kernel's own, mode 0 */
    assert_int_equal(snapshot_remove(container->fd, NULL), 0);
    assert_int_equal(scratch_count(container->fd, "."), 0);
    assert_int_equal(faccessat(container->layer_fds[1], "file", F_OK, 0), 0);
}

static void what_was_written_or_deleted_is_a_change(void **state)
{
    _cleanup_container_ Container *container = container_new(state);

    assert_false(snapshot_has_changes(container->fd));
    assert_int_equal(snapshot_create(container->fd, container->layer_fds[0], NULL), 0);
    assert_false(snapshot_has_changes(container->fd));
    int root_fd = mount_container(container, (SnapshotOptions) { .n_layers = 2 });
    assert_false(snapshot_has_changes(container->fd));
    assert_int_equal(unlinkat(root_fd, "file", 0), 0);
    assert_int_equal(close(root_fd), 0);
    assert_true(snapshot_has_changes(container->fd));
}

static void removing_no_snapshot_is_success(void **state)
{
    _cleanup_container_ Container *container = container_new(state);

    assert_int_equal(snapshot_remove(container->fd, NULL), 0);
}

static void a_tree_deeper_than_descriptors_allow_is_removed(void **state)
{
    _cleanup_container_ Container *container = container_new(state);
    struct rlimit before, few = { .rlim_cur = 256 };

    assert_int_equal(snapshot_create(container->fd, -EBADF, NULL), 0);
    int fd = scratch_open(container->fd, "upper");
    for (int i = 0; i < DEEP_LEVELS; i++) {
        scratch_mkdir(fd, "d", 0755);
        int next = scratch_open(fd, "d");
        fd_close(fd);
        fd = next;
    }
    fd_close(fd);

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    few.rlim_max = before.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    int r = snapshot_remove(container->fd, NULL);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(r, 0);
    assert_int_equal(scratch_count(container->fd, "."), 0);
}

/* A file system with room for exactly @n_free more inodes. */
static Scratch *scratch_with_free_inodes(size_t n_free)
{
    Scratch *scratch = scratch_new("size=1m,nr_inodes=32");

    assert_true(scratch_fill(scratch->fd) > n_free);
    for (size_t i = 0; i < n_free; i++) {
        _cleanup_free_ char *name = memory_printf("fill-%zu", i);

        assert_int_equal(unlinkat(scratch->fd, name, 0), 0);
    }
    return scratch;
}

static void a_full_file_system_is_reported_and_leaves_nothing(void **state)
{
    (void)state;
    for (size_t n_free = 0; n_free < 2; n_free++) {
        Scratch *scratch = scratch_with_free_inodes(n_free);
        _cleanup_error_ Error err = {};

        assert_true(snapshot_create(scratch->fd, -EBADF, &err) < 0);
        assert_int_equal(err.kind, ERROR_EXHAUSTED);
        assert_int_equal(faccessat(scratch->fd, "upper", F_OK, 0), -1);
        assert_int_equal(faccessat(scratch->fd, "work", F_OK, 0), -1);
        scratch_free(scratch);
    }
}

#define ON_DISK_AND_IN_MEMORY(test)                                                                \
    cmocka_unit_test_setup_teardown(test, scratch_setup_disk, scratch_teardown),                   \
        cmocka_unit_test_setup_teardown(test, scratch_setup_memory, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_DISK_AND_IN_MEMORY(the_root_has_mode_and_owner_of_the_topmost_layer),
        ON_DISK_AND_IN_MEMORY(the_root_of_no_layers_is_empty_0755_and_writable),
        ON_DISK_AND_IN_MEMORY(what_was_written_is_there_when_mounted_again),
        ON_DISK_AND_IN_MEMORY(read_only_shows_the_layers_without_a_snapshot),
        ON_DISK_AND_IN_MEMORY(a_container_that_has_a_snapshot_keeps_it),
        ON_DISK_AND_IN_MEMORY(a_container_without_a_snapshot_cannot_be_mounted),
        ON_DISK_AND_IN_MEMORY(an_upper_that_is_a_symlink_is_refused),
        ON_DISK_AND_IN_MEMORY(a_removed_snapshot_leaves_nothing),
        ON_DISK_AND_IN_MEMORY(what_was_written_or_deleted_is_a_change),
        ON_DISK_AND_IN_MEMORY(removing_no_snapshot_is_success),
        ON_DISK_AND_IN_MEMORY(a_tree_deeper_than_descriptors_allow_is_removed),
        cmocka_unit_test(a_full_file_system_is_reported_and_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, scratch_enter_namespace, NULL);
}
