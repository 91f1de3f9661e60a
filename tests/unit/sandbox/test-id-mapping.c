/* SPDX-License-Identifier: Apache-2.0 */

/* User namespaces for id mappings: what they map, and that no process stays with them. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "sandbox/id-mapping.h"

static LinuxIdMapping mappings[] = {
    { .container_id = 0, .host_id = 1000, .size = 10 },
    { .container_id = 4294967000, .host_id = 0, .size = 5 },
};

static void test_an_id_is_mapped_from_the_first_to_the_last_of_a_range(void **state)
{
    const LinuxIdMappings list = { .items = mappings, .count = 2 };

    (void)state;
    assert_true(id_mapping_has(&list, 0));
    assert_true(id_mapping_has(&list, 9));
    assert_false(id_mapping_has(&list, 10));
    assert_false(id_mapping_has(&list, 4294966999));
    assert_true(id_mapping_has(&list, 4294967004));
    assert_false(id_mapping_has(&list, 4294967005));
    assert_false(id_mapping_has(&(LinuxIdMappings) {}, 0));
}

/* The id that 3 inside is outside, as a process in the namespace sees it. */
static void assert_maps(int namespace_fd, uid_t expected)
{
    char path[] = "/tmp/id-mapping-XXXXXX";
    _cleanup_close_ int fd = mkstemp(path);
    struct stat st;
    pid_t pid;
    int status;

    assert_true(fd >= 0);
    assert_return_code(unlink(path), errno);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(setns(namespace_fd, CLONE_NEWUSER) < 0 || setuid(0) < 0 || fchown(fd, 3, 3) < 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_return_code(fstat(fd, &st), errno);
    assert_int_equal(st.st_uid, expected);
}

static void test_a_namespace_maps_as_it_was_told_and_no_process_stays(void **state)
{
    LinuxIdMapping root = { .container_id = 0, .host_id = 0, .size = 1000 };
    const LinuxIdMappings list = { .items = &root, .count = 1 };
    _cleanup_close_ int fd = -EBADF;
    _cleanup_error_ Error err = {};

    (void)state;
    assert_int_equal(id_mapping_open(&list, &list, &fd, &err), 0);
    assert_int_equal(ioctl(fd, NS_GET_NSTYPE), CLONE_NEWUSER);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(waitpid(-1, NULL, WNOHANG | __WALL), -1);
    assert_int_equal(errno, ECHILD);
    assert_maps(fd, 3);
}

static void test_mappings_that_the_kernel_refuses_are_an_error_and_no_process_stays(void **state)
{
    LinuxIdMapping twice[] = { { 0, 0, 10 }, { 5, 100, 10 } };
    const LinuxIdMappings list = { .items = twice, .count = 2 };
    _cleanup_error_ Error err = {};
    int fd = -EBADF;

    (void)state;
    assert_int_equal(id_mapping_open(&list, &list, &fd, &err), -EINVAL);
    assert_non_null(strstr(err.message, "uid_map"));
    assert_int_equal(fd, -EBADF);
    assert_int_equal(waitpid(-1, NULL, WNOHANG | __WALL), -1);
    assert_int_equal(errno, ECHILD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_id_is_mapped_from_the_first_to_the_last_of_a_range),
        cmocka_unit_test(test_a_namespace_maps_as_it_was_told_and_no_process_stays),
        cmocka_unit_test(test_mappings_that_the_kernel_refuses_are_an_error_and_no_process_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
