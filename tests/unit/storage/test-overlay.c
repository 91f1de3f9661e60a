/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Both ways to an overlay mount, run through the same tests: they must not differ in anything that
 * a container can see.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/process.h"
#include "base/syscalls.h"
#include "scratch.h"
#include "storage/snapshot-private.h"

#define MAX_LAYERS 125
#define TOO_MANY_LAYERS 400

typedef int (*OverlayMount)(const Overlay *overlay, int *ret_mount_fd, Error *err);

typedef struct Stack {
    int fds[MAX_LAYERS];
    Overlay overlay;
} Stack;

/* Layers "0" (topmost), "1", ...: each has a file of its own and one that all have. */
static void stack_make(Stack *stack, int dir_fd, size_t n_layers)
{
    *stack = (Stack) { .overlay = { .lower_fds = stack->fds, .n_lower = n_layers } };
    for (size_t i = 0; i < n_layers; i++) {
        _cleanup_free_ char *name = memory_printf("%zu", i), *own = memory_printf("own-%zu", i);

        scratch_mkdir(dir_fd, name, 0755);
        _cleanup_close_ int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        scratch_write(fd, "common", name);
        scratch_write(fd, own, name);
        stack->fds[i] = scratch_open(dir_fd, name);
    }
    scratch_mkdir(dir_fd, "upper", 0755);
    scratch_mkdir(dir_fd, "work", 0700);
    stack->overlay.upper_fd = scratch_open(dir_fd, "upper");
    stack->overlay.work_fd = scratch_open(dir_fd, "work");
}

static void stack_done(Stack *stack)
{
    for (size_t i = 0; i < stack->overlay.n_lower; i++)
        fd_close(stack->fds[i]);
    fd_close(stack->overlay.upper_fd);
    fd_close(stack->overlay.work_fd);
}

static int mount_overlay(void **state, const Stack *stack)
{
    const Scratch *scratch = *state;
    const OverlayMount *mount_it = scratch->parameter;
    _cleanup_error_ Error err = {};
    int fd = -EBADF;

    int r = (*mount_it)(&stack->overlay, &fd, &err);
    if (r < 0)
        print_error("%s\n", error_message(&err));
    assert_int_equal(r, 0);
    assert_true(fd_is_on_fs(fd, OVERLAYFS_SUPER_MAGIC));
    return fd;
}

static void assert_text(int root_fd, const char *path, const char *expected)
{
    _cleanup_close_ int fd = path_open_in_root(root_fd, path, O_RDONLY, 0);
    char text[64] = "";

    assert_true(fd >= 0);
    assert_true(fd_read_full(fd, text, sizeof(text) - 1) >= 0);
    assert_string_equal(text, expected);
}

static void assert_layers_stack(void **state, size_t n_layers)
{
    const Scratch *scratch = *state;
    Stack stack;

    stack_make(&stack, scratch->fd, n_layers);
    _cleanup_close_ int root_fd = mount_overlay(state, &stack);
    assert_text(root_fd, "common", "0");
    for (size_t i = 0; i < n_layers; i++) {
        _cleanup_free_ char *name = memory_printf("%zu", i), *own = memory_printf("own-%zu", i);

        assert_text(root_fd, own, name);
    }
    stack_done(&stack);
}

static void one_layer_shows(void **state)
{
    assert_layers_stack(state, 1);
}

static void ten_layers_stack_in_order(void **state)
{
    assert_layers_stack(state, 10);
}

static void a_hundred_and_twenty_five_layers_stack_in_order(void **state)
{
    assert_layers_stack(state, MAX_LAYERS);
}

static void a_write_goes_to_upper_and_to_no_layer(void **state)
{
    const Scratch *scratch = *state;
    Stack stack;

    stack_make(&stack, scratch->fd, 2);
    _cleanup_close_ int root_fd = mount_overlay(state, &stack);
    _cleanup_close_ int fd = path_open_in_root(root_fd, "common", O_WRONLY | O_TRUNC, 0);
    assert_true(fd >= 0);
    assert_int_equal(fd_write_all(fd, "mine", 4), 0);

    assert_text(root_fd, "common", "mine");
    assert_text(scratch->fd, "upper/common", "mine");
    assert_text(scratch->fd, "0/common", "0");
    assert_text(scratch->fd, "1/common", "1");
    stack_done(&stack);
}

