/* SPDX-License-Identifier: Apache-2.0 */

/* Whole files: limits, atomic replacement, refusal of what is no regular file. */

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "scratch.h"

static void a_file_is_written_and_read_whole(void **state)
{
    Scratch *scratch = *state;
    _cleanup_free_ char *data = NULL;
    size_t size = 0;
    struct stat st;

    assert_int_equal(file_write_at(scratch->fd, "f", "old", 3, 0600, 0), 0);
    assert_int_equal(file_write_at(scratch->fd, "f", "new\0text", 8, 0640, FILE_WRITE_SYNC), 0);
    assert_int_equal(file_read_at(scratch->fd, "f", 100, &data, &size), 0);
    assert_int_equal(size, 8);
    assert_memory_equal(data, "new\0text", 9);
    assert_int_equal(fstatat(scratch->fd, "f", &st, 0), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
}

static void a_failed_write_leaves_nothing(void **state)
{
    Scratch *scratch = *state;
    struct stat before, after;

    assert_int_equal(mkdirat(scratch->fd, "d", 0755), 0);
    assert_int_equal(fstat(scratch->fd, &before), 0);
    assert_int_equal(file_write_at(scratch->fd, "d", "x", 1, 0600, 0), -EISDIR);
    assert_int_equal(fstatat(scratch->fd, "d", &after, 0), 0);
    assert_int_equal(unlinkat(scratch->fd, "d", AT_REMOVEDIR), 0);
    assert_int_equal(fstat(scratch->fd, &after), 0);
    assert_int_equal(after.st_nlink, 2);
}

static void a_file_beyond_the_limit_is_refused(void **state)
{
    Scratch *scratch = *state;
    _cleanup_free_ char *data = NULL;

    assert_int_equal(file_write_at(scratch->fd, "f", "12345", 5, 0600, 0), 0);
    assert_int_equal(file_read_at(scratch->fd, "f", 4, &data, NULL), -EFBIG);
    assert_null(data);
    assert_int_equal(file_read_at(scratch->fd, "f", 5, &data, NULL), 0);
    assert_string_equal(data, "12345");
}

static void an_endless_file_is_refused(void **state)
{
    _cleanup_close_ int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    char *data = NULL;

    (void)state;
    assert_int_equal(fd_read_all(fd, 100000, &data, NULL), -EFBIG);
}

static void symlinks_and_fifos_are_not_read(void **state)
{
    Scratch *scratch = *state;
    char *data = NULL;

    assert_int_equal(symlinkat("/etc/passwd", scratch->fd, "link"), 0);
    assert_int_equal(file_read_at(scratch->fd, "link", 100000, &data, NULL), -ELOOP);
    assert_int_equal(mkfifoat(scratch->fd, "fifo", 0600), 0);
    assert_int_equal(file_read_at(scratch->fd, "fifo", 100000, &data, NULL), -EINVAL);
}

static void taking_a_descriptor_empties_its_slot(void **state)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), taken;

    (void)state;
    taken = TAKE_FD(fd);
    assert_int_equal(fd, -EBADF);
    assert_int_equal(fcntl(taken, F_GETFD), FD_CLOEXEC);
    assert_int_equal(fd_close(taken), -EBADF);
    assert_int_equal(fcntl(taken, F_GETFD), -1);
}

static void file_systems_of_the_kernel_are_told_from_those_with_files(void **state)
{
    Scratch *scratch = *state;
    _cleanup_close_ int proc_fd = open("/proc/self/status", O_PATH | O_CLOEXEC);
    _cleanup_close_ int sys_fd = open("/sys", O_PATH | O_CLOEXEC);

    assert_true(fd_is_of_kernel(proc_fd));
    assert_true(fd_is_of_kernel(sys_fd));
    assert_false(fd_is_of_kernel(scratch->fd));
    assert_false(fd_is_of_kernel(-EBADF));
}

static void data_is_read_from_its_beginning(void **state)
{
    _cleanup_close_ int fd = fd_from_data("data", "some\0text", 9), empty_fd = -EBADF;
    char text[16];

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    assert_int_equal(fd_read_full(fd, text, sizeof(text)), 9);
    assert_memory_equal(text, "some\0text", 9);
    empty_fd = fd_from_data("data", "", 0);
    assert_int_equal(fd_read_full(empty_fd, text, sizeof(text)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(a_file_is_written_and_read_whole),
        scratch_test(a_failed_write_leaves_nothing),
        scratch_test(a_file_beyond_the_limit_is_refused),
        cmocka_unit_test(an_endless_file_is_refused),
        cmocka_unit_test(data_is_read_from_its_beginning),
        scratch_test(symlinks_and_fifos_are_not_read),
        scratch_test(file_systems_of_the_kernel_are_told_from_those_with_files),
        cmocka_unit_test(taking_a_descriptor_empties_its_slot),
    };

    return cmocka_run_group_tests_name("fd", tests, NULL, NULL);
}
