/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A client may die at any byte, and may not read what it has asked for: a list waits in its
 * connection until there is room for more of it, and meanwhile no request is read.
 */

#include "network/dns/control.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/socket.h"

struct Control {
    int fd;
    EventSource *source;
    ControlHandlers handlers;
    DnsReply reply; /* at hand, as far as it is not sent */
    size_t n_sent;  /* of its ids */
};

void control_free(Control *control)
{
    if (!control)
        return;
    if (control->source)
        event_source_free(control->source);
    fd_close(control->fd);
    json_struct_done(&dns_reply_json, &control->reply);
    free(control);
}

/* Whoever connects, or has made the pair: this program is nobody by then, its clients are not. */
static int check_peer(int fd)
{
    struct ucred peer = {};
    socklen_t size = sizeof(peer);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
        return -errno;
    return peer.uid == 0 || peer.uid == geteuid() ? 0 : -EACCES;
}

/* One message of the reply. Returns 1 when it was the last, 0 for more to come, or -errno. */
static int send_part(Control *control)
{
    const StringList *ids = &control->reply.ids;
    size_t left = ids->count - control->n_sent, count = left < DNS_LIST_MAX ? left : DNS_LIST_MAX;
    DnsReply part = {
        .kind = control->reply.kind,
        .message = control->reply.message,
        .ids = { .items = ids->items ? ids->items + control->n_sent : NULL, .count = count },
        .has_more = left > count,
    };
    _cleanup_json_ json_t *json = json_struct_write(&dns_reply_json, &part);
    _cleanup_free_ char *text = json_to_text(json);
    int r = socket_send(control->fd, text, strlen(text), NULL, 0);

    if (r < 0)
        return r;
    control->n_sent += count;
    return !part.has_more;
}

/* As much as there is room for. */
static int send_reply(Control *control)
{
    int r;

    do
        r = send_part(control);
    while (r == 0);
    if (r == -EAGAIN)
        return event_source_set_events(control->source, EPOLLOUT);
    if (r < 0)
        return r;
    json_struct_done(&dns_reply_json, &control->reply);
    control->n_sent = 0;
    return event_source_set_events(control->source, EPOLLIN);
}

static void note_failure(DnsReply *reply, Error *error)
{
    json_struct_done(&dns_reply_json, reply);
    reply->kind = memory_strdup(error_kind_to_string(error->kind));
    reply->message = memory_strdup(error_message(error));
}

/* Returns 0 or -errno: the client has gone, or what it says makes no sense to a socket. */
static int take_request(Control *control)
{
    _cleanup_free_ char *text = memory_new(DNS_MESSAGE_MAX, 1);
    _cleanup_error_ Error error = {};
    int fds[_DNS_DESCRIPTOR_MAX];
    DnsRequest request = {};
    ssize_t n = socket_receive(control->fd, text, DNS_MESSAGE_MAX, fds, _DNS_DESCRIPTOR_MAX);
    int r;

    if (n == -EAGAIN || n == -EINTR)
        return 0;
    if (n == 0)
        return -ECONNRESET;
    if (n < 0 && n != -EMSGSIZE)
        return (int)n;
    if (n < 0)
        r = error_set(&error, ERROR_EXHAUSTED,
                      "the request is too long, or there are no descriptors left");
    else
        r = dns_request_read(text, (size_t)n, &request, &error);
    if (r >= 0)
        r = control->handlers.on_request(&request, fds, &control->reply, &error,
                                         control->handlers.data);
    if (r < 0)
        note_failure(&control->reply, &error);
    for (size_t i = 0; i < _DNS_DESCRIPTOR_MAX; i++)
        fd_close(fds[i]);
    json_struct_done(&dns_request_json, &request);
    return send_reply(control);
}

static int on_control(EventSource *source, int fd, uint32_t events, void *data)
{
    Control *control = data;
    ControlHandlers handlers = control->handlers;
    int r = events & EPOLLOUT ? send_reply(control) : take_request(control);

    (void)source;
    (void)fd;
    if (r >= 0)
        return 0;
    control_free(control);
    handlers.on_end(handlers.data);
    return 0;
}

int control_new(EventLoop *loop, int fd, const ControlHandlers *handlers, Control **ret)
{
    _cleanup_(control_freep) Control *control = NEW(Control);
    int r;

    control->fd = fd;
    control->handlers = *handlers;
    r = check_peer(fd);
    if (r >= 0)
        r = fd_set_nonblock(fd, true);
    if (r >= 0)
        r = event_loop_add_fd(loop, fd, EPOLLIN, on_control, control, &control->source);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(control);
    return 0;
}
