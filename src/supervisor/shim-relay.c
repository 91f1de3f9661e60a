/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Between the user's terminal or pipes and a shim, until the container has ended.
 *
 * Nothing here blocks on the user: while a reader does not take its output, the shim's messages
 * wait in the socket (and so, in the end, the container waits), and signals are still passed on.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/event-loop.h"
#include "base/fd.h"
#include "base/socket.h"
#include "supervisor/relay-private.h"
#include "supervisor/shim-client-private.h"

typedef struct Relay {
    ShimClient *client;
    const RelayOptions *options;
    EventLoop *loop;
    EventSource *socket_source;
    RelaySink sinks[2]; /* standard output, standard error */
    RelayTerminal terminal;
    int window_fd;             /* the terminal whose size counts */
    int stdin_fd;              /* -EBADF: at its end, or not relayed */
    EventSource *stdin_source; /* NULL: a file, always readable */
    DetachKeys detach_keys;
    sigset_t previous_mask;
    struct sigaction previous_pipe;
    ShimExit *exit;
    Error *err;
    uint8_t stdin_chunk[SHIM_MESSAGE_MAX];
} Relay;

/* Signals about the caller itself, its faults included, and those that nobody can catch. */
static const int own_signals[] = { SIGKILL, SIGSTOP, SIGCHLD, SIGPIPE, SIGURG, SIGWINCH, SIGTSTP,
                                   SIGTTIN, SIGTTOU, SIGCONT, SIGSEGV, SIGBUS, SIGFPE,   SIGILL };

static void stdin_close(Relay *relay)
{
    if (relay->stdin_source)
        event_source_free(TAKE_PTR(relay->stdin_source));
    fd_closep(&relay->stdin_fd);
}

/* Pass on what lies at the beginning of the chunk; a failure to send is a dead shim, which the
 * socket tells. */
static void stdin_send(Relay *relay, size_t size)
{
    if (relay->stdin_source)
        (void)event_source_set_events(relay->stdin_source, 0); /* known to epoll */
    relay->stdin_chunk[0] = SHIM_MESSAGE_STDIN;
    (void)socket_send(relay->client->socket, relay->stdin_chunk, 1 + size, NULL, 0);
}

static void stdin_end(Relay *relay)
{
    size_t size = detach_keys_flush(&relay->detach_keys, (char *)relay->stdin_chunk + 1);

    if (size > 0)
        stdin_send(relay, size);
    stdin_close(relay);
    (void)shim_message_send_plain(relay->client->socket, SHIM_MESSAGE_STDIN_CLOSE);
}

/* Read one chunk and pass it on, but for the detach keys in it. */
static void stdin_pump(Relay *relay)
{
    char *output = (char *)relay->stdin_chunk + 1, *input = output + DETACH_KEYS_MAX;
    ssize_t n = read(relay->stdin_fd, input, SHIM_DATA_MAX - DETACH_KEYS_MAX);
    bool is_detached;
    size_t size;

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) { /* EIO is a terminal that has hung up */
        stdin_end(relay);
        return;
    }

    is_detached = detach_keys_scan(&relay->detach_keys, input, (size_t)n, output, &size);
    if (size > 0)
        stdin_send(relay, size);
    if (is_detached)
        event_loop_quit(relay->loop, SHIM_RELAY_DETACHED);
}

static int stdin_on_readable(EventSource *source, int fd, uint32_t events, void *data)
{
    (void)source;
    (void)fd;
    (void)events;
    stdin_pump(data);
    return 0;
}

/* The shim takes a chunk: wait for one, or read it where there is nothing to wait for. */
static void stdin_grant(Relay *relay)
{
    if (relay->stdin_fd < 0)
        return;
    if (relay->stdin_source)
        (void)event_source_set_events(relay->stdin_source, EPOLLIN);
    else
        stdin_pump(relay);
}

static int relay_open_stdin(Relay *relay, int fd)
{
    bool is_nonblocking;
    int r;

    if (fd < 0)
        return 0;
    relay->stdin_fd = relay_open_own(fd, O_RDONLY, &is_nonblocking);
    if (relay->stdin_fd < 0)
        return relay->stdin_fd;
    r = event_loop_add_fd(relay->loop, relay->stdin_fd, EPOLLIN, stdin_on_readable, relay,
                          &relay->stdin_source);
    if (r == -EPERM) { /* a file or /dev/null */
        stdin_pump(relay);
        return 0;
    }
    return r;
}

static int relay_on_output(Relay *relay, const ShimMessage *message)
{
    RelaySink *sink = &relay->sinks[message->type == SHIM_MESSAGE_STDERR];

    /* What is held lies in the buffer of the next message: so wait with that. */
    return relay_sink_write(sink, message->tail, message->tail_size)
               ? 0
               : event_source_set_events(relay->socket_source, 0);
}

