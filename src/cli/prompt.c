/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A terminal without echo is a mess to come back to: so signals are held back while it is, waited
 * for together with the input, and take effect once everything is as it was.
 */

#include "cli/prompt.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"

#define LINE_MAX_BYTES 4096 /* the kernel's, of a terminal that reads lines */

typedef struct Prompt {
    bool hidden;
    struct termios before;
    sigset_t mask_before;
    int signals_fd;
    bool is_silent; /* the terminal */
    bool holds_signals;
} Prompt;

static int prompt_begin(Prompt *prompt)
{
    static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };
    struct termios silent;
    sigset_t mask;

    sigemptyset(&mask);
    for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
        sigaddset(&mask, signals[i]);
    if (tcgetattr(STDIN_FILENO, &prompt->before) < 0 ||
        sigprocmask(SIG_BLOCK, &mask, &prompt->mask_before) < 0)
        return -errno;
    prompt->holds_signals = true;
    prompt->signals_fd = signalfd(-1, &mask, SFD_CLOEXEC);
    if (prompt->signals_fd < 0)
        return -errno;
    silent = prompt->before;
    silent.c_lflag &= (tcflag_t)~ECHO;
    if (prompt->hidden && tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) < 0)
        return -errno;
    prompt->is_silent = prompt->hidden;
    return 0;
}

static void prompt_end(Prompt *prompt)
{
    if (prompt->is_silent) {
        /* The line end was not shown either. A terminal that is gone needs nothing. */
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &prompt->before);
        printf("\n");
        (void)fflush(stdout);
    }
    prompt->signals_fd = fd_close(prompt->signals_fd);
    if (prompt->holds_signals) /* what has waited comes now */
        (void)sigprocmask(SIG_SETMASK, &prompt->mask_before, NULL);
    prompt->is_silent = prompt->holds_signals = false;
}

/* One line as the terminal gives it. Returns its length, 0 at the end of the input, or -errno. */
static ssize_t read_line(const Prompt *prompt, char *line, size_t size)
{
    struct pollfd fds[] = {
        { .fd = STDIN_FILENO, .events = POLLIN },
        { .fd = prompt->signals_fd, .events = POLLIN },
    };
    ssize_t n;

    if (poll(fds, 2, -1) < 0)
        return -errno;
    if (fds[1].revents)
        return -EINTR; /* it is still pending: prompt_end() lets it happen */
    n = read(STDIN_FILENO, line, size);
    return n < 0 ? -errno : n;
}

int prompt_read_line(const char *question, bool hidden, char **ret, Error *err)
{
    Prompt prompt = { .hidden = hidden, .signals_fd = -EBADF };
    char line[LINE_MAX_BYTES];
    ssize_t n;
    int r;

    if (!isatty(STDIN_FILENO))
        return error_set(err, ERROR_UNSUPPORTED,
                         "cannot ask for a name and a password without a terminal, use --username "
                         "and --password-stdin");
    do {
        r = prompt_begin(&prompt); /* before anybody is asked to type */
        printf("%s", question);
        (void)fflush(stdout); /* main() tells of a full disk */
        n = r < 0 ? r : read_line(&prompt, line, sizeof(line));
        prompt_end(&prompt);
    } while (n == -EINTR); /* stopped, and continued */
    if (n < 0)
        return error_result(err, (int)n, "read from the terminal");
    if (n == 0)
        return error_set(err, ERROR_INVALID, "the input has ended");
    *ret = memory_strndup(line, (size_t)n - (line[n - 1] == '\n'));
    explicit_bzero(line, sizeof(line));
    return 0;
}
