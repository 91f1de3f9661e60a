/* SPDX-License-Identifier: Apache-2.0 */

/* A process is known by its pid and its start, whatever it calls itself. */

#include "check.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "oci/process-identity.h"

#define NUMBERS " 1 2 3 0 -1 4194560 5 6 7 8 9 10 11 12 20 0 1 0 "

static void the_start_is_found_whatever_the_command_is(void **state)
{
    static const char *const lines[] = {
        "1 (sh) S" NUMBERS "4711 1 2",
        "1 (a) R 9 9) S" NUMBERS "4711 1 2",
        "1 () ) R) R" NUMBERS "4711\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        uint64_t start = 0;

        assert_int_equal(process_start_time_parse(lines[i], &start), 0);
        assert_int_equal(start, 4711);
    }
}

static void the_dead_and_the_damaged_have_no_start(void **state)
{
    uint64_t start;

    (void)state;
    assert_int_equal(process_start_time_parse("1 (sh) Z" NUMBERS "4711", &start), -ESRCH);
    assert_int_equal(process_start_time_parse("1 (sh) X" NUMBERS "4711", &start), -ESRCH);
    assert_int_equal(process_start_time_parse("1 (sh) S 1 2", &start), -EBADMSG);
    assert_int_equal(process_start_time_parse("", &start), -EBADMSG);
}

static void a_process_is_found_by_its_start(void **state)
{
    _cleanup_close_ int fd = -EBADF;
    uint64_t start;

    (void)state;
    assert_int_equal(process_start_time(getpid(), &start), 0);
    fd = process_open(getpid(), start);
    assert_true(fd >= 0);
    assert_true(process_is_alive(getpid(), start));
    assert_int_equal(process_open(getpid(), start + 1), -ESRCH);
    assert_false(process_is_alive(getpid(), start + 1));
}

static void one_that_nobody_has_reaped_is_dead(void **state)
{
    pid_t pid = fork();
    siginfo_t info;
    uint64_t start;

    (void)state;
    if (pid == 0)
        _exit(0);
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(process_start_time(pid, &start), -ESRCH);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(process_start_time(pid, &start), -ESRCH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_start_is_found_whatever_the_command_is),
        cmocka_unit_test(the_dead_and_the_damaged_have_no_start),
        cmocka_unit_test(a_process_is_found_by_its_start),
        cmocka_unit_test(one_that_nobody_has_reaped_is_dead),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
