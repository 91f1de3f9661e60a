/* SPDX-License-Identifier: Apache-2.0 */

/* Loop devices that end with their last user. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "storage/loop-device.h"

#define IMAGE_SIZE 65536

static int make_image(char first)
{
    int fd = memfd_create("image", MFD_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, IMAGE_SIZE), 0);
    assert_int_equal(pwrite(fd, &first, 1, 0), 1);
    return fd;
}

/* Machines without loop devices, containers for one, have nothing to test. */
static void open_device(int image_fd, bool read_only, int *ret_fd, char **ret_path)
{
    _cleanup_error_ Error err = {};
    int r = loop_device_open(image_fd, read_only, ret_fd, ret_path, &err);

    if (r < 0 && err.kind == ERROR_UNSUPPORTED)
        skip();
    if (r < 0)
        fail_msg("%s", error_message(&err));
}

static void a_device_shows_the_file(void **state)
{
    _cleanup_close_ int image_fd = make_image('x'), fd = -EBADF;
    _cleanup_free_ char *path = NULL;
    char first;

    (void)state;
    open_device(image_fd, false, &fd, &path);
    assert_int_equal(strncmp(path, "/dev/loop", 9), 0);
    assert_int_equal(pread(fd, &first, 1, 0), 1);
    assert_int_equal(first, 'x');
}

static void a_file_has_one_device(void **state)
{
    _cleanup_close_ int image_fd = make_image('x'), fd = -EBADF, again_fd = -EBADF;
    _cleanup_close_ int other_fd = make_image('y'), third_fd = -EBADF;
    _cleanup_free_ char *path = NULL, *again = NULL, *third = NULL;

    (void)state;
    open_device(image_fd, false, &fd, &path);
    open_device(image_fd, false, &again_fd, &again);
    open_device(other_fd, false, &third_fd, &third);
    assert_string_equal(path, again);
    assert_string_not_equal(path, third);
}

static void a_device_ends_with_its_last_user(void **state)
{
    _cleanup_close_ int image_fd = make_image('x'), fd = -EBADF, look_fd = -EBADF;
    _cleanup_free_ char *path = NULL;
    struct loop_info64 info;
    struct stat file;

    (void)state;
    open_device(image_fd, false, &fd, &path);
    assert_int_equal(fstat(image_fd, &file), 0);
    fd = fd_close(fd);
    look_fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(look_fd >= 0);
    /* by now it may be somebody else's */
    assert_true(ioctl(look_fd, LOOP_GET_STATUS64, &info) < 0 || info.lo_inode != file.st_ino);
}

static void a_read_only_device_refuses_writes(void **state)
{
    _cleanup_close_ int image_fd = make_image('x'), fd = -EBADF;
    _cleanup_free_ char *path = NULL;

    (void)state;
    open_device(image_fd, true, &fd, &path);
    assert_int_equal(pwrite(fd, "y", 1, 0), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_shows_the_file),
        cmocka_unit_test(a_file_has_one_device),
        cmocka_unit_test(a_device_ends_with_its_last_user),
        cmocka_unit_test(a_read_only_device_refuses_writes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
