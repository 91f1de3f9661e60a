/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The socket is connected: the kernel drops what another address or port sends, so to forge an
 * answer one has to guess port and id. What is wrong is not an answer, and is waited on.
 */

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/random-id.h"
#include "network/dns/forward-private.h"

#define REPLIES_PER_ROUND 8

static int on_reply(EventSource *source, int fd, uint32_t events, void *data)
{
    Forward *forward = data;
    uint8_t *reply = forward_buffer(forward);

    (void)source;
    (void)events;
    for (int i = 0; i < REPLIES_PER_ROUND; i++) {
        ssize_t n = recv(fd, reply, MESSAGE_MAX, MSG_DONTWAIT);
        Query query;

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return 0;
        if (n < 0) { /* nobody listens there */
            forward_failed(forward);
            return 0;
        }
        (void)query_read(forward->message, forward->size, &query); /* which it was before */
        if (reply_check(reply, (size_t)n, &query, forward->id) >= 0) {
            forward_answered(forward, reply, (size_t)n);
            return 0;
        }
    }
    return 0;
}

int forward_udp_start(Forward *forward)
{
    uint8_t *message = forward_buffer(forward);
    int r;

    forward->fd =
        socket(forward->upstream.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (forward->fd < 0 ||
        connect(forward->fd, &forward->upstream.any, upstream_size(&forward->upstream)) < 0)
        return -errno;
    random_bytes(&forward->id, sizeof(forward->id));
    memcpy(message, forward->message, forward->size);
    message[0] = (uint8_t)(forward->id >> 8);
    message[1] = (uint8_t)forward->id;
    r = forward_watch(forward, EPOLLIN, on_reply);
    if (r < 0)
        return r;
    return send(forward->fd, message, forward->size, MSG_NOSIGNAL) < 0 ? -errno : 0;
}
