/* SPDX-License-Identifier: Apache-2.0 */

/* One message with one descriptor. What it says besides is for people who debug an engine. */

#include "oci/descriptor-socket.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/fd.h"
#include "base/socket.h"

int descriptor_socket_connect(const char *option, const char *path, int *ret_fd, Error *err)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    _cleanup_close_ int fd = -EBADF;
    int r;

    if (!path) {
        *ret_fd = -EBADF;
        return 0;
    }
    if (strlen(path) >= sizeof(address.sun_path))
        return error_set(err, ERROR_INVALID, "--%s: '%s' is longer than %zu bytes", option, path,
                         sizeof(address.sun_path) - 1);
    memcpy(address.sun_path, path, strlen(path));
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return error_errno(err, "make a socket");
    do
        r = connect(fd, (struct sockaddr *)&address, sizeof(address));
    while (r < 0 && errno == EINTR);
    if (r < 0)
        return error_errno(err, "--%s: connect to '%s'", option, path);
    *ret_fd = TAKE_FD(fd);
    return 0;
}

int descriptor_socket_send_terminal(int socket_fd, int fd, Error *err)
{
    unsigned number;
    char name[32];
    int r;

    /* Not ptsname(3): the name is the container's, whose devpts we do not see. */
    if (ioctl(fd, TIOCGPTN, &number) < 0)
        return error_errno(err, "find the name of the terminal");
    (void)snprintf(name, sizeof(name), "/dev/pts/%u", number);
    r = socket_send(socket_fd, name, strlen(name), &fd, 1);
    return r < 0 ? error_result(err, r, "send the terminal to the console socket") : 0;
}

int descriptor_socket_send_pidfd(int socket_fd, int fd, Error *err)
{
    static const char name[] = "pidfd";
    int r = socket_send(socket_fd, name, sizeof(name) - 1, &fd, 1);

    return r < 0 ? error_result(err, r, "send the pidfd to the pidfd socket") : 0;
}
