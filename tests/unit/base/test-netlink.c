/* SPDX-License-Identifier: Apache-2.0 */

/* Netlink messages: lengths on the way out and on the way in, and answers that are not ours. The
 * kernel is the other end of a socket pair. */

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/netlink.h"
#include "scratch.h"

typedef struct Kernel {
    int fd;
    Netlink netlink;
} Kernel;

static Kernel kernel_open(void)
{
    int pair[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair), 0);
    return (Kernel) { .fd = pair[0], .netlink = { .fd = pair[1] } };
}

static void kernel_close(Kernel *kernel)
{
    fd_close(kernel->fd);
    fd_close(kernel->netlink.fd);
}

/* Answer the request that comes next with an error, 0 being success. */
static void answer(const Kernel *kernel, uint32_t sequence, int error)
{
    const struct {
        struct nlmsghdr header;
        struct nlmsgerr body;
    } message = { { sizeof(message), NLMSG_ERROR, 0, sequence, 0 }, { .error = error } };

    assert_int_equal(send(kernel->fd, &message, sizeof(message), 0), sizeof(message));
}

static void an_attribute_is_laid_out_with_its_length_and_padding(void **state)
{
    NetlinkMessage message;
    const char *attribute;

    (void)state;
    (void)netlink_message_init(&message, RTM_NEWLINK, 16);
    netlink_message_add(&message, 3, "eth0", 5);
    netlink_message_add(&message, 4, "x", 1);
    assert_int_equal(message.size, 16 + 16 + 12 + 8);
    attribute = message.data + 32;
    assert_memory_equal(attribute, "\x09\0\x03\0eth0\0\0\0\0\x05\0\x04\0x\0\0\0", 20);
}

/* CVE-2021-43784: a length that wraps around turns the rest of the data into attributes. */
static void what_does_not_fit_is_never_sent(void **state)
{
    static const size_t sizes[] = {
        NETLINK_MESSAGE_MAX, NETLINK_MESSAGE_MAX - 16, 65532, 65536, 65536 + 8, SIZE_MAX,
        SIZE_MAX - 3,        (size_t)UINT32_MAX + 1
    };
    Kernel kernel = kernel_open();
    char rest;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        NetlinkMessage message;
        size_t before;

        (void)netlink_message_init(&message, RTM_NEWLINK, 16);
        before = message.size;
        netlink_message_add(&message, 1, "", sizes[i]);
        assert_true(message.is_full);
        assert_int_equal(message.size, before);
        netlink_message_add(&message, 1, "x", 1);
        assert_int_equal(netlink_request(&kernel.netlink, &message), -EMSGSIZE);
    }
    assert_int_equal(recv(kernel.fd, &rest, 1, MSG_DONTWAIT), -1);
    kernel_close(&kernel);
}

static void a_message_can_be_filled_to_its_last_byte(void **state)
{
    static const char data[NETLINK_MESSAGE_MAX];
    NetlinkMessage message;

    (void)state;
    (void)netlink_message_init(&message, RTM_NEWLINK, 16);
    netlink_message_add(&message, 1, data, NETLINK_MESSAGE_MAX - 32 - 4);
    assert_false(message.is_full);
    assert_int_equal(message.size, NETLINK_MESSAGE_MAX);
    netlink_message_add(&message, 1, data, 0);
    assert_true(message.is_full);
}

static void the_kernels_word_is_the_result(void **state)
{
    Kernel kernel = kernel_open();
    NetlinkMessage message;

    (void)state;
    answer(&kernel, 1, 0);
    (void)netlink_message_init(&message, RTM_NEWLINK, 16);
    assert_int_equal(netlink_request(&kernel.netlink, &message), 0);
    answer(&kernel, 2, -ENODEV);
    assert_int_equal(netlink_request(&kernel.netlink, &message), -ENODEV);
    kernel_close(&kernel);
}

static void an_answer_to_an_earlier_request_is_left_out(void **state)
{
    Kernel kernel = kernel_open();
    NetlinkMessage message;

    (void)state;
    answer(&kernel, 7, -EPERM);
    answer(&kernel, 1, -ENODEV);
    (void)netlink_message_init(&message, RTM_NEWLINK, 16);
    assert_int_equal(netlink_request(&kernel.netlink, &message), -ENODEV);
    kernel_close(&kernel);
}