static int relay_on_stdin_ready(Relay *relay, const ShimMessage *message)
{
    (void)message;
    stdin_grant(relay);
    return 0;
}

static int relay_on_exited(Relay *relay, const ShimMessage *message)
{
    int r = shim_client_read_exit(relay->client, message, relay->exit, relay->err);

    event_loop_quit(relay->loop, 0);
    return r;
}

static int relay_ignore(Relay *relay, const ShimMessage *message)
{
    (void)relay;
    (void)message;
    return 0;
}

static int (*const handlers[_SHIM_MESSAGE_MAX])(Relay *relay, const ShimMessage *message) = {
    [SHIM_MESSAGE_STARTED] = relay_ignore,
    [SHIM_MESSAGE_SIGNALED] = relay_ignore,
    [SHIM_MESSAGE_STDOUT] = relay_on_output,
    [SHIM_MESSAGE_STDERR] = relay_on_output,
    [SHIM_MESSAGE_STDIN_READY] = relay_on_stdin_ready,
    [SHIM_MESSAGE_EXITED] = relay_on_exited,
};

static int relay_on_message(EventSource *source, int fd, uint32_t events, void *data)
{
    Relay *relay = data;
    ShimMessage message;
    int r;

    (void)source;
    (void)fd;
    (void)events;
    r = shim_client_receive(relay->client, &message, relay->err);
    if (r < 0)
        return r;
    if (!handlers[message.type])
        return error_set(relay->err, ERROR_UNAVAILABLE, "the shim says '%s' at a wrong time",
                         shim_message_name(message.type));
    return handlers[message.type](relay, &message);
}

static int relay_on_sink_writable(EventSource *source, int fd, uint32_t events, void *data)
{
    Relay *relay = data;
    bool is_idle = true;

    (void)source;
    (void)fd;
    (void)events;
    for (size_t i = 0; i < ARRAY_SIZE(relay->sinks); i++)
        is_idle = relay_sink_flush(&relay->sinks[i]) && is_idle;
    return is_idle ? event_source_set_events(relay->socket_source, EPOLLIN) : 0;
}

/* Let @signal, which the loop has blocked, take its default effect on this process. */
static void signal_take_effect(int signal)
{
    sigset_t only;

    sigemptyset(&only);
    sigaddset(&only, signal);
    (void)raise(signal);
    sigprocmask(SIG_UNBLOCK, &only, NULL); /* here we die, or stop and go on later */
    sigprocmask(SIG_BLOCK, &only, NULL);
}

static int relay_on_proxied(EventSource *source, const siginfo_t *info, void *data)
{
    Relay *relay = data;

    (void)source;
    (void)shim_message_send(relay->client->socket, /* a dead shim is what the socket tells */
                            &(ShimMessage) { .type = SHIM_MESSAGE_KILL, .signal = info->si_signo });
    return 0;
}

static int relay_on_fatal(EventSource *source, const siginfo_t *info, void *data)
{
    Relay *relay = data;

    (void)source;
    relay_terminal_restore(&relay->terminal);
    signal_take_effect(info->si_signo);
    return -EINTR;
}

static int relay_on_window(EventSource *source, const siginfo_t *info, void *data)
{
    Relay *relay = data;

    (void)source;
    (void)info;
    (void)shim_client_send_window(relay->client, relay->window_fd, NULL);
    return 0;
}

/* The user stops us: give the terminal back meanwhile. */
static int relay_on_stop(EventSource *source, const siginfo_t *info, void *data)
{
    Relay *relay = data;

    (void)source;
    relay_terminal_restore(&relay->terminal);
    signal_take_effect(info->si_signo);
    relay_terminal_enter_raw(&relay->terminal);
    return relay_on_window(source, info, data);
}

/* We were stopped in a way that nobody can see coming (SIGSTOP), and the shell has used the
 * terminal since. */
static int relay_on_continue(EventSource *source, const siginfo_t *info, void *data)
{
    Relay *relay = data;

    if (relay->terminal.is_raw) {
        relay_terminal_restore(&relay->terminal);
        relay_terminal_enter_raw(&relay->terminal);
        (void)relay_on_window(source, info, data);
    }
    return relay->options->proxy_signals ? relay_on_proxied(source, info, data) : 0;
}

static bool signal_is_own(int signal)
{
    for (size_t i = 0; i < ARRAY_SIZE(own_signals); i++)
        if (own_signals[i] == signal)
            return true;
    return signal > SIGSYS && signal < SIGRTMIN; /* libc's */
}

