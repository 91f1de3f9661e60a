/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The sockets of cay-dns inside a container's network namespace. */

#include <errno.h>

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

/* Open them in @netns_fd at DNS_ADDRESS, reached there at port 53. Errors: SYSTEM. */
int dns_sockets_open(int netns_fd, DnsSockets *ret, Error *err);
void dns_sockets_close(DnsSockets *sockets);
