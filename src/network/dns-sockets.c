/* SPDX-License-Identifier: Apache-2.0 */

/* They are made inside, and are used from anywhere. */

#include "network/dns-sockets.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "network/dns-client.h"
#include "network/network-link-private.h"

#define BACKLOG 64

/* At a port of the kernel's choice: 53 is the container's, for a server of its own at 0.0.0.0. */
static int open_socket(int type, in_port_t *ret_port)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t size = sizeof(address);
    _cleanup_close_ int fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0 || inet_pton(AF_INET, DNS_ADDRESS, &address.sin_addr) != 1 ||
        bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        (type == SOCK_STREAM && listen(fd, BACKLOG) < 0) ||
        getsockname(fd, (struct sockaddr *)&address, &size) < 0)
        return -errno;
    *ret_port = address.sin_port;
    return TAKE_FD(fd);
}

int dns_sockets_open(int netns_fd, DnsSockets *ret, Error *err)
{
    _cleanup_netns_visit_ NetnsVisit visit = NETNS_VISIT_NONE;
    _cleanup_close_ int udp_fd = -EBADF, tcp_fd = -EBADF;
    in_port_t udp_port = 0, tcp_port = 0;
    int r = netns_visit_begin(netns_fd, &visit, err);

    if (r < 0)
        return r;
    udp_fd = open_socket(SOCK_DGRAM, &udp_port);
    tcp_fd = udp_fd < 0 ? udp_fd : open_socket(SOCK_STREAM, &tcp_port);
    if (tcp_fd < 0)
        return error_result(err, tcp_fd, "answer names at %s", DNS_ADDRESS);
    r = dns_redirect(udp_port, tcp_port, err);
    if (r < 0)
        return r;
    *ret = (DnsSockets) { TAKE_FD(udp_fd), TAKE_FD(tcp_fd) };
    return 0;
}

void dns_sockets_close(DnsSockets *sockets)
{
    sockets->udp_fd = fd_close(sockets->udp_fd);
    sockets->tcp_fd = fd_close(sockets->tcp_fd);
}
