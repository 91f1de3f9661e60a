/* SPDX-License-Identifier: Apache-2.0 */

/* Writing to a descriptor that others share, without blocking and without making it non-blocking.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "supervisor/relay-private.h"

int relay_open_own(int fd, int open_flags, bool *ret_nonblocking)
{
    char path[32];
    struct stat st;
    int own = -EBADF;

    /* O_NONBLOCK belongs to the open file, which the user's shell and other programs share; opening
     * it once more gives one that is ours alone. Not for files: their position is shared too. */
    if (fstat(fd, &st) == 0 && (S_ISFIFO(st.st_mode) || (S_ISCHR(st.st_mode) && isatty(fd))))
        own = open(path_of_fd(path, fd), open_flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    *ret_nonblocking = own >= 0;
    if (own < 0) /* a socket, or a terminal of another user */
        own = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    return own < 0 ? -errno : own;
}

int relay_sink_open(RelaySink *sink, EventLoop *loop, int fd, EventFdHandler handler, void *data)
{
    bool is_nonblocking;
    int r;

    *sink = (RelaySink) { .fd = -EBADF };
    if (fd < 0)
        return 0;
    sink->fd = relay_open_own(fd, O_WRONLY, &is_nonblocking);
    if (sink->fd < 0)
        return sink->fd;
    sink->is_bounded = !is_nonblocking;

    r = event_loop_add_fd(loop, sink->fd, EPOLLOUT, handler, data, &sink->source);
    if (r == -EPERM) { /* a file, /dev/null */
        sink->is_bounded = false;
        return 0;
    }
    return r < 0 ? r : event_source_set_events(sink->source, 0);
}

void relay_sink_close(RelaySink *sink)
{
    if (sink->source)
        event_source_free(sink->source);
    fd_close(sink->fd);
    *sink = (RelaySink) { .fd = -EBADF };
}

/* How much may be written now: a pollable descriptor that is writable takes PIPE_BUF bytes. */
static size_t sink_room(const RelaySink *sink)
{
    struct pollfd poll_fd = { .fd = sink->fd, .events = POLLOUT };

    if (!sink->is_bounded)
        return sink->size;
    if (poll(&poll_fd, 1, 0) == 0)
        return 0;
    return sink->size < PIPE_BUF ? sink->size : PIPE_BUF;
}

bool relay_sink_flush(RelaySink *sink)
{
    while (sink->fd >= 0 && sink->size > 0) {
        size_t room = sink_room(sink);
        ssize_t n = room > 0 ? write(sink->fd, sink->data, room) : -1;

        if (room == 0 || (n < 0 && errno == EAGAIN)) {
            if (sink->source && event_source_set_events(sink->source, EPOLLOUT) == 0)
                return false;
        } else if (n >= 0) {
            sink->data += n;
            sink->size -= (size_t)n;
            continue;
        } else if (errno == EINTR) {
            continue;
        }
        relay_sink_close(sink); /* its reader has gone: the container goes on */
    }

    sink->size = 0;
    if (sink->source)
        (void)event_source_set_events(sink->source, 0); /* known to epoll */
    return true;
}

bool relay_sink_write(RelaySink *sink, const char *data, size_t size)
{
    sink->data = data;
    sink->size = size;
    return relay_sink_flush(sink);
}
