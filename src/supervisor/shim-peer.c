/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The clients of a shim: who spawned it, and who connected to its socket since.
 *
 * A peer is only released in the callback of its own connection. Where a send finds it gone, it is
 * marked deaf: what it said before it went, an EXIT_TAKEN perhaps, is still to be read.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/socket.h"
#include "supervisor/shim-private.h"

static int pay_chunk(Peer *peer)
{
    const ContainerOutput *output = &peer->shim->output;

    return socket_send(peer->fd, output->chunk, output->chunk_size, NULL, 0);
}

static int pay_stdin_ready(Peer *peer)
{
    return shim_message_send_plain(peer->fd, SHIM_MESSAGE_STDIN_READY);
}

static int pay_exit(Peer *peer)
{
    const char *text = peer->shim->exit_text;

    return shim_message_send(
        peer->fd,
        &(ShimMessage) { .type = SHIM_MESSAGE_EXITED, .tail = text, .tail_size = strlen(text) });
}

static const struct {
    PeerDebt debt;
    int (*pay)(Peer *peer);
} payments[] = {
    { PEER_DEBT_CHUNK, pay_chunk },
    { PEER_DEBT_STDIN_READY, pay_stdin_ready },
    { PEER_DEBT_EXIT, pay_exit },
};

/* It has heard the end of the run that it was attached to. What it has said is still read. */
static void peer_leave(Peer *peer)
{
    peer->streams = 0;
    (void)shutdown(peer->fd, SHUT_RDWR);
}

static void peer_settle(Peer *peer, unsigned debts)
{
    unsigned settled = peer->debts & debts;

    peer->debts &= ~settled;
    if (settled & PEER_DEBT_CHUNK)
        output_chunk_paid(peer->shim);
    if ((settled & PEER_DEBT_EXIT) && peer->shim->state == SHIM_RESTARTING && peer->streams)
        peer_leave(peer);
}

/* It cannot be told anything any more; its connection's end will be noticed by reading. */
static void peer_deafen(Peer *peer)
{
    peer->streams &= ~(uint32_t)SHIM_STREAM_OUTPUT;
    peer_settle(peer, ~0U);
}

static void peer_pay(Peer *peer)
{
    for (size_t i = 0; i < ARRAY_SIZE(payments); i++) {
        int r = peer->debts & payments[i].debt ? payments[i].pay(peer) : 0;

        if (r == -EAGAIN)
            break;
        if (r < 0)
            peer_deafen(peer);
        else
            peer_settle(peer, payments[i].debt);
    }
    /* cannot fail: the connection is known to epoll */
    (void)event_source_set_events(peer->source, EPOLLIN | (peer->debts ? EPOLLOUT : 0));
}

void peer_owe(Peer *peer, PeerDebt debt)
{
    bool is_waiting = peer->debts != 0;

    peer->debts |= debt;
    if (!is_waiting)
        peer_pay(peer);
}

bool peer_any_holds(const Shim *shim)
{
    for (const Peer *peer = shim->peers; peer; peer = peer->next)
        if (peer->holds)
            return true;
    return false;
}

void peer_forget_holds(Shim *shim)
{
    for (Peer *peer = shim->peers; peer; peer = peer->next)
        peer->holds = false;
}

/* The last one who lets go lets the container go on. */
static int peer_release(Peer *peer)
{
    bool held = peer->holds;

    peer->holds = false;
    return held && !peer_any_holds(peer->shim) ? control_pause(peer->shim, false) : 0;
}

void peer_drop(Peer *peer)
{
    Shim *shim = peer->shim;
    Peer **link = &shim->peers;

    while (*link != peer)
        link = &(*link)->next;
    *link = peer->next;
    shim->n_peers--;
    if (shim->owner == peer)
        shim->owner = NULL;
    if (shim->listener)
        (void)event_source_set_events(shim->listener, EPOLLIN); /* there is a place again */

    (void)peer_release(peer); /* where it does not thaw now, `cay unpause` tries again */
    peer_settle(peer, ~0U);
    input_forget_peer(shim, peer);
    if (peer->streams & SHIM_STREAM_INPUT)
        input_finish(shim);
    event_source_free(peer->source);
    fd_close(peer->fd);
    free(peer);
}