static void a_whiteout_hides_what_lies_below(void **state)
{
    const Scratch *scratch = *state;
    Stack stack;

    stack_make(&stack, scratch->fd, 3);
    assert_int_equal(mknodat(scratch->fd, "1/own-2", S_IFCHR, makedev(0, 0)), 0);
    _cleanup_close_ int root_fd = mount_overlay(state, &stack);
    assert_int_equal(path_open_in_root(root_fd, "own-2", O_PATH, 0), -ENOENT);
    assert_text(root_fd, "own-1", "1");
    stack_done(&stack);
}

static void an_opaque_directory_hides_what_lies_below_it(void **state)
{
    const Scratch *scratch = *state;
    char path[32];
    Stack stack;

    stack_make(&stack, scratch->fd, 2);
    scratch_mkdir(scratch->fd, "0/directory", 0755);
    scratch_mkdir(scratch->fd, "1/directory", 0755);
    scratch_write(scratch->fd, "0/directory/new", "new");
    scratch_write(scratch->fd, "1/directory/old", "old");
    _cleanup_close_ int opaque = openat(scratch->fd, "0/directory", O_RDONLY | O_CLOEXEC);
    assert_int_equal(setxattr(path_of_fd(path, opaque), "trusted.overlay.opaque", "y", 1, 0), 0);

    _cleanup_close_ int root_fd = mount_overlay(state, &stack);
    assert_text(root_fd, "directory/new", "new");
    assert_int_equal(path_open_in_root(root_fd, "directory/old", O_PATH, 0), -ENOENT);
    stack_done(&stack);
}

static void a_layer_cannot_redirect_into_another_directory(void **state)
{
    const Scratch *scratch = *state;
    char path[32];
    Stack stack;

    stack_make(&stack, scratch->fd, 2);
    scratch_mkdir(scratch->fd, "0/public", 0755);
    scratch_mkdir(scratch->fd, "1/secret", 0700);
    scratch_write(scratch->fd, "1/secret/file", "secret");
    _cleanup_close_ int fd = openat(scratch->fd, "0/public", O_RDONLY | O_CLOEXEC);
    assert_int_equal(setxattr(path_of_fd(path, fd), "trusted.overlay.redirect", "secret", 6, 0), 0);

    _cleanup_close_ int root_fd = mount_overlay(state, &stack);
    assert_true(path_open_in_root(root_fd, "public/file", O_PATH, 0) < 0);
    stack_done(&stack);
}

static void upper_holds_no_reference_to_the_layers_it_was_mounted_on(void **state)
{
    const Scratch *scratch = *state;
    Stack stack;

    /* with index=on, the second mount would fail with ESTALE: its lower directory is a copy */
    stack_make(&stack, scratch->fd, 2);
    _cleanup_close_ int root_fd = mount_overlay(state, &stack);
    _cleanup_close_ int file = path_open_in_root(root_fd, "common", O_RDWR, 0);
    assert_true(file >= 0);
    file = fd_close(file);
    root_fd = fd_close(root_fd);

    int first = stack.fds[0];
    stack.fds[0] = stack.fds[1];
    stack.fds[1] = first;
    root_fd = mount_overlay(state, &stack);
    assert_text(root_fd, "common", "0");
    assert_text(root_fd, "own-1", "1");
    stack_done(&stack);
}

static void without_an_upper_nothing_can_be_written(void **state)
{
    const Scratch *scratch = *state;
    Stack stack;

    stack_make(&stack, scratch->fd, 2);
    stack.overlay.upper_fd = fd_close(stack.overlay.upper_fd);
    _cleanup_close_ int root_fd = mount_overlay(state, &stack);
    assert_text(root_fd, "common", "0");
    assert_int_equal(path_open_in_root(root_fd, "common", O_WRONLY, 0), -EROFS);
    assert_int_equal(path_open_in_root(root_fd, "new", O_WRONLY | O_CREAT, 0644), -EROFS);
    stack_done(&stack);
}

static void a_volatile_upper_can_be_mounted_only_once(void **state)
{
    const Scratch *scratch = *state;
    const OverlayMount *mount_it = scratch->parameter;
    int fd = -EBADF;
    Stack stack;

    stack_make(&stack, scratch->fd, 2);
    stack.overlay.volatile_ = true;
    fd_close(mount_overlay(state, &stack));
    assert_true((*mount_it)(&stack.overlay, &fd, NULL) < 0);
    assert_int_equal(fd, -EBADF);
    stack_done(&stack);
}

