/* SPDX-License-Identifier: Apache-2.0 */

/* Each wait is for what is left of the one time limit: an answer by drops does not extend it. */

#include "base/http-client.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/string-buffer.h"
#include "base/time-format.h"

#define READ_SIZE 65536
#define NANOSECONDS_PER_MILLISECOND INT64_C(1000000)

/* Returns 0, -ETIMEDOUT or -errno. */
static int wait_for(int fd, short events, int64_t deadline)
{
    struct pollfd poll_fd = { .fd = fd, .events = events };
    int r;

    do {
        int64_t left = (deadline - time_monotonic()) / NANOSECONDS_PER_MILLISECOND + 1;

        if (left <= 0)
            return -ETIMEDOUT;
        r = poll(&poll_fd, 1, left > INT_MAX ? INT_MAX : (int)left);
    } while (r < 0 && errno == EINTR);
    return r < 0 ? -errno : r == 0 ? -ETIMEDOUT : 0;
}

/* A listener that accepts nobody has connections wait, which is limited by the time for sending. */
static int connect_to(const char *path, int64_t timeout, int *ret_fd)
{
    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct timeval limit = { .tv_sec = timeout / NANOSECONDS_PER_SECOND,
                             .tv_usec = timeout % NANOSECONDS_PER_SECOND / 1000 };

    if (fd < 0)
        return -errno;
    if (strlen(path) >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    memcpy(address.sun_path, path, strlen(path));
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0)
        return -errno;
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        return errno == EAGAIN ? -ETIMEDOUT : -errno;
    *ret_fd = TAKE_FD(fd);
    return 0;
}

static int send_request(int fd, const HttpRequest *request, int64_t deadline)
{
    _cleanup_free_ char *text = memory_printf(
        "POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: cay\r\nAccept: %s\r\nContent-Type: %s\r\n"
        "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
        request->path, request->host, request->content_type, request->content_type,
        strlen(request->body), request->body);
    size_t size = strlen(text), sent = 0;

    while (sent < size) {
        int r = wait_for(fd, POLLOUT, deadline);
        ssize_t n;

        if (r < 0)
            return r;
        n = send(fd, text + sent, size - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return -errno;
        sent += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static int receive_response(int fd, int64_t deadline, HttpResponse *ret)
{
    _cleanup_string_buffer_ StringBuffer received = {};
    _cleanup_free_ char *part = memory_new(1, READ_SIZE);

    for (;;) {
        int r = wait_for(fd, POLLIN, deadline);
        ssize_t n;

        if (r < 0)
            return r;
        n = recv(fd, part, READ_SIZE, MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (n < 0)
            return -errno;
        string_buffer_add_bytes(&received, part, (size_t)n);
        r = http_response_parse(string_buffer_get(&received), received.length, n == 0, ret);
        if (r != 0)
            return r < 0 ? r : 0;
    }
}

int http_post(const char *socket_path, const HttpRequest *request, int64_t timeout,
              HttpResponse *ret, Error *err)
{
    int64_t deadline = time_monotonic() + timeout;
    _cleanup_close_ int fd = -EBADF;
    int r = connect_to(socket_path, timeout, &fd);

    if (r == -ENOENT)
        return error_set(err, ERROR_NOT_FOUND, "no socket '%s'", socket_path);
    if (r < 0)
        return error_set(err, ERROR_UNAVAILABLE, "connect to '%s': %s", socket_path, strerror(-r));
    r = send_request(fd, request, deadline);
    if (r >= 0 || r == -EPIPE) /* it may have answered before it has read everything */
        r = receive_response(fd, deadline, ret);
    if (r == -ETIMEDOUT)
        return error_set(err, ERROR_UNAVAILABLE, "no answer within %lld seconds",
                         (long long)(timeout / NANOSECONDS_PER_SECOND));
    if (r == -EBADMSG || r == -EFBIG)
        return error_set(err, ERROR_UNAVAILABLE, "the answer is %s",
                         r == -EFBIG ? "too long" : "no HTTP/1.1, or was cut short");
    return r < 0 ? error_set(err, ERROR_UNAVAILABLE, "no answer: %s", strerror(-r)) : 0;
}
