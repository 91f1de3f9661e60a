/* SPDX-License-Identifier: Apache-2.0 */

/* A sealed program runs, and cannot be opened for writing by any of its names. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "sandbox/capabilities.h"
#include "sandbox/self-exe.h"

#define PROGRAM "/bin/true"

static int execute(int fd)
{
    char *const arguments[] = { (char *)"true", NULL };
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        (void)execveat(fd, "", arguments, environ, AT_EMPTY_PATH);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WEXITSTATUS(status);
}

static void test_a_sealed_program_runs(void **state)
{
    _cleanup_close_ int fd = -EBADF;

    (void)state;
    assert_int_equal(self_exe_open_sealed(PROGRAM, &fd, NULL), 0);
    assert_int_equal(execute(fd), 0);
}

static void test_a_sealed_program_cannot_be_written_by_anybody_though_its_file_can(void **state)
{
    char copy[] = "/tmp/test-self-exe-XXXXXX", path[32];
    _cleanup_close_ int writable = mkostemp(copy, O_CLOEXEC), fd = -EBADF;

    (void)state;
    assert_int_equal(fd_write_all(writable, "program", 7), 0);
    assert_int_equal(self_exe_open_sealed(copy, &fd, NULL), 0);
    assert_int_equal(unlink(copy), 0);

    assert_int_equal(open(path_of_fd(path, fd), O_RDWR | O_CLOEXEC), -1);
    assert_int_equal(errno, EROFS);
    assert_int_equal(truncate(path_of_fd(path, fd), 0), -1);
    assert_int_equal(errno, EROFS);
    assert_int_equal(fd_write_all(writable, "more", 4), 0);
}

/* Without CAP_SYS_ADMIN no mount can be cloned: a copy in memory has to do. */
static int check_copy(void)
{
    _cleanup_close_ int fd = -EBADF, writable = -EBADF;
    const CapabilitySets none = {};
    char path[32];

    if (capabilities_apply(&none) < 0)
        return 1;
    if (self_exe_open_sealed(PROGRAM, &fd, NULL) < 0 || execute(fd) != 0)
        return 2;
    writable = open(path_of_fd(path, fd), O_RDWR | O_CLOEXEC);
    return writable >= 0 && write(writable, "x", 1) != -1 ? 3 : 0;
}

static void test_where_mounts_are_forbidden_a_sealed_copy_runs(void **state)
{
    int status;
    pid_t pid = fork();

    (void)state;
    if (pid == 0)
        _exit(check_copy());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void test_a_missing_program_is_told(void **state)
{
    _cleanup_error_ Error err = {};
    int fd = -EBADF;

    (void)state;
    assert_int_equal(self_exe_open_sealed("/no/such/program", &fd, &err), -ENOENT);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    assert_int_equal(fd, -EBADF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_sealed_program_runs),
        cmocka_unit_test(test_a_sealed_program_cannot_be_written_by_anybody_though_its_file_can),
        cmocka_unit_test(test_where_mounts_are_forbidden_a_sealed_copy_runs),
        cmocka_unit_test(test_a_missing_program_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