static int unmount_place(const Scratch *scratch)
{
    _cleanup_free_ char *place = memory_printf("%s/place", scratch->path);

    return umount2(place, MNT_DETACH);
}

static char *read_mounts(void)
{
    char *text = NULL;
    _cleanup_close_ int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);

    assert_int_equal(fd_read_all(fd, 1 << 20, &text, NULL), 0);
    return text;
}

static void the_mount_shows_in_no_namespace_and_can_be_placed_in_one(void **state)
{
    const Scratch *scratch = *state;
    Stack stack;

    stack_make(&stack, scratch->fd, 2);
    scratch_mkdir(scratch->fd, "place", 0755);
    /* as a host has it: what any namespace mounts in a shared place shows in the others */
    assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL), 0);
    _cleanup_free_ char *before = read_mounts();
    _cleanup_close_ int root_fd = mount_overlay(state, &stack);
    _cleanup_free_ char *after = read_mounts();
    assert_string_equal(before, after);
    assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);

    assert_int_equal(move_mount(root_fd, "", scratch->fd, "place", MOVE_MOUNT_F_EMPTY_PATH), 0);
    assert_text(scratch->fd, "place/common", "0");
    assert_int_equal(unmount_place(scratch), 0);
    stack_done(&stack);
}

static void a_descriptor_without_a_directory_is_refused(void **state)
{
    const Scratch *scratch = *state;
    const OverlayMount *mount_it = scratch->parameter;
    _cleanup_error_ Error err = {};
    int fd = -EBADF, first;
    Stack stack;

    stack_make(&stack, scratch->fd, 2);
    first = stack.fds[1];
    stack.fds[1] = openat(scratch->fd, "0/common", O_PATH | O_CLOEXEC);
    assert_true((*mount_it)(&stack.overlay, &fd, &err) < 0);
    assert_true(error_is_set(&err));
    assert_int_equal(fd, -EBADF);
    fd_close(first);
    stack_done(&stack);
}

