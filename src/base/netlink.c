/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A message is one fixed buffer: what does not fit marks it, and a marked one is never sent, so
 * that no length is ever cut off or wraps around (nla_len has 16 bits).
 */

#include "base/netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"

#define ANSWER_SIZE 32768 /* NLMSG_GOODSIZE at most, for every page size */

/* What a socket takes in one system call by default, and a little less: the kernel counts more than
 * our bytes. */
#define DEFAULT_SEND_BUFFER (128 * 1024)

static int open_socket(int protocol, uint32_t groups)
{
    _cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
    const struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = groups };

    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
        return -errno;
    return TAKE_FD(fd);
}

int netlink_open_protocol(int protocol)
{
    return open_socket(protocol, 0);
}

int netlink_open_events(uint32_t groups)
{
    return open_socket(NETLINK_ROUTE, groups);
}

int netlink_open(void)
{
    return netlink_open_protocol(NETLINK_ROUTE);
}

static struct nlmsghdr *header_of(NetlinkMessage *message)
{
    return (struct nlmsghdr *)message->data;
}

void *netlink_message_init(NetlinkMessage *message, uint16_t type, size_t body_size)
{
    message->size = NLMSG_SPACE(body_size);
    message->is_full = false;
    memset(message->data, 0, message->size);
    header_of(message)->nlmsg_type = type;
    return message->data + NLMSG_HDRLEN;
}

void *netlink_message_extend(NetlinkMessage *message, size_t size)
{
    void *place = message->data + message->size;

    if (size > NETLINK_MESSAGE_MAX || NLMSG_ALIGN(size) > NETLINK_MESSAGE_MAX - message->size) {
        message->is_full = true;
        return NULL;
    }
    memset(place, 0, NLMSG_ALIGN(size));
    message->size += NLMSG_ALIGN(size);
    return place;
}

void netlink_message_add(NetlinkMessage *message, uint16_t type, const void *data, size_t size)
{
    struct rtattr *attribute =
        size > NETLINK_MESSAGE_MAX ? NULL : netlink_message_extend(message, RTA_LENGTH(size));

    if (!attribute) {
        message->is_full = true;
        return;
    }
    attribute->rta_type = type;
    attribute->rta_len = (uint16_t)RTA_LENGTH(size);
    if (size > 0)
        memcpy(RTA_DATA(attribute), data, size);
}

void netlink_message_add_string(NetlinkMessage *message, uint16_t type, const char *text)
{
    netlink_message_add(message, type, text, strlen(text) + 1);
}

void netlink_message_add_u8(NetlinkMessage *message, uint16_t type, uint8_t value)
{
    netlink_message_add(message, type, &value, sizeof(value));
}

void netlink_message_add_u16(NetlinkMessage *message, uint16_t type, uint16_t value)
{
    netlink_message_add(message, type, &value, sizeof(value));
}

void netlink_message_add_u32(NetlinkMessage *message, uint16_t type, uint32_t value)
{
    netlink_message_add(message, type, &value, sizeof(value));
}

void netlink_message_add_be16(NetlinkMessage *message, uint16_t type, uint16_t value)
{
    netlink_message_add_u16(message, type, htons(value));
}

void netlink_message_add_be32(NetlinkMessage *message, uint16_t type, uint32_t value)
{
    netlink_message_add_u32(message, type, htonl(value));
}

size_t netlink_message_begin(NetlinkMessage *message, uint16_t type)
{
    size_t begin = message->size;

    netlink_message_add(message, type | NLA_F_NESTED, NULL, 0);
    return begin;
}

void netlink_message_end(NetlinkMessage *message, size_t begin)
{
    if (!message->is_full)
        ((struct rtattr *)(message->data + begin))->rta_len = (uint16_t)(message->size - begin);
}

static int send_bytes(int fd, const void *data, size_t size)
{
    ssize_t n;

    do
        n = send(fd, data, size, 0);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : 0;
}

