/* SPDX-License-Identifier: Apache-2.0 */

/* Starting programs: exactly the descriptors that were named, clean signals, plain errors. */

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/process.h"
#include "base/syscalls.h"
#include "scratch.h"

/* Run sh -c @script with @fds as 3, 4, ...; yields its output. Returns its exit code. */
static int run_script(const char *script, const int *fds, size_t n_fds, char **ret_output)
{
    const char *const arguments[] = { "sh", "-c", script, NULL };
    _cleanup_process_ Process process = PROCESS_INIT;
    int output[2], status;
    SpawnOptions options = {
        .program = "sh",
        .search = true,
        .arguments = arguments,
        .fds = fds,
        .n_fds = n_fds,
    };

    assert_int_equal(pipe2(output, O_CLOEXEC), 0);
    options.stdio[0] = -EBADF;
    options.stdio[1] = options.stdio[2] = output[1];
    assert_int_equal(process_spawn(&options, &process, NULL), 0);
    fd_close(output[1]);
    assert_int_equal(fd_read_all(output[0], 100000, ret_output, NULL), 0);
    fd_close(output[0]);
    assert_int_equal(process_wait(&process, &status), 0);
    return process_status_to_code(status);
}

static void the_exit_code_comes_back(void **state)
{
    _cleanup_free_ char *output = NULL;

    (void)state;
    assert_int_equal(run_script("echo out; echo err >&2; exit 7", NULL, 0, &output), 7);
    assert_string_equal(output, "out\nerr\n");
}

static void a_signal_counts_from_128(void **state)
{
    _cleanup_free_ char *output = NULL;

    (void)state;
    assert_int_equal(run_script("kill -TERM $$", NULL, 0, &output), 128 + SIGTERM);
}

static void only_named_descriptors_arrive_in_order(void **state)
{
    Scratch *scratch = *state;
    _cleanup_free_ char *output = NULL;
    int leaked = dup(scratch->fd); /* without close-on-exec */
    int fds[2];

    assert_int_equal(file_write_at(scratch->fd, "a", "A\n", 2, 0600, 0), 0);
    assert_int_equal(file_write_at(scratch->fd, "b", "B\n", 2, 0600, 0), 0);
    fds[1] = openat(scratch->fd, "a", O_RDONLY | O_CLOEXEC);
    fds[0] = openat(scratch->fd, "b", O_RDONLY | O_CLOEXEC);
    assert_int_equal(run_script("cat <&3; cat <&4; ls /proc/$$/fd", fds, 2, &output), 0);
    /* dash moves its script's descriptor nowhere: 0, 1, 2, 3, 4 is all there is. */
    assert_string_equal(output, "B\nA\n0\n1\n2\n3\n4\n");
    fd_close(fds[0]);
    fd_close(fds[1]);
    fd_close(leaked);
}

static void crossed_descriptors_are_not_overwritten(void **state)
{
    Scratch *scratch = *state;
    _cleanup_free_ char *output = NULL;
    int high[2], fds[2];

    assert_int_equal(file_write_at(scratch->fd, "a", "A\n", 2, 0600, 0), 0);
    assert_int_equal(file_write_at(scratch->fd, "b", "B\n", 2, 0600, 0), 0);
    high[0] = openat(scratch->fd, "a", O_RDONLY | O_CLOEXEC);
    high[1] = openat(scratch->fd, "b", O_RDONLY | O_CLOEXEC);
    /* Sources that are each other's targets. */
    fds[0] = dup2(high[0], 4);
    fds[1] = dup2(high[1], 3);
    assert_int_equal(run_script("cat <&3; cat <&4", fds, 2, &output), 0);
    assert_string_equal(output, "A\nB\n");
    fd_close(high[0] == 3 || high[0] == 4 ? -EBADF : high[0]);
    fd_close(high[1] == 3 || high[1] == 4 ? -EBADF : high[1]);
}

static void a_descriptor_that_is_not_there_leaves_a_gap(void **state)
{
    _cleanup_free_ char *output = NULL;
    int fds[3] = { -EBADF, -EBADF, -EBADF };
    int in_the_way = fcntl(STDERR_FILENO, F_DUPFD, 3); /* the gaps are gaps whatever was there */

    (void)state;
    fds[1] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_int_equal(run_script("ls /proc/$$/fd", fds, 3, &output), 0);
    assert_string_equal(output, "0\n1\n2\n4\n");
    fd_close(fds[1]);
    fd_close(in_the_way);
}

/* What @program writes when it is executed through a descriptor, with nothing else passed. */
static char *output_of_open_program(int program_fd)
{
    const char *const arguments[] = { "named", "/proc/self/fd", NULL };
    _cleanup_process_ Process process = PROCESS_INIT;
    SpawnOptions options = {
        .program = "/nowhere/at/all",
        .program_fd = &program_fd,
        .arguments = arguments,
        .stdio = { -EBADF, -EBADF, -EBADF },
    };
    int ends[2], status;
    char *output;

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    options.stdio[1] = ends[1];
    assert_int_equal(process_spawn(&options, &process, NULL), 0);
    fd_close(ends[1]);
    assert_int_equal(fd_read_all(ends[0], 100000, &output, NULL), 0);
    fd_close(ends[0]);
    assert_int_equal(process_wait(&process, &status), 0);
    return output;
}

