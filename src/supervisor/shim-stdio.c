/* SPDX-License-Identifier: Apache-2.0 */

/* The pipes or the terminal between the container and its shim. */

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"
#include "supervisor/shim-private.h"

/* A pipe whose @our_end (0 reads, 1 writes) does not block us; the container's end is an ordinary
 * one. */
static int pipe_open(int our_end, int *ret_ours, int *ret_container, Error *err)
{
    int ends[2], r;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return error_errno(err, "make a pipe");
    *ret_ours = ends[our_end];
    *ret_container = ends[!our_end];

    r = fd_set_nonblock(ends[our_end], true);
    return r < 0 ? error_result(err, r, "make a pipe") : 0;
}

int stdio_open(Shim *shim, ContainerStdio *ret, Error *err)
{
    ContainerOutput *output = &shim->output;
    int r;

    if (shim->config->process && shim->config->process->terminal)
        return 0;

    if (shim->settings.open_stdin) {
        r = pipe_open(1, &shim->input.fd, &ret->fds[0], err);
        if (r < 0)
            return r;
    } else {
        ret->fds[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (ret->fds[0] < 0)
            return error_errno(err, "open '/dev/null'");
    }
    r = pipe_open(0, &output->streams[0].fd, &ret->fds[1], err);
    if (r < 0)
        return r;
    return pipe_open(0, &output->streams[1].fd, &ret->fds[2], err);
}

void stdio_done(ContainerStdio *stdio)
{
    for (size_t i = 0; i < ARRAY_SIZE(stdio->fds); i++)
        fd_closep(&stdio->fds[i]);
}

int stdio_adopt_terminal(Shim *shim, int master_fd, Error *err)
{
    _cleanup_close_ int master = master_fd;
    int r;

    if (master < 0)
        return 0;
    r = fd_set_nonblock(master, true);
    if (r < 0)
        return error_result(err, r, "use the container's terminal");

    /* As long as somebody has the container's side open, a program that closes it and opens it
     * again does not look like the end of output. */
    shim->terminal_fd = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (shim->terminal_fd < 0)
        return error_errno(err, "open the container's terminal");
    if (shim->settings.open_stdin) {
        /* epoll knows a descriptor once: the other direction needs its own */
        shim->input.fd = fcntl(master, F_DUPFD_CLOEXEC, 0);
        if (shim->input.fd < 0)
            return error_errno(err, "use the container's terminal");
    }
    shim->input.is_terminal = true;
    shim->output.streams[0].fd = TAKE_FD(master);
    return 0;
}
