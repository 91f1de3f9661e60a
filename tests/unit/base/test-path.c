/* SPDX-License-Identifier: Apache-2.0 */

/* Paths by handle: nothing leaves the root, whatever symlinks say; trees go away whole. */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "scratch.h"

#define RACE_ROUNDS 2000

static void make_directory(int fd, const char *name)
{
    assert_int_equal(mkdirat(fd, name, 0755), 0);
}

static int open_directory(int fd, const char *name)
{
    int opened = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    assert_true(opened >= 0);
    return opened;
}

static void symlinks_resolve_inside_the_root(void **state)
{
    Scratch *scratch = *state;
    _cleanup_close_ int root = -EBADF, fd = -EBADF;

    make_directory(scratch->fd, "root");
    root = open_directory(scratch->fd, "root");
    make_directory(root, "etc");
    assert_int_equal(file_write_at(scratch->fd, "secret", "host", 4, 0600, 0), 0);
    assert_int_equal(symlinkat("../../../secret", root, "up"), 0);
    assert_int_equal(symlinkat("/etc", root, "inside"), 0);
    assert_int_equal(path_open_in_root(root, "up", O_RDONLY, 0), -ENOENT);
    assert_int_equal(path_open_in_root(root, "../secret", O_RDONLY, 0), -ENOENT);
    fd = path_open_in_root(root, "/inside/../inside", O_PATH | O_DIRECTORY, 0);
    assert_true(fd >= 0);
}

static void magic_links_are_refused(void **state)
{
    _cleanup_close_ int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    (void)state;
    assert_int_equal(path_open_in_root(proc, "self/root/etc", O_RDONLY, 0), -ELOOP);
    assert_int_equal(path_open_in_root(proc, "self/exe", O_RDONLY, 0), -ELOOP);
}

static void beneath_means_no_symlink_at_all(void **state)
{
    Scratch *scratch = *state;

    make_directory(scratch->fd, "a");
    assert_int_equal(symlinkat("a", scratch->fd, "link"), 0);
    assert_int_equal(path_open_beneath(scratch->fd, "link", O_RDONLY, 0), -ELOOP);
    assert_int_equal(path_open_beneath(scratch->fd, "../x", O_RDONLY, 0), -EXDEV);
    assert_int_equal(path_open_beneath(scratch->fd, "/etc", O_RDONLY, 0), -EXDEV);
}

static void links_that_stay_within_are_followed_and_others_refused(void **state)
{
    Scratch *scratch = *state;
    _cleanup_close_ int fd = -EBADF;

    make_directory(scratch->fd, "a");
    make_directory(scratch->fd, "b");
    assert_int_equal(symlinkat("../b", scratch->fd, "a/inside"), 0);
    assert_int_equal(symlinkat("../../x", scratch->fd, "a/climbing"), 0);
    assert_int_equal(symlinkat("/etc", scratch->fd, "a/absolute"), 0);
    assert_int_equal(symlinkat("/proc/self/root", scratch->fd, "a/magic"), 0);
    fd = path_open_within(scratch->fd, "a/inside", O_RDONLY | O_DIRECTORY);
    assert_true(fd >= 0);
    assert_int_equal(path_open_within(scratch->fd, "a/climbing", O_RDONLY), -EXDEV);
    assert_int_equal(path_open_within(scratch->fd, "a/absolute", O_RDONLY), -EXDEV);
    assert_int_equal(path_open_within(scratch->fd, "a/magic", O_RDONLY), -EXDEV);
    assert_int_equal(path_open_within(scratch->fd, "..", O_RDONLY), -EXDEV);
    assert_int_equal(path_open_within(scratch->fd, "missing", O_RDONLY), -ENOENT);
}

static void missing_directories_are_made_with_mode_and_owner(void **state)
{
    Scratch *scratch = *state;
    struct stat st;
    int fd = path_make_directories(scratch->fd, "/a/b/../c//d", 0751, 12, 34);

    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0751);
    assert_int_equal(st.st_uid, 12);
    assert_int_equal(st.st_gid, 34);
    fd_close(fd);
    assert_int_equal(fstatat(scratch->fd, "a/c/d", &st, 0), 0);
    assert_int_equal(fstatat(scratch->fd, "a/b", &st, 0), -1); /* cleaned lexically */
}

static void a_dangling_symlink_makes_nothing_outside(void **state)
{
    Scratch *scratch = *state;
    _cleanup_close_ int root = -EBADF;
    struct stat st;

    make_directory(scratch->fd, "root");
    root = open_directory(scratch->fd, "root");
    assert_int_equal(symlinkat("../outside", root, "link"), 0);
    assert_true(path_make_directories(root, "link/below", 0755, 0, 0) < 0);
    assert_int_equal(fstatat(scratch->fd, "outside", &st, 0), -1);
}

static void a_file_in_the_way_is_an_error(void **state)
{
    Scratch *scratch = *state;

    assert_int_equal(file_write_at(scratch->fd, "f", "", 0, 0600, 0), 0);
    assert_int_equal(path_make_directories(scratch->fd, "f/x", 0755, 0, 0), -ENOTDIR);
    assert_int_equal(path_make_directories(scratch->fd, "f", 0755, 0, 0), -ENOTDIR);
}