static int count(const struct nlmsghdr *header, void *data)
{
    size_t *n = data;

    assert_int_equal(header->nlmsg_type, RTM_NEWLINK);
    return ++*n == 3 ? -E2BIG : 0;
}

static void all_answers_of_a_list_are_handled_up_to_its_end(void **state)
{
    const struct nlmsghdr list[] = { { sizeof(list[0]), RTM_NEWLINK, NLM_F_MULTI, 1, 0 },
                                     { sizeof(list[0]), RTM_NEWLINK, NLM_F_MULTI, 1, 0 } };
    const struct nlmsghdr end = { sizeof(end), NLMSG_DONE, NLM_F_MULTI, 1, 0 };
    Kernel kernel = kernel_open();
    NetlinkMessage message;
    size_t n = 0;

    (void)state;
    assert_int_equal(send(kernel.fd, list, sizeof(list), 0), sizeof(list));
    assert_int_equal(send(kernel.fd, &end, sizeof(end), 0), sizeof(end));
    (void)netlink_message_init(&message, RTM_GETLINK, 16);
    assert_int_equal(netlink_query(&kernel.netlink, &message, NLM_F_DUMP, count, &n), 0);
    assert_int_equal(n, 2);
    kernel_close(&kernel);
}

static void a_handlers_failure_and_an_interrupted_list_end_it(void **state)
{
    struct nlmsghdr one = { sizeof(one), RTM_NEWLINK, NLM_F_MULTI, 1, 0 };
    Kernel kernel = kernel_open();
    NetlinkMessage message;
    size_t n = 2;

    (void)state;
    assert_int_equal(send(kernel.fd, &one, sizeof(one), 0), sizeof(one));
    (void)netlink_message_init(&message, RTM_GETLINK, 16);
    assert_int_equal(netlink_query(&kernel.netlink, &message, NLM_F_DUMP, count, &n), -E2BIG);
    one.nlmsg_seq = 2;
    one.nlmsg_flags |= NLM_F_DUMP_INTR;
    assert_int_equal(send(kernel.fd, &one, sizeof(one), 0), sizeof(one));
    assert_int_equal(netlink_query(&kernel.netlink, &message, NLM_F_DUMP, count, &n), -EAGAIN);
    kernel_close(&kernel);
}

static void an_error_that_is_cut_short_is_noticed(void **state)
{
    const struct nlmsghdr cut = { sizeof(cut), NLMSG_ERROR, 0, 1, 0 };
    Kernel kernel = kernel_open();
    NetlinkMessage message;

    (void)state;
    assert_int_equal(send(kernel.fd, &cut, sizeof(cut), 0), sizeof(cut));
    (void)netlink_message_init(&message, RTM_NEWLINK, 16);
    assert_int_equal(netlink_request(&kernel.netlink, &message), -EBADMSG);
    kernel_close(&kernel);
}

/* A message of 4 bytes of body and the attributes @data. On the heap, at its exact size: whatever
 * is read behind it is noticed. */
static struct nlmsghdr *message_with(const char *data, size_t size)
{
    struct nlmsghdr *header = memory_new(1, NLMSG_HDRLEN + 4 + size);

    header->nlmsg_len = (uint32_t)(NLMSG_HDRLEN + 4 + size);
    memcpy((char *)header + NLMSG_HDRLEN + 4, data, size);
    return header;
}

static void attributes_are_found_by_type(void **state)
{
    _cleanup_free_ struct nlmsghdr *message =
        message_with("\x05\0\x01\0x\0\0\0\x08\0\x02\x80yyyy\x05\0\x09\0z", 21);
    const struct rtattr *attributes[4];

    (void)state;
    assert_int_equal(netlink_parse(message, 4, attributes, ARRAY_SIZE(attributes)), 0);
    assert_null(attributes[0]);
    assert_memory_equal(netlink_value(attributes[1], 1), "x", 1);
    assert_null(netlink_value(attributes[1], 2));
    assert_memory_equal(netlink_value(attributes[2], 4), "yyyy", 4); /* a flag is no type */
    assert_null(netlink_value(attributes[3], 0));
}

