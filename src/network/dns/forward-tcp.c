/* SPDX-License-Identifier: Apache-2.0 */

/* One connection for one question: connect, send it behind its length, read the answer. */

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/memory.h"
#include "base/random-id.h"
#include "network/dns/forward-private.h"

/* Whatever was received has a length before it. */
static void expect_reply(Forward *forward)
{
    free(forward->stream);
    forward->stream = memory_new(TCP_LENGTH_SIZE, 1);
    forward->stream_size = TCP_LENGTH_SIZE;
    forward->stream_done = 0;
}

/* Returns 1 when the reply is whole, 0 when more is to come, or -errno. */
static int receive(Forward *forward)
{
    while (forward->stream_done < forward->stream_size) {
        ssize_t n = recv(forward->fd, forward->stream + forward->stream_done,
                         forward->stream_size - forward->stream_done, MSG_DONTWAIT);

        if (n < 0)
            return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        if (n == 0)
            return -ECONNRESET;
        forward->stream_done += (size_t)n;
        if (forward->stream_done == TCP_LENGTH_SIZE && forward->stream_size == TCP_LENGTH_SIZE) {
            size_t size = (size_t)(forward->stream[0] << 8 | forward->stream[1]);
            uint8_t *stream = memory_new(TCP_LENGTH_SIZE + size, 1);

            if (size < MESSAGE_HEADER_SIZE) {
                free(stream);
                return -EBADMSG;
            }
            memcpy(stream, forward->stream, TCP_LENGTH_SIZE);
            free(forward->stream);
            forward->stream = stream;
            forward->stream_size += size;
        }
    }
    return 1;
}

static int on_reply(EventSource *source, int fd, uint32_t events, void *data)
{
    Forward *forward = data;
    size_t size;
    Query query;
    int r = receive(forward);

    (void)source;
    (void)fd;
    (void)events;
    if (r == 0)
        return 0;
    size = forward->stream_size - TCP_LENGTH_SIZE;
    (void)query_read(forward->message, forward->size, &query); /* which it was before */
    if (r < 0 || reply_check(forward->stream + TCP_LENGTH_SIZE, size, &query, forward->id) < 0) {
        forward_failed(forward);
        return 0;
    }
    memcpy(forward_buffer(forward), forward->stream + TCP_LENGTH_SIZE, size);
    forward_answered(forward, forward_buffer(forward), size);
    return 0;
}

static int on_writable(EventSource *source, int fd, uint32_t events, void *data)
{
    Forward *forward = data;

    (void)events;
    while (forward->stream_done < forward->stream_size) {
        ssize_t n = send(fd, forward->stream + forward->stream_done,
                         forward->stream_size - forward->stream_done, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return 0;
        if (n < 0) {
            forward_failed(forward);
            return 0;
        }
        forward->stream_done += (size_t)n;
    }
    event_source_free(source);
    forward->source = NULL;
    expect_reply(forward);
    if (forward_watch(forward, EPOLLIN, on_reply) < 0)
        forward_failed(forward);
    return 0;
}

int forward_tcp_start(Forward *forward)
{
    forward->fd =
        socket(forward->upstream.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (forward->fd < 0 ||
        (connect(forward->fd, &forward->upstream.any, upstream_size(&forward->upstream)) < 0 &&
         errno != EINPROGRESS))
        return -errno;
    random_bytes(&forward->id, sizeof(forward->id));
    forward->stream_size = TCP_LENGTH_SIZE + forward->size;
    forward->stream = memory_new(forward->stream_size, 1);
    forward->stream_done = 0;
    forward->stream[0] = (uint8_t)(forward->size >> 8);
    forward->stream[1] = (uint8_t)forward->size;
    memcpy(forward->stream + TCP_LENGTH_SIZE, forward->message, forward->size);
    forward->stream[TCP_LENGTH_SIZE] = (uint8_t)(forward->id >> 8);
    forward->stream[TCP_LENGTH_SIZE + 1] = (uint8_t)forward->id;
    return forward_watch(forward, EPOLLOUT, on_writable);
}
