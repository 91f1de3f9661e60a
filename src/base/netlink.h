/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Requests to the kernel over netlink(7): messages of a bounded size, with attributes whose lengths
 * are checked on the way in and on the way out.
 *
 *     NetlinkMessage message;
 *     struct ifinfomsg *link = netlink_message_init(&message, RTM_NEWLINK, sizeof(*link));
 *     link->ifi_index = index;
 *     netlink_message_add_string(&message, IFLA_IFNAME, name);
 *     r = netlink_request(&netlink, &message);
 *
 * Many of them go to the kernel in one system call as a batch:
 *
 *     _cleanup_netlink_batch_ NetlinkBatch batch = {};
 *     netlink_batch_add(&batch, &message, 0, EEXIST);
 *     r = netlink_batch_send(&netlink, &batch, NULL, NULL);
 */

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

#define NETLINK_MESSAGE_MAX 4096

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

/* The descriptor for a Netlink, in the network namespace that we are in, or -errno: rtnetlink(7),
 * or another @protocol (NETLINK_NETFILTER). They do not allocate. */
int netlink_open(void);
int netlink_open_protocol(int protocol);

/* The descriptor of one that is told of what happens in rtnetlink's @groups (RTMGRP_LINK ...). */
int netlink_open_events(uint32_t groups);

/* Begin a message. Returns its zeroed body of @body_size bytes (at most 64). */
void *netlink_message_init(NetlinkMessage *message, uint16_t type, size_t body_size);

/* Add an attribute. One that does not fit is noticed when the message is sent. */
void netlink_message_add(NetlinkMessage *message, uint16_t type, const void *data, size_t size);
void netlink_message_add_string(NetlinkMessage *message, uint16_t type, const char *text);
void netlink_message_add_u8(NetlinkMessage *message, uint16_t type, uint8_t value);
void netlink_message_add_u16(NetlinkMessage *message, uint16_t type, uint16_t value);
void netlink_message_add_u32(NetlinkMessage *message, uint16_t type, uint32_t value);
void netlink_message_add_be16(NetlinkMessage *message, uint16_t type, uint16_t value);
void netlink_message_add_be32(NetlinkMessage *message, uint16_t type, uint32_t value);

/* What is added between the two is inside an attribute of @type. Give what _begin() returned. */
size_t netlink_message_begin(NetlinkMessage *message, uint16_t type);
void netlink_message_end(NetlinkMessage *message, size_t begin);

/* Add bytes that are no attribute, as a body inside of one. Returns them, zeroed, or NULL when they
 * do not fit. */
void *netlink_message_extend(NetlinkMessage *message, size_t size);

/* Send it and wait for the kernel's word. Returns 0 or -errno (-EMSGSIZE for what did not fit). */
int netlink_request(Netlink *netlink, NetlinkMessage *message);

/* One answer: return 0 to go on, else -errno. */
typedef int (*NetlinkHandler)(const struct nlmsghdr *header, void *data);

/* Send it with @flags (NLM_F_DUMP) and pass all answers to @handler. Returns 0, what @handler
 * returned, or -errno (-EAGAIN when the list changed meanwhile). */
int netlink_query(Netlink *netlink, NetlinkMessage *message, uint16_t flags, NetlinkHandler handler,
                  void *data);

/* Wait for one datagram of events, and pass them on. Returns 0, what @handler returned, or -errno
 * (-ENOBUFS: some are lost). */
int netlink_receive_events(int fd, NetlinkHandler handler, void *data);

/* Messages that go together. The kernel takes them in one system call, so that none or all of them
 * were tried whenever we are killed; of rtnetlink's each stands for itself and those behind one
 * that fails are tried, too. `{}` is an empty one. */
typedef struct NetlinkBatch {
    char *data;
    size_t size;
    size_t capacity;
    struct NetlinkBatchItem *items; /* for each message */
    size_t count;
    size_t n_items; /* that there is room for */
    size_t failed;  /* which message the result is about, from 0 on */
    bool is_full;
    bool is_transaction; /* the last message is its end, which Linux before 6.10 never answers */
} NetlinkBatch;

void netlink_batch_done(NetlinkBatch *batch);
#define _cleanup_netlink_batch_ _cleanup_(netlink_batch_done)

/* Add a copy of @message with @flags (NLM_F_CREATE ...). Its failing with the errno @ignored (0:
 * none) is none. */
void netlink_batch_add(NetlinkBatch *batch, const NetlinkMessage *message, uint16_t flags,
                       int ignored);

/*
 * Send them, wait for the kernel's word, and become empty. Answers other than that (to RTM_GETLINK)
 * go to @handler, which may be NULL. Returns 0, what @handler returned, or -errno of the first
 * message that failed, with @batch->failed saying which one.
 */
int netlink_batch_send(Netlink *netlink, NetlinkBatch *batch, NetlinkHandler handler, void *data);

/* What became of message @index of the batch that was sent last: 0 or -errno, ignored or not.
 * nftables tells of all that failed, and did none of the rest. Until the next is added. */
int netlink_batch_result(const NetlinkBatch *batch, size_t index);

/*
 * The attributes behind the body of @body_size bytes, by type: ret[type] is NULL where there is
 * none; types from @count on are left out. Returns 0 or -EBADMSG.
 */
int netlink_parse(const struct nlmsghdr *header, size_t body_size, const struct rtattr **ret,
                  size_t count);

/* The same for those inside an attribute. NULL has none. */
int netlink_parse_nested(const struct rtattr *attribute, const struct rtattr **ret, size_t count);

/* The attribute's value where it has at least @size bytes, else NULL, as for a NULL attribute. */
const void *netlink_value(const struct rtattr *attribute, size_t size);

/* The attribute's text where it is one with its NUL, else NULL. */
const char *netlink_text(const struct rtattr *attribute);

/* The attribute's number of 32 bits, else 0. */
uint32_t netlink_u32(const struct rtattr *attribute);