static void attributes_that_lie_about_their_length_are_refused(void **state)
{
    static const struct {
        const char *data;
        size_t size;
    } wrong[] = {
        { "\x09\0\x01\0xxxx", 8 }, { "\x03\0\x01\0xxxx", 8 },           { "\0\0\x01\0", 4 },
        { "\x04\0", 2 },           { "\x04\0\x01\0\xff\xff\x01\0", 8 },
    };
    const struct rtattr *attributes[4];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        _cleanup_free_ struct nlmsghdr *message = message_with(wrong[i].data, wrong[i].size);

        assert_int_equal(netlink_parse(message, 4, attributes, ARRAY_SIZE(attributes)), -EBADMSG);
    }
}

static void a_message_without_its_body_is_refused(void **state)
{
    _cleanup_free_ struct nlmsghdr *message = message_with("", 0);
    const struct rtattr *attributes[4];

    (void)state;
    assert_int_equal(netlink_parse(message, 4, attributes, ARRAY_SIZE(attributes)), 0);
    assert_int_equal(netlink_parse(message, 8, attributes, ARRAY_SIZE(attributes)), -EBADMSG);
}

static void attributes_inside_of_one_are_found(void **state)
{
    NetlinkMessage message;
    const struct rtattr *attributes[4], *inner[4];
    size_t begin;

    (void)state;
    (void)netlink_message_init(&message, RTM_NEWLINK, 16);
    begin = netlink_message_begin(&message, 2);
    netlink_message_add_u32(&message, 1, 7);
    netlink_message_add_string(&message, 3, "text");
    netlink_message_end(&message, begin);
    netlink_message_add_be16(&message, 3, 0x1234);
    ((struct nlmsghdr *)message.data)->nlmsg_len = (uint32_t)message.size;

    assert_int_equal(netlink_parse((struct nlmsghdr *)message.data, 16, attributes, 4), 0);
    assert_memory_equal(netlink_value(attributes[3], 2), "\x12\x34", 2);
    assert_int_equal(netlink_parse_nested(attributes[2], inner, 4), 0);
    assert_int_equal(netlink_u32(inner[1]), 7);
    assert_string_equal(netlink_text(inner[3]), "text");
    assert_int_equal(netlink_parse_nested(NULL, inner, 4), 0);
    assert_null(inner[1]);
}

static void add_to(NetlinkBatch *batch, int ignored)
{
    NetlinkMessage message;

    (void)netlink_message_init(&message, RTM_NEWLINK, 16);
    netlink_batch_add(batch, &message, NLM_F_CREATE, ignored);
}

static void a_batch_is_one_datagram_whose_last_message_is_confirmed(void **state)
{
    _cleanup_netlink_batch_ NetlinkBatch batch = {};
    Kernel kernel = kernel_open();
    struct nlmsghdr sent[5];

    (void)state;
    add_to(&batch, 0);
    add_to(&batch, 0);
    answer(&kernel, 2, 0);
    assert_int_equal(netlink_batch_send(&kernel.netlink, &batch, NULL, NULL), 0);
    assert_int_equal(recv(kernel.fd, sent, sizeof(sent), MSG_DONTWAIT), 64);
    assert_int_equal(sent[0].nlmsg_flags, NLM_F_REQUEST | NLM_F_CREATE);
    assert_int_equal(sent[0].nlmsg_seq, 1);
    assert_int_equal(sent[2].nlmsg_flags, NLM_F_REQUEST | NLM_F_CREATE | NLM_F_ACK);
    assert_int_equal(sent[2].nlmsg_seq, 2);
    assert_int_equal(batch.count, 0);
    kernel_close(&kernel);
}

static void the_first_failure_in_a_batch_is_its_result(void **state)
{
    _cleanup_netlink_batch_ NetlinkBatch batch = {};
    Kernel kernel = kernel_open();

    (void)state;
    for (size_t i = 0; i < 4; i++)
        add_to(&batch, EEXIST);
    answer(&kernel, 1, -EEXIST);
    answer(&kernel, 2, -ENODEV);
    answer(&kernel, 4, -EPERM);
    assert_int_equal(netlink_batch_send(&kernel.netlink, &batch, NULL, NULL), -ENODEV);
    assert_int_equal(batch.failed, 1);

    add_to(&batch, EEXIST);
    answer(&kernel, 5, -EEXIST);
    assert_int_equal(netlink_batch_send(&kernel.netlink, &batch, NULL, NULL), 0);
    kernel_close(&kernel);
}