static int send_message(Netlink *netlink, NetlinkMessage *message, uint16_t flags)
{
    struct nlmsghdr *header = header_of(message);

    if (message->is_full)
        return -EMSGSIZE;
    header->nlmsg_len = (uint32_t)message->size;
    header->nlmsg_flags |= (uint16_t)(NLM_F_REQUEST | flags);
    header->nlmsg_seq = ++netlink->sequence;
    return send_bytes(netlink->fd, message->data, message->size);
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

typedef struct NetlinkBatchItem {
    int ignored;
    int result;
} NetlinkBatchItem;

void netlink_batch_done(NetlinkBatch *batch)
{
    free(batch->data);
    free(batch->items);
    *batch = (NetlinkBatch) {};
}

void netlink_batch_add(NetlinkBatch *batch, const NetlinkMessage *message, uint16_t flags,
                       int ignored)
{
    struct nlmsghdr *header;

    if (message->is_full) {
        batch->is_full = true;
        return;
    }
    batch->data = memory_grow(batch->data, &batch->capacity, batch->size + message->size, 1);
    memcpy(batch->data + batch->size, message->data, message->size);
    header = (struct nlmsghdr *)(batch->data + batch->size);
    header->nlmsg_len = (uint32_t)message->size;
    header->nlmsg_flags |= (uint16_t)(NLM_F_REQUEST | flags);
    batch->size += message->size;

    batch->items =
        memory_grow(batch->items, &batch->n_items, batch->count + 1, sizeof(*batch->items));
    batch->items[batch->count++] = (NetlinkBatchItem) { .ignored = ignored };
}

int netlink_batch_result(const NetlinkBatch *batch, size_t index)
{
    return batch->items[index].result;
}

/* Who waits for the answers to a batch. */
typedef struct BatchReceiver {
    NetlinkBatch *batch;
    uint32_t first;     /* number of the first message */
    uint32_t confirmed; /* index of the one that is answered in any case */
    NetlinkHandler handler;
    void *data;
    int result;
    bool is_done; /* that one was answered */
} BatchReceiver;

static void note_result(BatchReceiver *receiver, size_t index, int r)
{
    NetlinkBatchItem *item = &receiver->batch->items[index];

    if (r == 0)
        return;
    item->result = r;
    if (receiver->result < 0 || r == -item->ignored)
        return;
    receiver->result = r;
    receiver->batch->failed = index;
}

static void handle_batch_answers(BatchReceiver *receiver, const struct nlmsghdr *header,
                                 size_t size)
{
    for (; NLMSG_OK(header, size); header = NLMSG_NEXT(header, size)) {
        uint32_t index = header->nlmsg_seq - receiver->first;

        if (index >= receiver->batch->count)
            continue; /* of an earlier request */
        if (header->nlmsg_type == NLMSG_ERROR) {
            note_result(receiver, index, error_of(header));
            receiver->is_done |= index == receiver->confirmed;
        } else if (receiver->handler && header->nlmsg_type >= NLMSG_MIN_TYPE) {
            note_result(receiver, index, receiver->handler(header, receiver->data));
        }
    }
}

/*
 * The kernel has answered all of it before send(2) returned. So behind a failure is only taken what
 * there is: nftables answers no more than the failure when it refuses a batch as a whole.
 */
static int receive_batch_answers(int fd, BatchReceiver *receiver)
{
    alignas(struct nlmsghdr) char answer[ANSWER_SIZE];

    while (!receiver->is_done) {
        ssize_t n =
            recv(fd, answer, sizeof(answer), MSG_TRUNC | (receiver->result < 0 ? MSG_DONTWAIT : 0));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN && receiver->result < 0)
            break;
        if (n < 0)
            return -errno;
        if (n == 0 || (size_t)n > sizeof(answer))
            return -EBADMSG;
        handle_batch_answers(receiver, (const struct nlmsghdr *)answer, (size_t)n);
    }
    return receiver->result;
}