static bool signal_is_ignored(int signal)
{
    struct sigaction action;

    return sigaction(signal, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

/* Who handles @signal during the relay; NULL leaves it alone. */
static EventSignalHandler relay_signal_handler(const Relay *relay, int signal)
{
    bool has_terminal = relay->terminal.fd >= 0;

    if (signal == SIGWINCH)
        return relay->window_fd >= 0 ? relay_on_window : NULL;
    if (signal == SIGCONT)
        return has_terminal || relay->options->proxy_signals ? relay_on_continue : NULL;
    if (signal == SIGTSTP)
        return has_terminal ? relay_on_stop : NULL;
    if (signal_is_own(signal))
        return NULL;
    if (relay->options->proxy_signals)
        return relay_on_proxied;
    return has_terminal ? relay_on_fatal : NULL;
}

static int relay_watch_signals(Relay *relay)
{
    for (int signal = 1; signal <= SIGRTMAX; signal++) {
        EventSignalHandler handler = relay_signal_handler(relay, signal);
        int r;

        /* What is ignored (nohup's HUP) stays so; by default these two only look ignored. */
        if (!handler || signal_is_ignored(signal))
            continue;
        r = event_loop_add_signal(relay->loop, signal, handler, relay, NULL);
        if (r < 0)
            return r;
    }
    return 0;
}

static int relay_attach(Relay *relay)
{
    ShimMessage message = { .type = SHIM_MESSAGE_ATTACH };
    int r;

    if (relay->client->is_attached)
        return 0;
    if (relay->options->stdio[0] >= 0)
        message.streams |= SHIM_STREAM_INPUT;
    if (relay->options->stdio[1] >= 0 || relay->options->stdio[2] >= 0)
        message.streams |= SHIM_STREAM_OUTPUT;
    r = shim_client_send(relay->client, &message, relay->err);
    relay->client->is_attached = r >= 0;
    return r;
}

static void relay_find_terminal(Relay *relay)
{
    const RelayOptions *options = relay->options;

    if (!options->terminal)
        return;
    for (int i = 0; i < 2 && relay->window_fd < 0; i++)
        if (options->stdio[i] >= 0 && isatty(options->stdio[i]))
            relay->window_fd = options->stdio[i];
    if (options->stdio[0] >= 0 && isatty(options->stdio[0])) {
        relay->terminal.fd = options->stdio[0];
        relay->detach_keys = options->detach_keys;
    }
}

static void relay_done(Relay *relay)
{
    for (size_t i = 0; i < ARRAY_SIZE(relay->sinks); i++)
        relay_sink_close(&relay->sinks[i]);
    stdin_close(relay);
    if (relay->loop)
        event_loop_free(relay->loop);
    relay_terminal_restore(&relay->terminal);
    (void)sigaction(SIGPIPE, &relay->previous_pipe, NULL);
    (void)sigprocmask(SIG_SETMASK, &relay->previous_mask, NULL);
}

/* Returns 0 or -errno without a message: only memory and descriptors can run out here. */
static int relay_set_up(Relay *relay)
{
    int r = event_loop_new(&relay->loop);

    for (size_t i = 0; i < ARRAY_SIZE(relay->sinks) && r >= 0; i++)
        r = relay_sink_open(&relay->sinks[i], relay->loop, relay->options->stdio[1 + i],
                            relay_on_sink_writable, relay);
    if (r >= 0)
        r = event_loop_add_fd(relay->loop, relay->client->socket, EPOLLIN, relay_on_message, relay,
                              &relay->socket_source);
    if (r >= 0)
        r = relay_watch_signals(relay);
    return r < 0 ? r : relay_open_stdin(relay, relay->options->stdio[0]);
}

int shim_client_relay(ShimClient *client, const RelayOptions *options, ShimExit *ret, Error *err)
{
    _cleanup_(relay_done) Relay relay = {
        .client = client,
        .options = options,
        .sinks = { { .fd = -EBADF }, { .fd = -EBADF } },
        .terminal = { .fd = -EBADF },
        .window_fd = -EBADF,
        .stdin_fd = -EBADF,
        .exit = ret,
        .err = err,
    };
    struct sigaction ignore = { .sa_handler = SIG_IGN };
    int r;

    sigprocmask(SIG_SETMASK, NULL, &relay.previous_mask);
    sigaction(SIGPIPE, &ignore, &relay.previous_pipe);
    r = relay_attach(&relay);
    if (r < 0)
        return r;
    relay_find_terminal(&relay);
    r = relay_set_up(&relay);
    if (r < 0)
        return error_result(err, r, "relay the container's input and output");
    relay_terminal_enter_raw(&relay.terminal); /* not before its restoration is provided for */
    r = shim_client_send_window(client, relay.window_fd, err);
    if (r < 0)
        return r;

    r = event_loop_run(relay.loop);
    if (r < 0 && !error_is_set(err))
        return error_result(err, r, "relay the container's input and output");
    return r;
}