static int on_start(Peer *peer, const ShimMessage *message)
{
    (void)message;
    if (peer != peer->shim->owner || peer->shim->state != SHIM_CREATED)
        return -EPROTO;
    shim_start(peer->shim);
    return 0;
}

static int on_start_detached(Peer *peer, const ShimMessage *message)
{
    peer->streams = 0; /* its going is then no end of input */
    return on_start(peer, message);
}

static int on_attach(Peer *peer, const ShimMessage *message)
{
    peer->streams |= message->streams;
    return 0;
}

static int on_stdin(Peer *peer, const ShimMessage *message)
{
    return peer->streams & SHIM_STREAM_INPUT
               ? input_write(peer->shim, peer, message->tail, message->tail_size)
               : -EPROTO;
}

static int on_stdin_close(Peer *peer, const ShimMessage *message)
{
    (void)message;
    if (!(peer->streams & SHIM_STREAM_INPUT))
        return -EPROTO;
    input_finish(peer->shim);
    return 0;
}

static int on_resize(Peer *peer, const ShimMessage *message)
{
    run_set_window(peer->shim, &message->window);
    return 0;
}

/* Who is attached does not wait for an answer, and may have a full socket. */
static int peer_answer(const Peer *peer, ShimMessageType type, int r)
{
    const ShimMessage answer = { .type = type, .errnum = -r };

    return peer->streams ? 0 : shim_message_send(peer->fd, &answer);
}

static int on_signal(Peer *peer, const ShimMessage *message)
{
    return peer_answer(peer, SHIM_MESSAGE_SIGNALED, control_signal(peer->shim, message->signal));
}

static int on_stop(Peer *peer, const ShimMessage *message)
{
    return peer_answer(peer, SHIM_MESSAGE_DONE, control_stop(peer->shim, &message->stop));
}

static int on_kill(Peer *peer, const ShimMessage *message)
{
    return peer_answer(peer, SHIM_MESSAGE_DONE, control_kill(peer->shim, message->signal));
}

static int on_pause(Peer *peer, const ShimMessage *message)
{
    return peer_answer(peer, SHIM_MESSAGE_DONE, control_pause(peer->shim, message->is_paused != 0));
}

static int on_hold(Peer *peer, const ShimMessage *message)
{
    int r = message->is_paused ? control_hold(peer->shim) : peer_release(peer);

    if (r >= 0 && message->is_paused)
        peer->holds = true;
    return peer_answer(peer, SHIM_MESSAGE_DONE, r);
}

static int on_reload(Peer *peer, const ShimMessage *message)
{
    (void)message;
    return peer_answer(peer, SHIM_MESSAGE_DONE, control_reload(peer->shim));
}

static int on_exit_taken(Peer *peer, const ShimMessage *message)
{
    (void)message;
    if (peer == peer->shim->owner && peer->shim->state == SHIM_ENDED)
        peer->shim->is_taken = true;
    return 0;
}

static int (*const handlers[_SHIM_MESSAGE_MAX])(Peer *peer, const ShimMessage *message) = {
    [SHIM_MESSAGE_START] = on_start,
    [SHIM_MESSAGE_ATTACH] = on_attach,
    [SHIM_MESSAGE_START_DETACHED] = on_start_detached,
    [SHIM_MESSAGE_STDIN] = on_stdin,
    [SHIM_MESSAGE_STDIN_CLOSE] = on_stdin_close,
    [SHIM_MESSAGE_RESIZE] = on_resize,
    [SHIM_MESSAGE_SIGNAL] = on_signal,
    [SHIM_MESSAGE_EXIT_TAKEN] = on_exit_taken,
    [SHIM_MESSAGE_STOP] = on_stop,
    [SHIM_MESSAGE_KILL] = on_kill,
    [SHIM_MESSAGE_PAUSE] = on_pause,
    [SHIM_MESSAGE_RELOAD] = on_reload,
    [SHIM_MESSAGE_HOLD] = on_hold,
};