static void an_upper_on_an_overlay_is_unsupported_with_the_reason(void **state)
{
    const Scratch *scratch = *state;
    const OverlayMount *mount_it = scratch->parameter;
    _cleanup_error_ Error err = {};
    int fd = -EBADF;
    Stack stack, nested;

    stack_make(&stack, scratch->fd, 1);
    _cleanup_close_ int root_fd = mount_overlay(state, &stack);
    scratch_mkdir(scratch->fd, "place", 0755);
    assert_int_equal(move_mount(root_fd, "", scratch->fd, "place", MOVE_MOUNT_F_EMPTY_PATH), 0);
    _cleanup_close_ int place = openat(scratch->fd, "place", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    stack_make(&nested, place, 1);

    assert_true((*mount_it)(&nested.overlay, &fd, &err) < 0);
    assert_int_equal(err.kind, ERROR_UNSUPPORTED);
    assert_true(strstr(err.message, "upperdir") || strstr(err.message, "kernel's log"));

    stack_done(&nested);
    place = fd_close(place);
    assert_int_equal(unmount_place(scratch), 0);
    stack_done(&stack);
}

static void a_directory_whose_path_leads_elsewhere_is_refused_by_the_child(void **state)
{
    const Scratch *scratch = *state;
    _cleanup_error_ Error err = {};
    int fd = -EBADF;
    Stack stack;

    stack_make(&stack, scratch->fd, 2);
    scratch_mkdir(scratch->fd, "place", 0755);
    int covered = scratch_open(scratch->fd, "place");
    _cleanup_free_ char *place = memory_printf("%s/place", scratch->path);

    assert_int_equal(mount("tmpfs", place, "tmpfs", 0, NULL), 0);
    fd_close(stack.fds[1]);
    stack.fds[1] = covered;

    assert_int_equal(overlay_mount_in_child(&stack.overlay, &fd, &err), -ESTALE);
    assert_int_equal(fd, -EBADF);
    assert_int_equal(unmount_place(scratch), 0);
    stack_done(&stack);
}

/* A user namespace with @map as its maps. The process that it comes with is gone. */
static int open_user_namespace(const char *map)
{
    _cleanup_process_ Process process = PROCESS_INIT;
    struct clone_args arguments = { .flags = CLONE_NEWUSER | CLONE_PIDFD,
                                    .pidfd = (uintptr_t)&process.pidfd,
                                    .exit_signal = SIGCHLD };
    char path[64];

    process.pid = sys_clone3(&arguments);
    assert_true(process.pid >= 0);
    if (process.pid == 0)
        for (;;)
            pause();
    (void)snprintf(path, sizeof(path), "/proc/%d", process.pid);
    _cleanup_close_ int dir_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(file_poke_at(dir_fd, "uid_map", map), 0);
    assert_int_equal(file_poke_at(dir_fd, "gid_map", map), 0);
    int fd = openat(dir_fd, "ns/user", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static void mapped_ids_show_outside_and_are_stored_as_inside(void **state)
{
    const Scratch *scratch = *state;
    _cleanup_close_ int id_map_fd = open_user_namespace("0 100000 65536");
    struct stat status;
    Stack stack;

    stack_make(&stack, scratch->fd, 3);
    assert_int_equal(fchownat(scratch->fd, "2/own-2", 7, 8, 0), 0);
    stack.overlay.id_map_fd = id_map_fd;
    stack.overlay.root_uid = stack.overlay.root_gid = 100000;
    stack.overlay.parent_fd = scratch->fd;
    _cleanup_close_ int root_fd = mount_overlay(state, &stack);
    assert_int_equal(fstatat(root_fd, "own-2", &status, 0), 0);
    assert_int_equal(status.st_uid, 100007);
    assert_int_equal(status.st_gid, 100008);
    assert_int_equal(fchownat(root_fd, "own-2", 100003, 100004, 0), 0);
    assert_int_equal(fstatat(scratch->fd, "upper/own-2", &status, 0), 0);
    assert_int_equal(status.st_uid, 3);
    assert_int_equal(status.st_gid, 4);
    stack_done(&stack);
}

static void more_layers_than_a_page_names_are_unsupported_by_the_child(void **state)
{
    const Scratch *scratch = *state;
    _cleanup_error_ Error err = {};
    int fds[TOO_MANY_LAYERS], fd = -EBADF;

    for (size_t i = 0; i < TOO_MANY_LAYERS; i++)
        fds[i] = scratch->fd;
    const Overlay overlay = {
        .lower_fds = fds, .n_lower = TOO_MANY_LAYERS, .upper_fd = -EBADF, .work_fd = -EBADF
    };

    assert_true(overlay_mount_in_child(&overlay, &fd, &err) < 0);
    assert_int_equal(err.kind, ERROR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "400 layers"));
}

/* The way that this kernel knows, by handle since Linux 6.5; and the other, which all know. */
static OverlayMount as_found = overlay_mount, in_child = overlay_mount_in_child;

#define CASE(test, place, method)                                                                  \
    {                                                                                              \
#test " (" #place ", " #method ")", test, scratch_setup_##place, scratch_teardown, &method \
    }
#define ALL_CASES(test)                                                                            \
    CASE(test, disk, as_found), CASE(test, disk, in_child), CASE(test, memory, as_found),          \
        CASE(test, memory, in_child)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ALL_CASES(one_layer_shows),
        ALL_CASES(ten_layers_stack_in_order),
        ALL_CASES(a_hundred_and_twenty_five_layers_stack_in_order),
        ALL_CASES(a_write_goes_to_upper_and_to_no_layer),
        ALL_CASES(a_whiteout_hides_what_lies_below),
        ALL_CASES(an_opaque_directory_hides_what_lies_below_it),
        ALL_CASES(a_layer_cannot_redirect_into_another_directory),
        ALL_CASES(upper_holds_no_reference_to_the_layers_it_was_mounted_on),
        ALL_CASES(without_an_upper_nothing_can_be_written),
        ALL_CASES(a_volatile_upper_can_be_mounted_only_once),
        ALL_CASES(the_mount_shows_in_no_namespace_and_can_be_placed_in_one),
        ALL_CASES(a_descriptor_without_a_directory_is_refused),
        ALL_CASES(an_upper_on_an_overlay_is_unsupported_with_the_reason),
        ALL_CASES(mapped_ids_show_outside_and_are_stored_as_inside),
        CASE(a_directory_whose_path_leads_elsewhere_is_refused_by_the_child, disk, in_child),
        CASE(more_layers_than_a_page_names_are_unsupported_by_the_child, disk, in_child),
    };

    return cmocka_run_group_tests(tests, scratch_enter_namespace, NULL);
}
