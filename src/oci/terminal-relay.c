/* SPDX-License-Identifier: Apache-2.0 */

/* Only the master side is non-blocking: what we were started with is shared with others. */

#include "oci/terminal-relay.h"

#include <errno.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/fd.h"

void terminal_relay_resize(TerminalRelay *relay)
{
    struct winsize size;

    if (relay->master_fd >= 0 && ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0)
        (void)ioctl(relay->master_fd, TIOCSWINSZ, &size); /* a matter of looks */
}

static void enter_raw(TerminalRelay *relay)
{
    struct termios raw;

    if (tcgetattr(STDIN_FILENO, &relay->saved) < 0)
        return; /* it is no terminal */
    raw = relay->saved;
    cfmakeraw(&raw);
    relay->is_raw = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
}

void terminal_relay_init(TerminalRelay *relay, int master_fd)
{
    *relay = (TerminalRelay) {
        .master_fd = master_fd,
        .input = { .from = STDIN_FILENO, .to = master_fd },
        .output = { .from = master_fd, .to = STDOUT_FILENO },
    };
    if (master_fd < 0)
        return;
    (void)fd_set_nonblock(master_fd, true); /* fails for no open descriptor */
    enter_raw(relay);
    terminal_relay_resize(relay);
}

static bool is_empty(const TerminalStream *stream)
{
    return stream->begin == stream->end;
}

static bool wants_read(const TerminalStream *stream)
{
    return !stream->ended && is_empty(stream);
}

void terminal_relay_want(const TerminalRelay *relay, struct pollfd polls[TERMINAL_RELAY_POLLS])
{
    const TerminalStream *input = &relay->input, *output = &relay->output;
    short master = (short)((is_empty(input) ? 0 : POLLOUT) | (wants_read(output) ? POLLIN : 0));

    /* Negative descriptors are ignored: one without events would still tell of its end, forever. */
    polls[0] =
        (struct pollfd) { .fd = wants_read(input) && relay->master_fd >= 0 ? input->from : -EBADF,
                          .events = POLLIN };
    polls[1] = (struct pollfd) { .fd = is_empty(output) ? -EBADF : output->to, .events = POLLOUT };
    polls[2] = (struct pollfd) { .fd = master ? relay->master_fd : -EBADF, .events = master };
}

static void stream_read(TerminalStream *stream)
{
    ssize_t n = read(stream->from, stream->data, sizeof(stream->data));

    stream->begin = 0;
    stream->end = n > 0 ? (size_t)n : 0;
    /* A master whose other side is closed by all says EIO. */
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        stream->ended = true;
}

static void stream_write(TerminalStream *stream)
{
    ssize_t n = write(stream->to, stream->data + stream->begin, stream->end - stream->begin);

    if (n > 0)
        stream->begin += (size_t)n;
    else if (n < 0 && errno != EAGAIN && errno != EINTR)
        stream->begin = stream->end; /* nobody reads any more; the program goes on all the same */
}

void terminal_relay_move(TerminalRelay *relay, const struct pollfd polls[TERMINAL_RELAY_POLLS])
{
    if (polls[0].revents)
        stream_read(&relay->input);
    else if (polls[2].revents & ~POLLIN && !is_empty(&relay->input))
        stream_write(&relay->input);
    if (polls[1].revents)
        stream_write(&relay->output);
    else if (polls[2].revents & ~POLLOUT && wants_read(&relay->output))
        stream_read(&relay->output);
}

static void drain(TerminalRelay *relay)
{
    TerminalStream *output = &relay->output;

    for (;;) {
        (void)!fd_write_all(output->to, output->data + output->begin, output->end - output->begin);
        output->begin = output->end = 0;
        if (output->ended)
            break;
        stream_read(output);
        if (is_empty(output))
            break; /* others may hold the terminal still: what they write is lost */
    }
}

void terminal_relay_done(TerminalRelay *relay)
{
    sigset_t background, previous;

    if (relay->master_fd < 0)
        return;
    drain(relay);
    relay->master_fd = fd_close(relay->master_fd);
    if (!relay->is_raw)
        return;
    /* In the background it must not stop us. */
    sigemptyset(&background);
    sigaddset(&background, SIGTTOU);
    (void)sigprocmask(SIG_BLOCK, &background, &previous);
    (void)tcsetattr(STDIN_FILENO, TCSANOW, &relay->saved); /* fails if the terminal is gone */
    (void)sigprocmask(SIG_SETMASK, &previous, NULL);
    relay->is_raw = false;
}
