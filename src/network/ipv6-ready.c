/* SPDX-License-Identifier: Apache-2.0 */

/* The kernel tells of the local route that an address gets when it is ready. */

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "network/network-link-private.h"

/* Of a kernel that tells nothing: the address is ready by then, as without us. */
#define PATIENCE_SECONDS 1

typedef struct Wait {
    const IpAddress *address;
    bool is_ready;
} Wait;

static int on_route(const struct nlmsghdr *header, void *data)
{
    const struct rtmsg *body = NLMSG_DATA(header);
    const struct rtattr *attributes[RTA_DST + 1];
    Wait *wait = data;
    const void *destination;
    int r;

    if (header->nlmsg_type != RTM_NEWROUTE)
        return 0;
    r = netlink_parse(header, sizeof(*body), attributes, ARRAY_SIZE(attributes));
    if (r < 0)
        return r;
    destination = netlink_value(attributes[RTA_DST], ip_address_size(wait->address));
    if (body->rtm_type == RTN_LOCAL && body->rtm_family == AF_INET6 && destination &&
        memcmp(destination, wait->address->bytes, ip_address_size(wait->address)) == 0)
        wait->is_ready = true;
    return 0;
}

int ipv6_ready_open(void)
{
    return netlink_open_events(RTMGRP_IPV6_ROUTE);
}

int ipv6_ready_wait(int fd, const IpAddress *address)
{
    const struct timeval patience = { .tv_sec = PATIENCE_SECONDS };
    Wait wait = { .address = address };

    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0)
        return -errno;
    while (!wait.is_ready) {
        int r = netlink_receive_events(fd, on_route, &wait);

        if (r == -EAGAIN || r == -ENOBUFS)
            break;
        if (r < 0 && r != -EINTR)
            return r;
    }
    return 0;
}
