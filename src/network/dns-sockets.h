/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The sockets of cay-dns inside a container's network namespace. */

#include <errno.h>
#include <netinet/in.h>

#include "base/error.h"

typedef struct DnsSockets {
    int udp_fd;
    int tcp_fd;
} DnsSockets;

#define DNS_SOCKETS_INIT                                                                           \
    (DnsSockets)                                                                                   \
    {                                                                                              \
        .udp_fd = -EBADF, .tcp_fd = -EBADF                                                         \
    }

/* Open them in @netns_fd at DNS_ADDRESS, reached there at port 53. Errors: UNSUPPORTED (the
 * kernel has no nftables), SYSTEM. */
int dns_sockets_open(int netns_fd, DnsSockets *ret, Error *err);
void dns_sockets_close(DnsSockets *sockets);

/* In the network namespace that we are in: what goes to port 53 of DNS_ADDRESS goes to these ports
 * there, and what comes from these comes from port 53. Replaces what was said before. */
int dns_redirect(in_port_t udp_port, in_port_t tcp_port, Error *err);