static void an_open_program_is_executed_without_its_path(void **state)
{
    int program_fd = open("/bin/ls", O_PATH | O_CLOEXEC);
    _cleanup_free_ char *output = output_of_open_program(program_fd);

    (void)state;
    assert_string_equal(output, "0\n1\n2\n3\n"); /* 3 is the directory that it lists */
    fd_close(program_fd);
}

static void an_open_script_finds_its_interpreter(void **state)
{
    static const char script[] = "#!/bin/sh\necho script\n";
    Scratch *scratch = *state;
    _cleanup_free_ char *output = NULL;
    int program_fd;

    assert_int_equal(file_write_at(scratch->fd, "s", script, sizeof(script) - 1, 0700, 0), 0);
    program_fd = openat(scratch->fd, "s", O_RDONLY | O_CLOEXEC);
    output = output_of_open_program(program_fd);
    assert_string_equal(output, "script\n");
    fd_close(program_fd);
}

static void signals_are_at_their_defaults(void **state)
{
    static const unsigned long ignore[4] = { (unsigned long)SIG_IGN };
    _cleanup_free_ char *output = NULL;
    sigset_t blocked;

    (void)state;
    (void)signal(SIGPIPE, SIG_IGN);
    assert_int_equal(syscall(SYS_rt_sigaction, 32, ignore, NULL, 8), 0); /* one of libc's own */
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    assert_int_equal(run_script("grep -E 'Sig(Blk|Ign)' /proc/self/status", NULL, 0, &output), 0);
    sigprocmask(SIG_UNBLOCK, &blocked, NULL);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)sys_reset_signal(32);
    assert_string_equal(output, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

static void mounts_of_its_own_end_with_the_program(void **state)
{
    Scratch *scratch = *state;
    const char *const arguments[] = { "mount", "-t", "tmpfs", "none", scratch->path, NULL };
    SpawnOptions options = { .program = "mount",
                             .search = true,
                             .arguments = arguments,
                             .stdio = { -EBADF, -EBADF, -EBADF },
                             .new_mounts = true };
    _cleanup_process_ Process process = PROCESS_INIT;
    struct stat before, after;
    int status;

    assert_int_equal(stat(scratch->path, &before), 0);
    assert_int_equal(process_spawn(&options, &process, NULL), 0);
    assert_int_equal(process_wait(&process, &status), 0);
    assert_int_equal(status, 0);
    assert_int_equal(stat(scratch->path, &after), 0);
    assert_int_equal(before.st_dev, after.st_dev);
}

static void a_missing_program_is_not_found(void **state)
{
    static const char *const arguments[] = { "x", NULL };
    SpawnOptions options = { .program = "no-such-program-anywhere",
                             .search = true,
                             .arguments = arguments,
                             .stdio = { -EBADF, -EBADF, -EBADF } };
    Process process = PROCESS_INIT;
    _cleanup_error_ Error err = {};

    (void)state;
    assert_true(process_spawn(&options, &process, &err) < 0);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    options.search = false;
    options.program = "/no/such/program";
    assert_true(process_spawn(&options, &process, &err) < 0);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    options.program = "/etc/passwd";
    assert_true(process_spawn(&options, &process, &err) < 0);
    assert_int_equal(err.kind, ERROR_DENIED);
}

static void giving_a_process_up_kills_and_reaps_it(void **state)
{
    static const char *const arguments[] = { "cat", NULL };
    SpawnOptions options = { .program = "cat", .search = true, .arguments = arguments };
    Process process = PROCESS_INIT;
    int input[2];
    pid_t pid;

    (void)state;
    assert_int_equal(pipe2(input, O_CLOEXEC), 0);
    options.stdio[0] = input[0];
    options.stdio[1] = options.stdio[2] = -EBADF;
    assert_int_equal(process_spawn(&options, &process, NULL), 0);
    pid = process.pid;
    process_done(&process);
    assert_int_equal(kill(pid, 0), -1);
    fd_close(input[0]);
    fd_close(input[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_exit_code_comes_back),
        cmocka_unit_test(a_signal_counts_from_128),
        scratch_test(only_named_descriptors_arrive_in_order),
        scratch_test(crossed_descriptors_are_not_overwritten),
        cmocka_unit_test(a_descriptor_that_is_not_there_leaves_a_gap),
        cmocka_unit_test(an_open_program_is_executed_without_its_path),
        scratch_test(an_open_script_finds_its_interpreter),
        cmocka_unit_test(signals_are_at_their_defaults),
        scratch_test(mounts_of_its_own_end_with_the_program),
        cmocka_unit_test(a_missing_program_is_not_found),
        cmocka_unit_test(giving_a_process_up_kills_and_reaps_it),
    };

    return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
