/* SPDX-License-Identifier: Apache-2.0 */

/* Messages and descriptors over SOCK_SEQPACKET unix sockets. */

#include "base/socket.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"

/* Room for the control message of SOCKET_MAX_FDS descriptors, aligned as the kernel wants it. */
typedef union ControlBuffer {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(SOCKET_MAX_FDS * sizeof(int))];
} ControlBuffer;

int socket_pair(int ret_fds[2])
{
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret_fds) < 0 ? -errno : 0;
}

int socket_send(int fd, const void *data, size_t size, const int *fds, size_t n_fds)
{
    struct iovec part = { .iov_base = (void *)data, .iov_len = size };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
    ControlBuffer control = {};
    ssize_t n;

    if (n_fds > SOCKET_MAX_FDS)
        return -E2BIG;
    if (n_fds > 0) {
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(n_fds * sizeof(int));
        memcpy(CMSG_DATA(&control.header), fds, n_fds * sizeof(int));
    }

    do
        n = sendmsg(fd, &message, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : 0;
}

/*
 * A socket that is in its own queue is found by the kernel's collector of such, which is a thread
 * of its own since Linux 6.9 and closes what else is in there. It looks when another socket is
 * closed.
 */
void socket_close_behind(int fd)
{
    int pair[2], saved_errno = errno;

    if (socket_pair(pair) >= 0) {
        (void)socket_send(pair[0], "", 1, (int[]) { pair[1], fd }, 2); /* else it closes below */
        fd_close(pair[1]);
    } else {
        pair[0] = -EBADF;
    }
    fd_close(fd);
    fd_close(pair[0]);
    errno = saved_errno;
}

/* Move the descriptors of one control message into the free slots of @fds; surplus ones are closed.
 */
static void collect_fds(struct cmsghdr *header, int *fds, size_t max_fds)
{
    size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int), slot = 0;

    for (size_t i = 0; i < count; i++) {
        int fd;

        memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(fd));
        while (slot < max_fds && fds[slot] >= 0)
            slot++;
        if (slot < max_fds)
            fds[slot] = fd;
        else
            fd_close(fd);
    }
}

ssize_t socket_receive(int fd, void *data, size_t size, int *fds, size_t max_fds)
{
    struct iovec part = { .iov_base = data, .iov_len = size };
    ControlBuffer control = {};
    struct msghdr message = { .msg_iov = &part,
                              .msg_iovlen = 1,
                              .msg_control = &control,
                              .msg_controllen = sizeof(control) };
    ssize_t n;

    for (size_t i = 0; i < max_fds; i++)
        fds[i] = -EBADF;

    do
        n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;

    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header;
         header = CMSG_NXTHDR(&message, header))
        if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
            collect_fds(header, fds, max_fds);

    if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
        for (size_t i = 0; i < max_fds; i++)
            fds[i] = fd_close(fds[i]);
        return -EMSGSIZE;
    }
    return n;
}

/* The address of @name in @dir_fd through /proc/self/fd, which is always short. */
static int address_at(int dir_fd, const char *name, struct sockaddr_un *ret)
{
    char directory[32];
    int length;

    *ret = (struct sockaddr_un) { .sun_family = AF_UNIX };
    length = snprintf(ret->sun_path, sizeof(ret->sun_path), "%s/%s", path_of_fd(directory, dir_fd),
                      name);
    return length < 0 || (size_t)length >= sizeof(ret->sun_path) ? -ENAMETOOLONG : 0;
}

static int listen_at(int dir_fd, const char *name, int type, int backlog)
{
    _cleanup_close_ int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_un address;
    int r;

    if (fd < 0)
        return -errno;
    r = address_at(dir_fd, name, &address);
    if (r < 0)
        return r;
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, backlog) < 0)
        return -errno;
    return TAKE_FD(fd);
}

int socket_listen_at(int dir_fd, const char *name, int backlog)
{
    return listen_at(dir_fd, name, SOCK_SEQPACKET, backlog);
}

int socket_listen_stream_at(int dir_fd, const char *name, int backlog)
{
    return listen_at(dir_fd, name, SOCK_STREAM, backlog);
}

int socket_connect_at(int dir_fd, const char *name)
{
    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    struct sockaddr_un address;
    int r;

    if (fd < 0)
        return -errno;
    r = address_at(dir_fd, name, &address);
    if (r < 0)
        return r;
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        return -errno;
    return TAKE_FD(fd);
}
