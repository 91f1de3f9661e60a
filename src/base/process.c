/* SPDX-License-Identifier: Apache-2.0 */

/*
 * vfork(2) and execve(2): the child shares our memory until it has executed, so starting a program
 * costs the same however large we are, and the child can leave its errno in a local of ours.
 */

#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <paths.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/string-list.h"
#include "base/syscalls.h"
#include "cay-config.h"

#define SPAWN_MAX_FDS 32

/* What the child needs, laid out before vfork(2): it must not allocate. */
typedef struct SpawnPlan {
    const char *program;
    char *const *arguments;
    char *const *environment;
    int fds[3 + SPAWN_MAX_FDS + 1]; /* sources, by target number; the last is the program's */
    int n_fds;                      /* without the program's */
    int mounts_fd;                  /* -EBADF: ours */
    bool new_mounts;
    bool new_session;
    bool die_with_parent;
} SpawnPlan;

/*
 * Put the sources on 0, 1, 2, ..., the program's descriptor on the number after them, and close all
 * others. Returns 0 or -errno.
 */
static int child_arrange_fds(SpawnPlan *plan)
{
    int count = plan->n_fds + 1;

    /* A source that is itself a target number would be overwritten: move those out of the way. */
    for (int target = 0; target < count; target++) {
        if (plan->fds[target] >= 0 && plan->fds[target] < count) {
            plan->fds[target] = fcntl(plan->fds[target], F_DUPFD_CLOEXEC, count);
            if (plan->fds[target] < 0)
                return -errno;
        }
    }
    for (int target = 0; target < count; target++) {
        if (plan->fds[target] < 0)
            (void)close(target); /* a gap; most often there is nothing to close */
        else if (dup3(plan->fds[target], target, target == plan->n_fds ? O_CLOEXEC : 0) < 0)
            return -errno;
    }

    return close_range((unsigned)count, ~0U, 0) < 0 ? -errno : 0;
}

/* A script's interpreter opens the script again by its number, so there it has to stay open. */
static int child_execute_fd(const SpawnPlan *plan)
{
    execveat(plan->n_fds, "", plan->arguments, plan->environment, AT_EMPTY_PATH);
    if (errno == ENOENT && fcntl(plan->n_fds, F_SETFD, 0) == 0)
        execveat(plan->n_fds, "", plan->arguments, plan->environment, AT_EMPTY_PATH);
    return -errno;
}

static int child_execute(SpawnPlan *plan)
{
    sigset_t none;
    int r;

    for (int signal = 1; signal < NSIG; signal++)
        (void)sys_reset_signal(signal); /* fails for KILL and STOP */
    if (plan->mounts_fd >= 0 && setns(plan->mounts_fd, CLONE_NEWNS) < 0)
        return -errno;
    if (plan->new_mounts &&
        (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0))
        return -errno;
    if (plan->new_session && setsid() < 0)
        return -errno;
    if (plan->die_with_parent && prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        return -errno;
    r = child_arrange_fds(plan);
    if (r < 0)
        return r;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (plan->fds[plan->n_fds] >= 0)
        return child_execute_fd(plan);
    execve(plan->program, plan->arguments, plan->environment);
    return -errno;
}

/* Returns the child's pid, or the -errno that it failed with before or in execve(2). */
static pid_t vfork_and_execute(SpawnPlan *plan)
{
    volatile int failure = 0;
    sigset_t all, previous;
    pid_t pid;

    /* A handler of ours must not run in the child: it would run on our memory. */
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &previous);
    pid = vfork();
    if (pid == 0) {
        failure = child_execute(plan);
        _exit(127);
    }
    if (pid < 0)
        failure = -errno;
    sigprocmask(SIG_SETMASK, &previous, NULL);

    if (failure == 0)
        return pid;
    if (pid > 0)
        (void)waitpid(pid, NULL, 0); /* it has ended already */
    return failure;
}

/* The first executable file @name in PATH; @name itself when it has a slash. NULL when there is
 * none. */