static void a_batch_that_is_refused_as_a_whole_is_not_waited_for(void **state)
{
    _cleanup_netlink_batch_ NetlinkBatch batch = {};
    Kernel kernel = kernel_open();

    (void)state;
    add_to(&batch, 0);
    add_to(&batch, 0);
    answer(&kernel, 1, -EPERM);
    assert_int_equal(netlink_batch_send(&kernel.netlink, &batch, NULL, NULL), -EPERM);
    kernel_close(&kernel);
}

/* As nftables answers: of what failed each is told, and the end never. */
static void a_transaction_tells_all_that_failed_and_waits_for_no_end(void **state)
{
    _cleanup_netlink_batch_ NetlinkBatch batch = {};
    Kernel kernel = kernel_open();

    (void)state;
    for (size_t i = 0; i < 5; i++)
        add_to(&batch, i == 1 ? ENOENT : 0);
    batch.is_transaction = true;
    answer(&kernel, 2, -ENOENT);
    answer(&kernel, 3, -EEXIST);
    answer(&kernel, 4, 0);
    assert_int_equal(netlink_batch_send(&kernel.netlink, &batch, NULL, NULL), -EEXIST);
    assert_int_equal(batch.failed, 2);
    assert_int_equal(netlink_batch_result(&batch, 0), 0);
    assert_int_equal(netlink_batch_result(&batch, 1), -ENOENT);
    assert_int_equal(netlink_batch_result(&batch, 2), -EEXIST);
    assert_int_equal(netlink_batch_result(&batch, 3), 0);
    assert_false(batch.is_transaction);
    kernel_close(&kernel);
}

static void a_batch_with_a_message_that_does_not_fit_is_never_sent(void **state)
{
    _cleanup_netlink_batch_ NetlinkBatch batch = {};
    Kernel kernel = kernel_open();
    NetlinkMessage message;
    char rest;

    (void)state;
    (void)netlink_message_init(&message, RTM_NEWLINK, 16);
    netlink_message_add(&message, 1, "", 65536);
    netlink_batch_add(&batch, &message, 0, 0);
    add_to(&batch, 0);
    assert_int_equal(netlink_batch_send(&kernel.netlink, &batch, NULL, NULL), -EMSGSIZE);
    assert_int_equal(recv(kernel.fd, &rest, 1, MSG_DONTWAIT), -1);
    kernel_close(&kernel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_attribute_is_laid_out_with_its_length_and_padding),
        cmocka_unit_test(what_does_not_fit_is_never_sent),
        cmocka_unit_test(a_message_can_be_filled_to_its_last_byte),
        cmocka_unit_test(the_kernels_word_is_the_result),
        cmocka_unit_test(an_answer_to_an_earlier_request_is_left_out),
        cmocka_unit_test(all_answers_of_a_list_are_handled_up_to_its_end),
        cmocka_unit_test(a_handlers_failure_and_an_interrupted_list_end_it),
        cmocka_unit_test(an_error_that_is_cut_short_is_noticed),
        cmocka_unit_test(attributes_are_found_by_type),
        cmocka_unit_test(attributes_that_lie_about_their_length_are_refused),
        cmocka_unit_test(a_message_without_its_body_is_refused),
        cmocka_unit_test(attributes_inside_of_one_are_found),
        cmocka_unit_test(a_batch_is_one_datagram_whose_last_message_is_confirmed),
        cmocka_unit_test(the_first_failure_in_a_batch_is_its_result),
        cmocka_unit_test(a_batch_that_is_refused_as_a_whole_is_not_waited_for),
        cmocka_unit_test(a_transaction_tells_all_that_failed_and_waits_for_no_end),
        cmocka_unit_test(a_batch_with_a_message_that_does_not_fit_is_never_sent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
