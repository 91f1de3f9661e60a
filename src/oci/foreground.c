/* SPDX-License-Identifier: Apache-2.0 */

/* All signals are blocked and read from a descriptor; those for the process are passed on. */

#include "oci/foreground.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "oci/terminal-relay.h"

/* Ours: what the kernel sends for a fault, and what stops us in the background of a terminal. */
static const int own_signals[] = {
    SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS, SIGTTIN, SIGTTOU,
};

typedef struct Watch {
    int signal_fd;
    pid_t pid;
    int pidfd;
    TerminalRelay relay;
    bool has_ended;
    int status; /* valid once it has ended */
} Watch;

int foreground_prepare(Foreground *foreground, bool is_subreaper, Error *err)
{
    sigset_t signals;

    sigfillset(&signals);
    for (size_t i = 0; i < ARRAY_SIZE(own_signals); i++)
        sigdelset(&signals, own_signals[i]);
    if (sigprocmask(SIG_SETMASK, &signals, NULL) < 0)
        return error_errno(err, "block signals");
    foreground->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (foreground->signal_fd < 0)
        return error_errno(err, "read signals");
    if (is_subreaper && prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
        return error_errno(err, "become the parent of orphans");
    return 0;
}

void foreground_done(Foreground *foreground)
{
    fd_closep(&foreground->signal_fd);
}

void foreground_set_console_size(RuntimeProcess *process)
{
    struct winsize size;

    if (!process || !process->terminal || ioctl(STDIN_FILENO, TIOCGWINSZ, &size) < 0)
        return;
    if (!process->console_size)
        process->console_size = NEW(RuntimeConsoleSize);
    *process->console_size = (RuntimeConsoleSize) { .height = size.ws_row, .width = size.ws_col };
}

/* One SIGCHLD may stand for many ends. */
static void reap(Watch *watch)
{
    siginfo_t info = {};

    while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG) == 0 && info.si_pid != 0) {
        if (info.si_pid == watch->pid) {
            watch->has_ended = true;
            watch->status = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
        }
        info = (siginfo_t) {};
    }
}

static void take_signals(Watch *watch)
{
    struct signalfd_siginfo signal;

    while (read(watch->signal_fd, &signal, sizeof(signal)) == sizeof(signal)) {
        int number = (int)signal.ssi_signo;

        if (number == SIGCHLD)
            reap(watch);
        else if (number == SIGWINCH && watch->relay.master_fd >= 0)
            terminal_relay_resize(&watch->relay);
        else if (number != SIGPIPE)
            (void)pidfd_send_signal(watch->pidfd, number, NULL, 0); /* it may have ended */
    }
}

static int watch_run(Watch *watch, Error *err)
{
    reap(watch); /* its end may have come before we listened */
    while (!watch->has_ended) {
        struct pollfd polls[1 + TERMINAL_RELAY_POLLS] = {
            { .fd = watch->signal_fd, .events = POLLIN },
        };

        terminal_relay_want(&watch->relay, polls + 1);
        if (poll(polls, ARRAY_SIZE(polls), -1) < 0 && errno != EINTR)
            return error_errno(err, "wait for the process");
        terminal_relay_move(&watch->relay, polls + 1);
        if (polls[0].revents)
            take_signals(watch);
    }
    return watch->status;
}

int foreground_wait(Foreground *foreground, pid_t pid, int pidfd, int terminal_fd, Error *err)
{
    Watch watch = { .signal_fd = foreground->signal_fd, .pid = pid, .pidfd = pidfd };
    int r;

    terminal_relay_init(&watch.relay, terminal_fd);
    r = watch_run(&watch, err);
    terminal_relay_done(&watch.relay);
    return r;
}
