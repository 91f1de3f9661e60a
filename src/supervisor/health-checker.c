/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A fork of the shim that keeps nothing of it but what it needs: least of all the connections of
 * its clients and the lock of its container, which would seem to live on in it.
 */

#include "supervisor/health-checker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/socket.h"
#include "supervisor/container-join.h"
#include "supervisor/exec-request.h"

#define CONFIG_NAME "config.json"
#define OOM_SCORE_PATH "/proc/self/oom_score_adj"

static int compare_fds(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/* Close all from 3 on but @kept, which is sorted on the way. */
static void close_others(int *kept, size_t count)
{
    unsigned first = STDERR_FILENO + 1;

    qsort(kept, count, sizeof(*kept), compare_fds);
    for (size_t i = 0; i < count; i++) {
        if (kept[i] < (int)first)
            continue;
        if ((unsigned)kept[i] > first)
            (void)close_range(first, (unsigned)kept[i] - 1, 0);
        first = (unsigned)kept[i] + 1;
    }
    (void)close_range(first, ~0U, 0);
}

static int execute(const HealthCheckerOptions *options, int output_fd, SandboxProcess **ret,
                   Error *err)
{
    _cleanup_(runtime_config_freep) RuntimeConfig *config = NULL;
    _cleanup_close_ int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    const ExecRequest request = { .arguments = *options->arguments };
    const SandboxExecOptions exec = {
        .container_pid = options->container_pid,
        .container_pidfd = options->container_pidfd,
        .stdio = { null_fd, output_fd, output_fd },
        .cache_fd = options->cache_fd,
    };
    int r = null_fd < 0 ? error_errno(err, "open '/dev/null'") : 0;

    if (r >= 0)
        r = runtime_config_read_at(options->bundle_fd, CONFIG_NAME, &config, err);
    if (r >= 0)
        r = exec_request_apply(&request, config, err);
    return r < 0 ? r : container_join(config, &exec, ret, err);
}

/* Until its end, or until nobody wants to know any more: then it is killed. */
static int32_t await_end(const SandboxProcess *process, int control_fd)
{
    int pidfd = sandbox_process_pidfd(process);
    struct pollfd fds[] = { { .fd = pidfd, .events = POLLIN },
                            { .fd = control_fd, .events = POLLIN } };
    siginfo_t info = {};

    while (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno == EINTR)
        ;
    /* Nothing is ever said to us: it is the end of the connection. The check leads a group of its
     * own, whose number is nobody else's until we have waited for it. */
    if (fds[1].revents)
        (void)kill(-sandbox_process_pid(process), SIGKILL); /* or it has just ended */
    while (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED) < 0 && errno == EINTR)
        ;
    return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

static void report(int control_fd, HealthReportType type, int32_t code)
{
    const HealthReport message = { .type = type, .code = code };

    /* If nobody is there any more, poll(2) will tell. */
    (void)socket_send(control_fd, &message, sizeof(message), NULL, 0);
}

static _Noreturn void checker_run(const HealthCheckerOptions *options, int control_fd,
                                  int output_fd)
{
    _cleanup_error_ Error err = {};
    SandboxProcess *process;
    int kept[] = { options->bundle_fd, options->cache_fd, options->container_pidfd, control_fd,
                   output_fd };

    close_others(kept, ARRAY_SIZE(kept));
    if (options->oom_score) /* a check is not to be spared, as its shim is */
        (void)file_poke_at(AT_FDCWD, OOM_SCORE_PATH, options->oom_score);
    if (execute(options, output_fd, &process, &err) < 0) {
        (void)fd_write_all(output_fd, error_message(&err), strlen(error_message(&err)));
        _exit(EXIT_FAILURE);
    }
    output_fd = fd_close(output_fd);
    report(control_fd, HEALTH_REPORT_STARTED, 0);
    report(control_fd, HEALTH_REPORT_ENDED, await_end(process, control_fd));
    _exit(EXIT_SUCCESS);
}

int health_checker_fork(const HealthCheckerOptions *options, Process *ret, int *ret_control_fd,
                        int *ret_output_fd)
{
    _cleanup_close_ int control_fd = -EBADF, child_control_fd = -EBADF;
    _cleanup_close_ int output_fd = -EBADF, child_output_fd = -EBADF;
    int ends[2], r = socket_pair(ends);
    pid_t pid;

    if (r < 0)
        return r;
    control_fd = ends[0];
    child_control_fd = ends[1];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    output_fd = ends[0];
    child_output_fd = ends[1];
    r = fd_set_nonblock(control_fd, true);
    if (r >= 0)
        r = fd_set_nonblock(output_fd, true);
    if (r < 0)
        return r;

    pid = fork();
    if (pid < 0)
        return -errno;
    if (pid == 0)
        checker_run(options, child_control_fd, child_output_fd);
    *ret = (Process) { .pid = pid, .pidfd = pidfd_open(pid, 0) };
    if (ret->pidfd < 0) { /* not reaped, so still ours */
        r = -errno;
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
        *ret = PROCESS_INIT;
        return r;
    }
    *ret_control_fd = TAKE_FD(control_fd);
    *ret_output_fd = TAKE_FD(output_fd);
    return 0;
}
