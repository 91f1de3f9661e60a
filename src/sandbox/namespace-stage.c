/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Until it is in the container's namespaces for good nobody may look into it: it holds the host's
 * descriptors. The one exception is an ordinary user's process, whose own files in /proc would be
 * root's and closed to the user; it waits for its maps in a namespace that nobody else is in.
 */

#include "sandbox/namespace-stage-private.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/process.h"
#include "base/socket.h"
#include "base/syscalls.h"

#define STAGE_GO_ON 'm' /* what the parent sends: the maps are written */

typedef struct StageMessage {
    Report report;
    pid_t pid; /* of the first process, its pidfd along with it; 0: the maps are to be written */
} StageMessage;

static int set_dumpable(bool is_dumpable, Report *report)
{
    if (prctl(PR_SET_DUMPABLE, is_dumpable, 0, 0, 0) < 0)
        return report_errno(report, "protect the process from being traced");
    return 0;
}

static int send_message(const NamespaceStage *stage, const StageMessage *message, int pidfd)
{
    return socket_send(stage->stage_fd, message, sizeof(*message), &pidfd, pidfd >= 0 ? 1 : 0);
}

/* The parent's end is ours. */
static void wait_for_maps(const NamespaceStage *stage)
{
    const StageMessage question = {};
    char byte = 0;
    ssize_t n = -1;

    if (send_message(stage, &question, -EBADF) == 0)
        do
            n = recv(stage->stage_fd, &byte, 1, 0);
        while (n < 0 && errno == EINTR);
    if (n != 1 || byte != STAGE_GO_ON)
        _exit(EXIT_FAILURE);
}

static int make_user_namespace(const NamespaceStage *stage, Report *report)
{
    int r = 0;

    if (unshare(CLONE_NEWUSER) < 0)
        return report_errno(report, "make a user namespace");
    stage->plan->create &= ~(uint64_t)CLONE_NEWUSER;
    if (stage->plan->is_ordinary)
        r = set_dumpable(true, report);
    if (r < 0)
        return r;
    wait_for_maps(stage);
    return set_dumpable(false, report);
}

static int enter_user_namespace(const NamespaceStage *stage, Report *report)
{
    int r = namespace_plan_join(stage->plan, false, report);

    if (r == 0 && namespace_plan_makes_user(stage->plan))
        r = make_user_namespace(stage, report);
    return r == 0 ? namespace_plan_join(stage->plan, true, report) : r;
}

/* Offsets can be set as long as nobody is in the namespace: our children will be. */
static int make_time_namespace(NamespacePlan *plan, int offsets_fd, Report *report)
{
    int r = 0;

    if (unshare(CLONE_NEWTIME) < 0)
        return errno == EINVAL ? report_set(report, ERROR_UNSUPPORTED,
                                            "linux.namespaces: this kernel has no time namespaces")
                               : report_errno(report, "make a time namespace");
    plan->create &= ~(uint64_t)CLONE_NEWTIME;
    if (plan->time_offsets[0])
        r = fd_write_all(offsets_fd, plan->time_offsets, strlen(plan->time_offsets));
    if (r == -ERANGE)
        return report_set(report, ERROR_INVALID,
                          "linux.timeOffsets: a clock would begin before 0 or go too far");
    return r < 0 ? report_result(report, r, "linux.timeOffsets: set them") : 0;
}

static int run_stage(const NamespaceStage *stage, StageMessage *message, int *ret_pidfd)
{
    NamespacePlan *plan = stage->plan;
    _cleanup_error_ Error err = {};
    /* The right to write to it is that of whoever opened it, so not later. */
    _cleanup_close_ int offsets_fd = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
    int r = set_dumpable(false, &message->report);

    if (r == 0)
        r = enter_user_namespace(stage, &message->report);
    if (r == 0 && (plan->create & CLONE_NEWTIME))
        r = make_time_namespace(plan, offsets_fd, &message->report);
    if (r < 0)
        return r;

    message->pid = stage->clone(stage->data, ret_pidfd, &err);
    if (message->pid < 0)
        return report_set(&message->report, err.kind, error_message(&err));
    return 0;
}

static _Noreturn void stage_main(const NamespaceStage *stage)
{
    StageMessage message = {};
    int pidfd = -EBADF, r;

    fd_close(stage->parent_fd); /* or its end would never be seen */
    r = run_stage(stage, &message, &pidfd);
    if (r < 0)
        message.pid = 0;
    (void)send_message(stage, &message, pidfd); /* a caller that is gone has ended the child too */
    _exit(r < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}

/* No handler of ours may run in the copy, nor in the container's first process. */
static int start_stage(const NamespaceStage *stage, Process *ret, Error *err)
{
    struct clone_args arguments = {
        .flags = CLONE_PIDFD,
        .pidfd = (uint64_t)(uintptr_t)&ret->pidfd,
        .exit_signal = SIGCHLD,
    };
    sigset_t all, previous;
    pid_t pid;
    int r;

    sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, &previous);
    pid = sys_clone3(&arguments);
    if (pid == 0)
        stage_main(stage);
    r = pid < 0 ? error_errno(err, "clone a process that enters the namespaces") : 0;
    (void)sigprocmask(SIG_SETMASK, &previous, NULL);
    if (r == 0)
        ret->pid = pid;
    return r;
}

/* The first process holds the other end as well, so that only the pidfd tells of an early end. */
static int receive_message(const NamespaceStage *stage, const Process *process, StageMessage *ret,
                           int *ret_pidfd, Error *err)
{
    struct pollfd fds[] = { { .fd = stage->parent_fd, .events = POLLIN },
                            { .fd = process->pidfd, .events = POLLIN } };
    ssize_t n;

    while (poll(fds, ARRAY_SIZE(fds), -1) < 0)
        if (errno != EINTR)
            return error_errno(err, "wait for the namespaces");
    n = fds[0].revents & POLLIN ? socket_receive(stage->parent_fd, ret, sizeof(*ret), ret_pidfd, 1)
                                : 0;
    if (n != (ssize_t)sizeof(*ret))
        return error_set(err, ERROR_SYSTEM,
                         "the process that enters the namespaces ended before it was done");
    ret->report.text[sizeof(ret->report.text) - 1] = '\0';
    return ret->report.kind == ERROR_NONE ? 0 : report_to_error(&ret->report, err);
}

static int answer_question(const NamespaceStage *stage, const Process *process, Error *err)
{
    const char byte = STAGE_GO_ON;
    int r = stage->write_maps(stage->data, process->pid, err);

    if (r < 0)
        return r;
    r = socket_send(stage->parent_fd, &byte, sizeof(byte), NULL, 0);
    return r < 0 ? error_result(err, r, "talk to the process that enters the namespaces") : 0;
}

int namespace_stage_run(const NamespaceStage *stage, pid_t *ret_pid, int *ret_pidfd, Error *err)
{
    _cleanup_process_ Process process = PROCESS_INIT;
    _cleanup_close_ int pidfd = -EBADF;
    StageMessage message = {};
    int r = start_stage(stage, &process, err);

    while (r >= 0) {
        r = receive_message(stage, &process, &message, &pidfd, err);
        if (r < 0 || message.pid > 0)
            break;
        r = answer_question(stage, &process, err);
    }
    if (r < 0)
        return r;

    *ret_pid = message.pid;
    *ret_pidfd = TAKE_FD(pidfd);
    return 0;
}
