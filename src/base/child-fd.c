/* SPDX-License-Identifier: Apache-2.0 */

/* The child sends one result, with the descriptor; its death before that is a failure, too. */

#include "base/child-fd.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/socket.h"

static _Noreturn void run(int socket_fd, int (*make)(const void *data), const void *data)
{
    int fd = make(data);
    int result = fd < 0 ? fd : 0;

    (void)socket_send(socket_fd, &result, sizeof(result), &fd, fd >= 0); /* else its end is seen */
    _exit(EXIT_SUCCESS);
}

int child_fd_make(int (*make)(const void *data), const void *data)
{
    _cleanup_close_ int ours = -EBADF, theirs = -EBADF;
    int ends[2], fd = -EBADF, result = -EIO, status, r = socket_pair(ends);
    pid_t pid;

    if (r < 0)
        return r;
    ours = ends[0];
    theirs = ends[1];
    pid = fork();
    if (pid < 0)
        return -errno;
    if (pid == 0)
        run(theirs, make, data);
    fd_closep(&theirs); /* else its death would not be seen */
    if (socket_receive(ours, &result, sizeof(result), &fd, 1) != sizeof(result))
        result = -EIO;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return result < 0 ? result : fd;
}
