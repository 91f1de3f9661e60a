/* SPDX-License-Identifier: Apache-2.0 */

/*
 * cay-init: process 1 of a container that asked for one (--init). Starts the program, passes
 * signals on to it, reaps whatever is orphaned, and ends as the program ended. It is bound into the
 * container, so it is static and needs nothing from the image.
 *
 *     cay-init -- PROGRAM [ARGUMENT...]
 */

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    STATUS_FAILED = 125,
    STATUS_UNUSABLE = 126,
    STATUS_MISSING = 127,
    STATUS_SIGNAL = 128,
};

static void complain(const char *what, const char *why)
{
    const char *const parts[] = { "cay-init: ", what, ": ", why, "\n" };
    char line[512];
    size_t used = 0;

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        size_t length = strnlen(parts[i], sizeof(line) - used);

        memcpy(line + used, parts[i], length);
        used += length;
    }
    (void)!write(STDERR_FILENO, line, used); /* nowhere else to say so */
}

/* In the child: a process group of its own, so that the terminal's signals reach it alone. */
static _Noreturn void execute(char **arguments, const sigset_t *mask)
{
    int status;

    if (setpgid(0, 0) == 0 && isatty(STDIN_FILENO)) {
        /* A background process that takes the terminal is stopped by SIGTTOU, unless ignored. */
        signal(SIGTTOU, SIG_IGN);
        (void)tcsetpgrp(STDIN_FILENO, getpid()); /* not our controlling terminal: then not */
        signal(SIGTTOU, SIG_DFL);
    }
    (void)sigprocmask(SIG_SETMASK, mask, NULL);

    execvp(arguments[0], arguments);
    status = errno == ENOENT || errno == ENOTDIR ? STATUS_MISSING : STATUS_UNUSABLE;
    complain(arguments[0], strerror(errno));
    _exit(status);
}

/* Reap all that have ended. Returns the status to exit with once @child was among them, else -1. */
static int reap(pid_t child)
{
    int result = -1, status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        if (pid == child)
            result = WIFSIGNALED(status) ? STATUS_SIGNAL + WTERMSIG(status) : WEXITSTATUS(status);
    return result;
}

/* Stop with the program where a terminal stopped it, as a shell's job would. */
static int serve(pid_t child, const sigset_t *signals)
{
    for (;;) {
        siginfo_t info;
        int signal = sigwaitinfo(signals, &info);

        if (signal == SIGCHLD) {
            int status = reap(child);

            if (status >= 0)
                return status;
        } else if (signal > 0 && signal != SIGTTIN && signal != SIGTTOU) {
            (void)kill(child, signal); /* it may have ended: SIGCHLD will say so */
        }
    }
}

int main(int count, char **arguments)
{
    sigset_t signals, previous;
    pid_t child;

    if (count < 3 || strcmp(arguments[1], "--") != 0) {
        complain("usage", "cay-init -- PROGRAM [ARGUMENT...]");
        return STATUS_FAILED;
    }
    /* Where we are not process 1 (the host's pid namespace), orphans come to us all the same. */
    if (getpid() != 1)
        (void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);

    /* Before the fork, so that nothing that arrives meanwhile is lost. Faults are not for waiting.
     */
    sigfillset(&signals);
    sigdelset(&signals, SIGSEGV);
    sigdelset(&signals, SIGBUS);
    sigdelset(&signals, SIGFPE);
    sigdelset(&signals, SIGILL);
    sigdelset(&signals, SIGABRT);
    sigdelset(&signals, SIGTRAP);
    sigdelset(&signals, SIGSYS);
    (void)sigprocmask(SIG_SETMASK, &signals, &previous);

    child = fork();
    if (child == 0)
        execute(arguments + 2, &previous);
    if (child < 0) {
        complain("fork", strerror(errno));
        return STATUS_FAILED;
    }
    return serve(child, &signals);
}