static char *find_in_path(const char *name)
{
    const char *path = getenv("PATH");
    _cleanup_string_list_ StringList directories = {};

    if (strchr(name, '/'))
        return memory_strdup(name);
    string_list_split(&directories, path ? path : _PATH_DEFPATH, ':');
    for (size_t i = 0; i < directories.count; i++) {
        const char *directory = directories.items[i];
        _cleanup_free_ char *candidate = memory_printf("%s/%s", *directory ? directory : ".", name);

        if (access(candidate, X_OK) == 0)
            return TAKE_PTR(candidate);
    }
    return NULL;
}

int process_spawn(const SpawnOptions *options, Process *ret, Error *err)
{
    _cleanup_free_ char *found = options->search ? find_in_path(options->program) : NULL;
    _cleanup_close_ int null_fd = -EBADF;
    SpawnPlan plan = {
        .program = options->search ? found : options->program,
        .arguments = (char *const *)options->arguments,
        .environment = options->environment ? (char *const *)options->environment : environ,
        .n_fds = 3 + (int)options->n_fds,
        .mounts_fd = options->mounts_fd ? *options->mounts_fd : -EBADF,
        .new_mounts = options->new_mounts,
        .new_session = options->new_session,
        .die_with_parent = options->die_with_parent,
    };
    pid_t pid;

    if (!plan.program)
        return error_set(err, ERROR_NOT_FOUND, "program '%s' is not installed", options->program);
    if (options->n_fds > SPAWN_MAX_FDS)
        return error_result(err, -E2BIG, "pass %zu descriptors", options->n_fds);

    for (int i = 0; i < 3; i++) {
        plan.fds[i] = options->stdio[i];
        if (plan.fds[i] >= 0)
            continue;
        if (null_fd < 0)
            null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
        if (null_fd < 0)
            return error_errno(err, "open '/dev/null'");
        plan.fds[i] = null_fd;
    }
    for (size_t i = 0; i < options->n_fds; i++)
        plan.fds[3 + i] = options->fds[i];
    plan.fds[plan.n_fds] = options->program_fd ? *options->program_fd : -EBADF;

    pid = vfork_and_execute(&plan);
    if (pid < 0)
        return error_result(err, pid, "execute '%s'", plan.program);

    ret->pid = pid;
    ret->pidfd = pidfd_open(pid, 0); /* ours and not reaped: the number cannot be reused */
    if (ret->pidfd < 0) {
        int r = error_errno(err, "open a handle of '%s'", plan.program);

        (void)kill(pid, SIGKILL); /* still ours */
        (void)waitpid(pid, NULL, 0);
        return r;
    }
    return 0;
}

int process_wait(Process *process, int *ret_status)
{
    int status;
    pid_t pid;

    do
        pid = waitpid(process->pid, &status, 0);
    while (pid < 0 && errno == EINTR);
    if (pid < 0)
        return -errno;

    process->pid = 0;
    process->pidfd = fd_close(process->pidfd);
    *ret_status = status;
    return 0;
}

int process_status_to_code(int status)
{
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void process_done(Process *process)
{
    int saved_errno = errno, status;

    if (process->pid > 0) {
        (void)process_signal(process, SIGKILL); /* it may have ended by itself */
        (void)process_wait(process, &status);
    }
    process->pidfd = fd_close(process->pidfd);
    errno = saved_errno;
}

int process_signal(const Process *process, int signal)
{
    return pidfd_send_signal(process->pidfd, signal, NULL, 0) < 0 ? -errno : 0;
}

char *process_own_program(void)
{
    char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof(path));

    return length > 0 ? memory_strndup(path, (size_t)length) : NULL;
}

char *process_find_sibling(const char *name)
{
    const char *directory = getenv("CAY_LIBEXEC");
    _cleanup_free_ char *self = NULL;

    if (directory && path_is_absolute(directory))
        return memory_printf("%s/%s", directory, name);

    self = process_own_program();
    if (self) {
        _cleanup_free_ char *sibling =
            memory_printf("%.*s/%s", (int)(strrchr(self, '/') - self), self, name);

        if (access(sibling, X_OK) == 0)
            return TAKE_PTR(sibling);
    }
    return memory_printf("%s/%s", CAY_LIBEXEC_DIR, name);
}
