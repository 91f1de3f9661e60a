/* SPDX-License-Identifier: Apache-2.0 */

/* The child sends one result, with the descriptor; its death before that is a failure, too. */

#include "base/child-fd.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/socket.h"

int child_fds_make(int (*make)(const void *data, int *ret_fds), const void *data, int *ret_fds,
                   size_t n_fds)
{
    _cleanup_close_ int ours = -EBADF, theirs = -EBADF;
    int ends[2], result = -EIO, status, r = socket_pair(ends);
    pid_t pid;

    if (r < 0)
        return r;
    ours = ends[0];
    theirs = ends[1];
    pid = fork();
    if (pid < 0)
        return -errno;
    if (pid == 0) {
        result = make(data, ret_fds);
        (void)socket_send(theirs, &result, sizeof(result), ret_fds, result < 0 ? 0 : n_fds);
        _exit(EXIT_SUCCESS); /* what could not be sent is seen as its death */
    }
    fd_closep(&theirs); /* else that would not be seen */
    if (socket_receive(ours, &result, sizeof(result), ret_fds, n_fds) != sizeof(result))
        result = -EIO;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return result;
}

typedef struct OneMaker {
    int (*make)(const void *data);
    const void *data;
} OneMaker;

static int make_one(const void *data, int *ret_fd)
{
    const OneMaker *maker = data;

    *ret_fd = maker->make(maker->data);
    return *ret_fd < 0 ? *ret_fd : 0;
}

int child_fd_make(int (*make)(const void *data), const void *data)
{
    int fd = -EBADF, r = child_fds_make(make_one, &(OneMaker) { make, data }, &fd, 1);

    return r < 0 ? r : fd;
}
