/* SPDX-License-Identifier: Apache-2.0 */

/* A child of ours enters the namespace: the process that asks stays where it is, whatever fails. */

#include "network/dns-sockets.h"

#include <arpa/inet.h>
#include <sched.h>
#include <sys/socket.h>

#include "base/child-fd.h"
#include "base/fd.h"
#include "network/dns-client.h"

#define DNS_PORT 53
#define BACKLOG 64

static int open_socket(int type)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(DNS_PORT) };
    _cleanup_close_ int fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0 || inet_pton(AF_INET, DNS_ADDRESS, &address.sin_addr) != 1 ||
        bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        (type == SOCK_STREAM && listen(fd, BACKLOG) < 0))
        return -errno;
    return TAKE_FD(fd);
}

static int open_in_namespace(const void *data, int *ret_fds)
{
    const int *netns_fd = data;

    if (setns(*netns_fd, CLONE_NEWNET) < 0)
        return -errno;
    for (size_t i = 0; i < 2; i++) { /* what is open ends with this process */
        ret_fds[i] = open_socket(i == 0 ? SOCK_DGRAM : SOCK_STREAM);
        if (ret_fds[i] < 0)
            return ret_fds[i];
    }
    return 0;
}

int dns_sockets_open(int netns_fd, DnsSockets *ret, Error *err)
{
    int fds[2], r = child_fds_make(open_in_namespace, &netns_fd, fds, ARRAY_SIZE(fds));

    if (r < 0)
        return error_result(err, r, "answer names at %s", DNS_ADDRESS);
    *ret = (DnsSockets) { fds[0], fds[1] };
    return 0;
}

void dns_sockets_close(DnsSockets *sockets)
{
    sockets->udp_fd = fd_close(sockets->udp_fd);
    sockets->tcp_fd = fd_close(sockets->tcp_fd);
}
