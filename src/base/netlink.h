/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Requests to the kernel over rtnetlink(7): messages of a bounded size, with attributes whose
 * lengths are checked on the way in and on the way out.
 *
 *     NetlinkMessage message;
 *     struct ifinfomsg *link = netlink_message_init(&message, RTM_NEWLINK, sizeof(*link));
 *     link->ifi_index = index;
 *     netlink_message_add(&message, IFLA_IFNAME, name, strlen(name) + 1);
 *     r = netlink_request(&netlink, &message);
 */

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NETLINK_MESSAGE_MAX 1024

typedef struct NetlinkMessage {
    alignas(struct nlmsghdr) char data[NETLINK_MESSAGE_MAX];
    size_t size;
    bool is_full; /* something did not fit: it is not sent */
} NetlinkMessage;

/* A socket, in the network namespace that its maker was in, and the number of the last request:
 * answers to earlier ones, which nobody waited for, are left out. */
typedef struct Netlink {
    int fd;
    uint32_t sequence;
} Netlink;

/* The descriptor for a Netlink, in the network namespace that we are in, or -errno. Does not
 * allocate. */
int netlink_open(void);

/* Begin a message. Returns its zeroed body of @body_size bytes (at most 64). */
void *netlink_message_init(NetlinkMessage *message, uint16_t type, size_t body_size);

/* Add an attribute. One that does not fit is noticed by netlink_request(). */
void netlink_message_add(NetlinkMessage *message, uint16_t type, const void *data, size_t size);

/* Send it and wait for the kernel's word. Returns 0 or -errno (-EMSGSIZE for what did not fit). */
int netlink_request(Netlink *netlink, NetlinkMessage *message);

/* One answer: return 0 to go on, else -errno. */
typedef int (*NetlinkHandler)(const struct nlmsghdr *header, void *data);

/* Send it with @flags (NLM_F_DUMP) and pass all answers to @handler. Returns 0, what @handler
 * returned, or -errno (-EAGAIN when the list changed meanwhile). */
int netlink_query(Netlink *netlink, NetlinkMessage *message, uint16_t flags, NetlinkHandler handler,
                  void *data);

/*
 * The attributes behind the body of @body_size bytes, by type: ret[type] is NULL where there is
 * none; types from @count on are left out. Returns 0 or -EBADMSG.
 */
int netlink_parse(const struct nlmsghdr *header, size_t body_size, const struct rtattr **ret,
                  size_t count);

/* The attribute's value where it has at least @size bytes, else NULL, as for a NULL attribute. */
const void *netlink_value(const struct rtattr *attribute, size_t size);