typedef struct Swapper {
    int root;
    atomic_bool stop;
} Swapper;

/* Swaps a directory with a symlink out of the root, again and again. */
static void *swap(void *data)
{
    Swapper *swapper = data;

    while (!atomic_load(&swapper->stop))
        (void)renameat2(swapper->root, "target", swapper->root, "link", RENAME_EXCHANGE);
    return NULL;
}

static void a_racing_swap_makes_nothing_outside(void **state)
{
    Scratch *scratch = *state;
    Swapper swapper = {};
    pthread_t thread;
    struct stat st;

    make_directory(scratch->fd, "outside");
    make_directory(scratch->fd, "root");
    swapper.root = open_directory(scratch->fd, "root");
    make_directory(swapper.root, "target");
    assert_int_equal(symlinkat("../outside", swapper.root, "link"), 0);
    assert_int_equal(pthread_create(&thread, NULL, swap, &swapper), 0);
    for (int i = 0; i < RACE_ROUNDS; i++) {
        char path[64];

        (void)snprintf(path, sizeof(path), "target/made-%d/below", i);
        fd_close(path_make_directories(swapper.root, path, 0755, 0, 0));
    }
    atomic_store(&swapper.stop, true);
    pthread_join(thread, NULL);
    fd_close(swapper.root);

    assert_int_equal(fstatat(scratch->fd, "outside", &st, 0), 0);
    assert_int_equal(st.st_nlink, 2); /* no directory was made in it */
}

static void parents_are_made_and_the_name_is_yielded(void **state)
{
    Scratch *scratch = *state;
    _cleanup_free_ char *name = NULL;
    int parent = -EBADF;

    assert_int_equal(path_make_parents(scratch->fd, "/a/b/file", 0755, &parent, &name), 0);
    assert_string_equal(name, "file");
    fd_close(parent);
    assert_int_equal(path_make_parents(scratch->fd, "/", 0755, &parent, &name), -EINVAL);
}

static void a_tree_is_removed_without_following_symlinks(void **state)
{
    Scratch *scratch = *state;
    struct stat st;

    make_directory(scratch->fd, "kept");
    make_directory(scratch->fd, "kept/file");
    fd_close(path_make_directories(scratch->fd, "tree/a/b/c", 0755, 0, 0));
    assert_int_equal(symlinkat("../kept", scratch->fd, "tree/link"), 0);
    assert_int_equal(fchmodat(scratch->fd, "tree/a", 0, 0), 0);
    assert_int_equal(path_remove_tree(scratch->fd, "tree"), 0);
    assert_int_equal(fstatat(scratch->fd, "tree", &st, 0), -1);
    assert_int_equal(fstatat(scratch->fd, "kept/file", &st, 0), 0);
    assert_int_equal(path_remove_tree(scratch->fd, "tree"), 0); /* missing is success */
}

static void a_tree_deeper_than_our_descriptors_is_removed(void **state)
{
    Scratch *scratch = *state;
    _cleanup_close_ int fd = dup(scratch->fd);

    for (int i = 0; i < 3000; i++) {
        int next;

        make_directory(fd, "d");
        next = open_directory(fd, "d");
        fd_close(fd);
        fd = next;
    }
    assert_int_equal(path_remove_tree(scratch->fd, "d"), 0);
}

static void paths_are_cleaned_lexically(void **state)
{
    static const char *const cases[][2] = {
        { "/", "/" },      { "", "/" },      { "//a/./b/../c/", "/a/c" }, { "/../..", "/" },
        { "a/b", "/a/b" }, { "/a/..", "/" }, { "/a/b/../../..", "/" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_free_ char *clean = path_clean(cases[i][0]);

        assert_string_equal(clean, cases[i][1]);
    }
}

static void names_are_single_components(void **state)
{
    (void)state;
    assert_true(path_is_name("a"));
    assert_true(path_is_name("..."));
    assert_false(path_is_name(""));
    assert_false(path_is_name("."));
    assert_false(path_is_name(".."));
    assert_false(path_is_name("a/b"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(symlinks_resolve_inside_the_root),
        cmocka_unit_test(magic_links_are_refused),
        scratch_test(beneath_means_no_symlink_at_all),
        scratch_test(links_that_stay_within_are_followed_and_others_refused),
        scratch_test(missing_directories_are_made_with_mode_and_owner),
        scratch_test(a_dangling_symlink_makes_nothing_outside),
        scratch_test(a_file_in_the_way_is_an_error),
        scratch_test(a_racing_swap_makes_nothing_outside),
        scratch_test(parents_are_made_and_the_name_is_yielded),
        scratch_test(a_tree_is_removed_without_following_symlinks),
        scratch_test(a_tree_deeper_than_our_descriptors_is_removed),
        cmocka_unit_test(paths_are_cleaned_lexically),
        cmocka_unit_test(names_are_single_components),
    };

    return cmocka_run_group_tests_name("path", tests, NULL, NULL);
}