/* Number the messages; the last one is confirmed, the others only tell of failures. Returns which
 * one it is. */
static uint32_t number_messages(Netlink *netlink, NetlinkBatch *batch)
{
    const uint32_t confirmed = (uint32_t)batch->count - (batch->is_transaction ? 2 : 1);
    struct nlmsghdr *header;
    uint32_t index = 0;

    for (size_t at = 0; at < batch->size; at += header->nlmsg_len, index++) {
        header = (struct nlmsghdr *)(batch->data + at);
        header->nlmsg_seq = ++netlink->sequence;
        if (index == confirmed)
            header->nlmsg_flags |= NLM_F_ACK;
    }
    return confirmed;
}

static int send_batch(Netlink *netlink, NetlinkBatch *batch, BatchReceiver *receiver)
{
    int r;

    if (batch->is_full)
        return -EMSGSIZE;
    if (batch->count == 0)
        return 0;
    if (batch->size > DEFAULT_SEND_BUFFER) {
        const int size = (int)(2 * batch->size);

        if (batch->size > INT32_MAX / 2)
            return -EMSGSIZE;
        /* Who may not is told by send(2). */
        (void)setsockopt(netlink->fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
    }
    receiver->confirmed = number_messages(netlink, batch);
    r = send_bytes(netlink->fd, batch->data, batch->size);
    return r < 0 ? r : receive_batch_answers(netlink->fd, receiver);
}

int netlink_batch_send(Netlink *netlink, NetlinkBatch *batch, NetlinkHandler handler, void *data)
{
    BatchReceiver receiver = {
        .batch = batch, .first = netlink->sequence + 1, .handler = handler, .data = data
    };
    int r = send_batch(netlink, batch, &receiver);

    batch->size = batch->count = 0;
    batch->is_full = batch->is_transaction = false;
    return r;
}

int netlink_receive_events(int fd, NetlinkHandler handler, void *data)
{
    alignas(struct nlmsghdr) char answer[ANSWER_SIZE];
    ssize_t n = recv(fd, answer, sizeof(answer), MSG_TRUNC);
    const struct nlmsghdr *header = (const struct nlmsghdr *)answer;

    if (n < 0)
        return -errno;
    if ((size_t)n > sizeof(answer))
        return -EBADMSG;
    for (size_t size = (size_t)n; NLMSG_OK(header, size); header = NLMSG_NEXT(header, size)) {
        int r = handler(header, data);

        if (r < 0)
            return r;
    }
    return 0;
}

static int parse_attributes(const struct rtattr *attribute, size_t left, const struct rtattr **ret,
                            size_t count)
{
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

int netlink_parse(const struct nlmsghdr *header, size_t body_size, const struct rtattr **ret,
                  size_t count)
{
    if (header->nlmsg_len < NLMSG_SPACE(body_size))
        return -EBADMSG;
    return parse_attributes((const struct rtattr *)((const char *)header + NLMSG_SPACE(body_size)),
                            header->nlmsg_len - NLMSG_SPACE(body_size), ret, count);
}

int netlink_parse_nested(const struct rtattr *attribute, const struct rtattr **ret, size_t count)
{
    return parse_attributes(attribute ? RTA_DATA(attribute) : NULL,
                            attribute ? RTA_PAYLOAD(attribute) : 0, ret, count);
}

const void *netlink_value(const struct rtattr *attribute, size_t size)
{
    return attribute && RTA_PAYLOAD(attribute) >= size ? RTA_DATA(attribute) : NULL;
}

const char *netlink_text(const struct rtattr *attribute)
{
    const char *text = netlink_value(attribute, 1);

    return text && text[RTA_PAYLOAD(attribute) - 1] == '\0' ? text : NULL;
}

uint32_t netlink_u32(const struct rtattr *attribute)
{
    const uint32_t *value = netlink_value(attribute, sizeof(*value));

    return value ? *value : 0;
}