/* Returns 1 when a message was handled, 0 when there is none, or -errno (also at the end): drop the
 * peer. */
static int peer_receive(Peer *peer)
{
    uint8_t buffer[SHIM_MESSAGE_MAX];
    ShimMessage message;
    int r = shim_message_receive(peer->fd, buffer, &message);

    if (r == -EAGAIN)
        return 0;
    if (r <= 0)
        return r < 0 ? r : -ENOTCONN;
    if (!handlers[message.type])
        return -EPROTO;
    r = handlers[message.type](peer, &message);
    return r < 0 ? r : 1;
}

static int peer_on_event(EventSource *source, int fd, uint32_t events, void *data)
{
    Peer *peer = data;
    Shim *shim = peer->shim;

    (void)source;
    (void)fd;
    if (events & EPOLLOUT)
        peer_pay(peer);
    if ((events & ~(uint32_t)EPOLLOUT) && peer_receive(peer) < 0)
        peer_drop(peer);
    shim_advance(shim);
    return 0;
}

int peer_add(Shim *shim, int fd, Peer **ret)
{
    Peer *peer = NEW(Peer);
    int r = event_loop_add_fd(shim->loop, fd, EPOLLIN, peer_on_event, peer, &peer->source);

    if (r < 0) {
        fd_close(fd);
        free(peer);
        return r;
    }
    peer->shim = shim;
    peer->fd = fd;
    peer->next = shim->peers;
    shim->peers = peer;
    shim->n_peers++;
    *ret = peer;
    return 0;
}

/* A new connection has room for both; if it is gone we will see. */
static void peer_greet(Peer *peer)
{
    const Shim *shim = peer->shim;

    (void)shim_message_send(peer->fd,
                            &(ShimMessage) { .type = SHIM_MESSAGE_CREATED, .pid = run_pid(shim) });
    (void)shim_message_send(
        peer->fd, &(ShimMessage) { .type = SHIM_MESSAGE_STARTED, .time = shim->exit.started_at });
}

static int peer_on_connection(EventSource *source, int fd, uint32_t events, void *data)
{
    Shim *shim = data;
    int connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    Peer *peer;

    (void)events;
    if (connection >= 0 && peer_add(shim, connection, &peer) == 0)
        peer_greet(peer);
    /* Out of places or of descriptors: until a peer goes, waiting clients would only spin us. */
    if (shim->n_peers >= SHIM_PEERS_MAX ||
        (connection < 0 && (errno == EMFILE || errno == ENFILE) && shim->n_peers > 0))
        (void)event_source_set_events(source, 0);
    return 0;
}

int peer_listen(Shim *shim, Error *err)
{
    int r;

    /* A shim that was killed leaves its socket's name; the container's lock is ours, so nobody
     * listens there. */
    (void)unlinkat(SHIM_FD_RUNTIME, SHIM_SOCKET_NAME, 0);
    shim->listen_fd = socket_listen_at(SHIM_FD_RUNTIME, SHIM_SOCKET_NAME, SHIM_PEERS_MAX);
    if (shim->listen_fd < 0)
        return error_result(err, shim->listen_fd, "listen at '%s'", SHIM_SOCKET_NAME);
    r = event_loop_add_fd(shim->loop, shim->listen_fd, EPOLLIN, peer_on_connection, shim,
                          &shim->listener);
    return r < 0 ? error_result(err, r, "listen at '%s'", SHIM_SOCKET_NAME) : 0;
}

void peer_stop_listening(Shim *shim)
{
    if (!shim->listener)
        return;
    event_source_free(TAKE_PTR(shim->listener));
    fd_closep(&shim->listen_fd);
    (void)unlinkat(SHIM_FD_RUNTIME, SHIM_SOCKET_NAME, 0); /* the directory may be gone already */
}
