/* SPDX-License-Identifier: Apache-2.0 */

/* Descriptors that a child makes. */

#include "base/child-fd.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "scratch.h"

static int open_there(const void *data)
{
    if (chdir(data) < 0)
        return -errno;
    return open("file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

static int refuse(const void *data)
{
    return *(const int *)data;
}

static int die(const void *data)
{
    (void)data;
    (void)raise(SIGKILL);
    return 0;
}

static void the_descriptor_is_all_that_stays_of_the_child(void **state)
{
    Scratch *scratch = *state;
    _cleanup_close_ int fd = child_fd_make(open_there, scratch->path);
    struct stat here, there;

    assert_true(fd >= 0);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    assert_int_equal(fstat(fd, &here), 0);
    assert_int_equal(fstatat(scratch->fd, "file", &there, 0), 0);
    assert_int_equal(here.st_ino, there.st_ino);
    assert_int_equal(access("file", F_OK), -1); /* it was the child that went there */
}

static void its_failure_is_ours(void **state)
{
    const int failure = -EXDEV;

    (void)state;
    assert_int_equal(child_fd_make(refuse, &failure), -EXDEV);
    assert_int_equal(child_fd_make(die, NULL), -EIO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(the_descriptor_is_all_that_stays_of_the_child),
        cmocka_unit_test(its_failure_is_ours),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
