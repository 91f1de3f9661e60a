/* SPDX-License-Identifier: Apache-2.0 */

/* Sending without blocking and without giving up on a receiver that restarts. */

#include "supervisor/log-socket-private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/parse.h"

#define PATIENCE_SECONDS 10
#define BUFFER_SIZE_MAX (1 << 30) /* the kernel doubles it */

/* For connecting at first and for the last bytes: all else waits in the event loop. */
static void socket_set_patience(int fd)
{
    struct timeval patience = { .tv_sec = PATIENCE_SECONDS };

    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)); /* cannot fail */
}

/* As root we may have more than everybody; others get what they may have. */
static void apply_buffer(const LogSocket *log)
{
    if (log->fd < 0 || log->buffer_size == 0)
        return;
    if (setsockopt(log->fd, SOL_SOCKET, SO_SNDBUFFORCE, &log->buffer_size,
                   sizeof(log->buffer_size)) < 0)
        (void)setsockopt(log->fd, SOL_SOCKET, SO_SNDBUF, &log->buffer_size,
                         sizeof(log->buffer_size));
}

static int socket_connect(LogSocket *log, bool is_patient)
{
    _cleanup_close_ int fd = socket(log->address.any.sa_family, log->type | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    socket_set_patience(fd);
    if (!is_patient && fd_set_nonblock(fd, true) < 0)
        return -errno;
    if (connect(fd, &log->address.any, log->address_size) < 0 && errno != EINPROGRESS)
        return -errno;
    if (fd_set_nonblock(fd, true) < 0)
        return -errno;
    log->fd = TAKE_FD(fd);
    apply_buffer(log);
    return 0;
}

int log_socket_open(LogSocket *log, const LogSocketAddress *address, socklen_t size, int type)
{
    *log = (LogSocket) { .address = *address, .address_size = size, .type = type, .fd = -EBADF };
    return socket_connect(log, true);
}

static void socket_break(LogSocket *log)
{
    log->fd = fd_close(log->fd);
    free(TAKE_PTR(log->unsent)); /* a new connection does not begin in the middle of a message */
    log->unsent_size = 0;
}

static int socket_lose(LogSocket *log, uint64_t payload, int errnum)
{
    log->lost += payload;
    log->lost_errnum = errnum;
    return 0;
}

/* Returns 0 when nothing is left, or -errno. */
static int unsent_send(LogSocket *log)
{
    while (log->unsent_size > 0) {
        ssize_t n = send(log->fd, log->unsent, log->unsent_size, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        log->unsent_size -= (size_t)n;
        memmove(log->unsent, log->unsent + n, log->unsent_size);
    }
    free(TAKE_PTR(log->unsent));
    return 0;
}

/* Returns 0 when the message is sent or begun, or -errno. */
static int message_send(LogSocket *log, const char *message, size_t size)
{
    ssize_t n;
    int r = unsent_send(log);

    if (r < 0)
        return r;
    do
        n = send(log->fd, message, size, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    if ((size_t)n < size) {
        log->unsent_size = size - (size_t)n;
        log->unsent = memory_dup(message + n, log->unsent_size);
    }
    return 0;
}

static bool result_means_later(int r)
{
    /* A UDP socket's send can fail for its queue; a stream may still be connecting. */
    return r == -EAGAIN || r == -EINPROGRESS || r == -EALREADY;
}

int log_socket_send(LogSocket *log, const char *message, size_t size, uint64_t payload)
{
    int r = 0;

    /* Twice: a receiver that has restarted is only noticed by sending to it. */
    for (unsigned attempt = 0; attempt < 2; attempt++) {
        if (log->fd < 0)
            r = socket_connect(log, false);
        if (r >= 0)
            r = message_send(log, message, size);
        if (r >= 0)
            return 0;
        if (result_means_later(r) && log->fd >= 0)
            return -EAGAIN;
        if (r == -EMSGSIZE)
            break;
        socket_break(log);
    }
    return socket_lose(log, payload, -r);
}

/* What was lost is lost again, and counted so, where its notice is. */
static int notice_send(LogSocket *log, LogSink *sink, int64_t time,
                       int (*send)(LogSink *sink, const LogLine *line, uint64_t payload))
{
    char text[LOG_NOTICE_MAX];
    LogLine notice = { .stream = LOG_STREAM_STDERR, .time = time, .text = text };
    uint64_t lost = log->lost;
    int r;

    notice.size = log_notice_make(text, lost, log->lost_errnum);
    log->lost = 0;
    r = send(sink, &notice, lost);
    if (r < 0)
        log->lost = lost;
    return r;
}

int log_socket_take(LogSocket *log, LogSink *sink, const LogLine *line,
                    int (*send)(LogSink *sink, const LogLine *line, uint64_t payload))
{
    int r = 0;

    if (log->lost > 0)
        r = notice_send(log, sink, line->time, send);
    if (r >= 0)
        r = send(sink, line, line->size + !line->is_partial);
    sink->wait_fd = log->fd;
    return r;
}

void log_socket_lose(LogSocket *log, const LogLine *line)
{
    (void)socket_lose(log, line->size + !line->is_partial, EAGAIN);
}

void log_socket_set_buffer(LogSocket *log, const StringMap *options)
{
    const char *text = string_map_get(options, "max-buffer-size");
    int64_t size = 0;

    if (!text || parse_size(text, &size) < 0) /* validated */
        return;
    log->buffer_size = size < BUFFER_SIZE_MAX ? (int)size : BUFFER_SIZE_MAX;
    apply_buffer(log);
}

void log_socket_done(LogSocket *log)
{
    if (log->fd >= 0 && log->unsent_size > 0 && fd_set_nonblock(log->fd, false) >= 0)
        (void)unsent_send(log); /* who does not take it within our patience does not get it */
    socket_break(log);
}
