/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A message is one fixed buffer: what does not fit marks it, and a marked one is never sent, so
 * that no length is ever cut off or wraps around (nla_len has 16 bits).
 */

#include "base/netlink.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"

#define ANSWER_SIZE 32768 /* NLMSG_GOODSIZE at most, for every page size */

int netlink_open(void)
{
    _cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    const struct sockaddr_nl any = { .nl_family = AF_NETLINK };

    if (fd < 0 || bind(fd, (const struct sockaddr *)&any, sizeof(any)) < 0)
        return -errno;
    return TAKE_FD(fd);
}

static struct nlmsghdr *header_of(NetlinkMessage *message)
{
    return (struct nlmsghdr *)message->data;
}

void *netlink_message_init(NetlinkMessage *message, uint16_t type, size_t body_size)
{
    *message = (NetlinkMessage) { .size = NLMSG_SPACE(body_size) };
    header_of(message)->nlmsg_type = type;
    return message->data + NLMSG_HDRLEN;
}

void netlink_message_add(NetlinkMessage *message, uint16_t type, const void *data, size_t size)
{
    struct rtattr *attribute;

    if (size > NETLINK_MESSAGE_MAX || RTA_SPACE(size) > NETLINK_MESSAGE_MAX - message->size) {
        message->is_full = true;
        return;
    }
    attribute = (struct rtattr *)(message->data + message->size);
    attribute->rta_type = type;
    attribute->rta_len = (uint16_t)RTA_LENGTH(size);
    memcpy(RTA_DATA(attribute), data, size);
    message->size += RTA_SPACE(size);
}

static int send_message(Netlink *netlink, NetlinkMessage *message, uint16_t flags)
{
    struct nlmsghdr *header = header_of(message);
    ssize_t n;

    if (message->is_full)
        return -EMSGSIZE;
    header->nlmsg_len = (uint32_t)message->size;
    header->nlmsg_flags |= (uint16_t)(NLM_F_REQUEST | flags);
    header->nlmsg_seq = ++netlink->sequence;
    do
        n = send(netlink->fd, message->data, message->size, 0);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : 0;
}

static int error_of(const struct nlmsghdr *header)
{
    const struct nlmsgerr *error = NLMSG_DATA(header);

    return header->nlmsg_len < NLMSG_LENGTH(sizeof(*error)) ? -EBADMSG : error->error;
}

/* Who waits for answers, and to which request. */
typedef struct Receiver {
    uint32_t sequence;
    NetlinkHandler handler; /* NULL: only whether it went well is of interest */
    void *data;
} Receiver;

/* Of one datagram. Sets *ret_done once the last answer was there. */
static int handle_answers(const struct nlmsghdr *header, size_t size, const Receiver *receiver,
                          bool *ret_done)
{
    for (; NLMSG_OK(header, size); header = NLMSG_NEXT(header, size)) {
        int r = 0;

        if (header->nlmsg_seq != receiver->sequence)
            continue;
        *ret_done = !(header->nlmsg_flags & NLM_F_MULTI) || header->nlmsg_type == NLMSG_DONE;
        if (header->nlmsg_type == NLMSG_ERROR)
            return error_of(header);
        if (header->nlmsg_flags & NLM_F_DUMP_INTR)
            return -EAGAIN;
        if (receiver->handler && header->nlmsg_type >= NLMSG_MIN_TYPE)
            r = receiver->handler(header, receiver->data);
        if (r < 0)
            return r;
    }
    return 0;
}

static int receive_answers(int fd, const Receiver *receiver)
{
    alignas(struct nlmsghdr) char answer[ANSWER_SIZE];
    bool is_done = false;

    while (!is_done) {
        ssize_t n = recv(fd, answer, sizeof(answer), MSG_TRUNC);
        int r;

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0 || (size_t)n > sizeof(answer))
            return -EBADMSG;
        r = handle_answers((const struct nlmsghdr *)answer, (size_t)n, receiver, &is_done);
        if (r < 0)
            return r;
    }
    return 0;
}

int netlink_request(Netlink *netlink, NetlinkMessage *message)
{
    int r = send_message(netlink, message, NLM_F_ACK);

    return r < 0 ? r : receive_answers(netlink->fd, &(Receiver) { .sequence = netlink->sequence });
}

int netlink_query(Netlink *netlink, NetlinkMessage *message, uint16_t flags, NetlinkHandler handler,
                  void *data)
{
    int r = send_message(netlink, message, flags);
    const Receiver receiver = { netlink->sequence, handler, data };

    return r < 0 ? r : receive_answers(netlink->fd, &receiver);
}

int netlink_parse(const struct nlmsghdr *header, size_t body_size, const struct rtattr **ret,
                  size_t count)
{
    const struct rtattr *attribute;
    size_t left;

    if (header->nlmsg_len < NLMSG_SPACE(body_size))
        return -EBADMSG;
    attribute = (const struct rtattr *)((const char *)header + NLMSG_SPACE(body_size));
    left = header->nlmsg_len - NLMSG_SPACE(body_size);

    memset(ret, 0, count * sizeof(*ret));
    for (; left > 0; attribute = RTA_NEXT(attribute, left)) {
        unsigned type;

        if (!RTA_OK(attribute, left))
            return -EBADMSG;
        type = attribute->rta_type & NLA_TYPE_MASK;
        if (type < count)
            ret[type] = attribute;
        if (RTA_ALIGN(attribute->rta_len) >= left)
            break; /* the last one may go without its padding */
    }
    return 0;
}

const void *netlink_value(const struct rtattr *attribute, size_t size)
{
    return attribute && RTA_PAYLOAD(attribute) >= size ? RTA_DATA(attribute) : NULL;
}
