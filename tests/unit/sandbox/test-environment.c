/* SPDX-License-Identifier: Apache-2.0 */

/* Variables, and the home directory from a file that may be anything. */

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "sandbox/environment-private.h"
#include "scratch.h"

static char *joined_environment(const char *variables, unsigned n_sockets)
{
    RuntimeProcess process = {};
    Environment environment = {};
    char *joined;

    string_list_split(&process.env, variables, ' ');
    environment_plan(&process, n_sockets, &environment);
    joined = string_list_join(&environment.variables, " ");
    environment_done(&environment);
    string_list_done(&process.env);
    return joined;
}

static void variables_are_kept_and_home_is_never_missing(void **state)
{
    static const struct {
        const char *variables, *expected;
        unsigned n_sockets;
    } cases[] = {
        { "A=1 HOME=/x B=", "A=1 HOME=/x B=", 0 },
        { "A=1 HOMES=/x", "A=1 HOMES=/x HOME=/", 0 },
        { "HOME= A=1", "A=1 HOME=/", 0 },
        { "LISTEN_FDS=3 LISTEN_PID=7 HOME=/", "LISTEN_FDS=3 LISTEN_PID=7 HOME=/", 0 },
        { "LISTEN_FDS=3 LISTEN_PID=7 HOME=/", "HOME=/ LISTEN_FDS=2 LISTEN_PID=1", 2 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_free_ char *joined = joined_environment(cases[i].variables, cases[i].n_sockets);

        assert_string_equal(joined, cases[i].expected);
    }
}

static void assert_home(const Scratch *scratch, uid_t uid, const char *expected)
{
    RuntimeProcess process = {};
    Environment environment = {};

    environment_plan(&process, 0, &environment);
    environment_find_home(&environment, scratch->fd, uid);
    assert_string_equal(environment.home, expected);
    environment_done(&environment);
}

static void write_passwd(const Scratch *scratch, const char *text, size_t size)
{
    int fd;

    (void)mkdirat(scratch->fd, "etc", 0755);
    fd = openat(scratch->fd, "etc/passwd", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_int_equal(fd_write_all(fd, text, size), 0);
    fd_close(fd);
}

static void the_first_whole_line_of_the_user_counts(void **state)
{
    static const char passwd[] = "short:x:7\n"
                                 "negative:x:-1:0::/negative:\n"
                                 "large:x:4294967303:0::/large:\n"
                                 "a:x:7:7::/seven:/bin/sh\n"
                                 "b:x:7:7::/other:/bin/sh\n"
                                 "c:x:8:8:::\n"
                                 "d:x:9:9::/nine";
    const Scratch *scratch = *state;

    assert_home(scratch, 7, "HOME=/");
    write_passwd(scratch, passwd, strlen(passwd));
    assert_home(scratch, 7, "HOME=/seven");
    assert_home(scratch, 8, "HOME=/");
    assert_home(scratch, 9, "HOME=/nine");
    assert_home(scratch, 10, "HOME=/");
}

static void a_file_without_lines_or_end_is_bounded(void **state)
{
    const Scratch *scratch = *state;
    const size_t size = 3U << 20;
    _cleanup_free_ char *text = memory_new(1, size);
    static const char last[] = "\nz:x:5:5::/late:\n";

    memset(text, 'x', size);
    write_passwd(scratch, text, size);
    assert_home(scratch, 5, "HOME=/");
    memcpy(text + 10000, last, strlen(last));
    write_passwd(scratch, text, size);
    assert_home(scratch, 5, "HOME=/late");
    memset(text + 10000, 'x', strlen(last));
    memcpy(text + size - strlen(last), last, strlen(last));
    write_passwd(scratch, text, size);
    assert_home(scratch, 5, "HOME=/"); /* nobody has as many users */
}

static void what_is_no_file_is_not_waited_for(void **state)
{
    const Scratch *scratch = *state;

    (void)mkdirat(scratch->fd, "etc", 0755);
    assert_int_equal(mkfifoat(scratch->fd, "etc/passwd", 0644), 0);
    assert_home(scratch, 5, "HOME=/");
    assert_int_equal(unlinkat(scratch->fd, "etc/passwd", 0), 0);
    assert_int_equal(symlinkat("/proc/self/fd/0", scratch->fd, "etc/passwd"), 0);
    assert_home(scratch, 5, "HOME=/");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(variables_are_kept_and_home_is_never_missing),
        scratch_test(the_first_whole_line_of_the_user_counts),
        scratch_test(a_file_without_lines_or_end_is_bounded),
        scratch_test(what_is_no_file_is_not_waited_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
