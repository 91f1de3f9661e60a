/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Time commands from vfork to the end of wait, taking turns, so that whatever disturbs the machine
 * disturbs all of them alike.
 *
 *     time-command RUNS WARMUP PAUSE_MS --- [--root DIR] PROGRAM [ARGUMENT...] [--- ...]
 *
 * Prints one line per timed run, with tabs between: the command's number (from 0), nanoseconds,
 * microseconds of user and system time, and the peak of its resident memory in KiB, children that
 * it waited for included. That peak begins with our own, from the moment between vfork and exec:
 * hence this program is static and small. PROGRAM is a
 * path, taken inside DIR, which the child makes its root before it executes: an engine installed in
 * a directory of its own is measured without the cost of chroot(1). Standard streams are /dev/null.
 * A command that fails ends everything: its time would mean nothing. PAUSE_MS is waited before each
 * run: back to back, kernel work that is put off (RCU, cgroup locks) is cheaper than it is for
 * somebody who types one command.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SEPARATOR "---"
#define MAX_COMMANDS 64
#define EXIT_CANNOT_EXECUTE 127

typedef struct Command {
    const char *root; /* NULL: ours */
    char **arguments;
} Command;

static int64_t now(void)
{
    struct timespec time;

    (void)clock_gettime(CLOCK_MONOTONIC, &time); /* cannot fail with this clock */
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* Runs in our memory: system calls only. */
static _Noreturn void child_run(const Command *command, int null_fd)
{
    for (int fd = 0; fd < 3; fd++)
        (void)dup2(null_fd, fd);
    if (!command->root || (chroot(command->root) == 0 && chdir("/") == 0))
        (void)execv(command->arguments[0], command->arguments);
    _exit(EXIT_CANNOT_EXECUTE);
}

typedef struct Measurement {
    int64_t nanoseconds;
    struct rusage usage;
} Measurement;

static long long microseconds(const struct timeval *time)
{
    return (long long)time->tv_sec * 1000000 + time->tv_usec;
}

static int command_time(const Command *command, int null_fd, Measurement *ret)
{
    int status = 0;
    int64_t start = now();

    pid_t pid = vfork();
    if (pid == 0)
        child_run(command, null_fd);
    if (pid < 0 || wait4(pid, &status, 0, &ret->usage) < 0) {
        perror("time-command");
        return -1;
    }
    ret->nanoseconds = now() - start;

    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    (void)fprintf(stderr, "time-command: '%s' ended with %s %d\n", command->arguments[0],
                  WIFEXITED(status) ? "status" : "signal",
                  WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
    return -1;
}

/* Split the arguments at their separators, each of which becomes the end of a list. */
static size_t commands_read(char **arguments, Command commands[static MAX_COMMANDS])
{
    size_t count = 0;

    while (*arguments && count < MAX_COMMANDS) {
        Command *command = &commands[count];

        *arguments++ = NULL;
        if (*arguments && strcmp(*arguments, "--root") == 0 && arguments[1]) {
            command->root = arguments[1];
            arguments += 2;
        }
        command->arguments = arguments;
        while (*arguments && strcmp(*arguments, SEPARATOR) != 0)
            arguments++;
        if (arguments == command->arguments)
            return 0;
        count++;
    }
    return count;
}

static int number_read(const char *text, long limit, long *ret)
{
    char *end;

    errno = 0;
    *ret = strtol(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && *ret >= 0 && *ret <= limit ? 0 : -1;
}

int main(int argc, char **argv)
{
    Command commands[MAX_COMMANDS] = { 0 };
    long runs, warmup, pause_ms;
    size_t n_commands = 0;

    if (argc > 5 && number_read(argv[1], 1000000, &runs) == 0 &&
        number_read(argv[2], 1000000, &warmup) == 0 &&
        number_read(argv[3], 60000, &pause_ms) == 0 && strcmp(argv[4], SEPARATOR) == 0)
        n_commands = commands_read(argv + 4, commands);
    if (n_commands == 0) {
        (void)fputs("usage: time-command RUNS WARMUP PAUSE_MS --- [--root DIR] PROGRAM "
                    "[ARGUMENT...] [--- ...]\n",
                    stderr);
        return EXIT_FAILURE;
    }

    int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (long run = -warmup; run < runs; run++) {
        for (size_t i = 0; i < n_commands; i++) {
            Measurement found;

            if (pause_ms > 0)
                (void)poll(NULL, 0, (int)pause_ms); /* a shorter pause changes nothing */
            if (command_time(&commands[i], null_fd, &found) < 0)
                return EXIT_FAILURE;
            if (run >= 0)
                (void)printf("%zu\t%lld\t%lld\t%ld\n", i, (long long)found.nanoseconds,
                             microseconds(&found.usage.ru_utime) +
                                 microseconds(&found.usage.ru_stime),
                             found.usage.ru_maxrss);
        }
    }
    return EXIT_SUCCESS;
}
