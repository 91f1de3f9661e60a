/* SPDX-License-Identifier: Apache-2.0 */

/* The protocol: every message survives the way, and what is none is refused. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/socket.h"
#include "supervisor/shim-protocol.h"

static void test_every_type_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (ShimMessageType a = SHIM_MESSAGE_CREATED; a < _SHIM_MESSAGE_MAX; a++) {
        assert_string_not_equal(shim_message_name(a), "unknown");
        for (ShimMessageType b = a + 1; b < _SHIM_MESSAGE_MAX; b++)
            assert_string_not_equal(shim_message_name(a), shim_message_name(b));
    }
    assert_string_equal(shim_message_name(SHIM_MESSAGE_NONE), "unknown");
    assert_string_equal(shim_message_name(_SHIM_MESSAGE_MAX), "unknown");
}

static void test_a_message_arrives_as_it_was_sent(void **state)
{
    static const ShimMessage messages[] = {
        { .type = SHIM_MESSAGE_CREATED, .pid = 4194303 },
        { .type = SHIM_MESSAGE_STARTED, .time = INT64_C(1795201131111835983) },
        { .type = SHIM_MESSAGE_FAILED,
          .failure = { .kind = 11, .errnum = ENOENT },
          .tail = "no 'x'",
          .tail_size = 6 },
        { .type = SHIM_MESSAGE_RESIZE, .window = { .rows = 65535, .columns = 1 } },
        { .type = SHIM_MESSAGE_SIGNAL, .signal = 64 },
        { .type = SHIM_MESSAGE_STDOUT, .tail = "a\0b", .tail_size = 3 },
        { .type = SHIM_MESSAGE_STDIN_CLOSE },
    };
    _cleanup_free_ uint8_t *buffer = NEW_ARRAY(uint8_t, SHIM_MESSAGE_MAX);
    int ends[2];

    (void)state;
    assert_int_equal(socket_pair(ends), 0);
    for (size_t i = 0; i < ARRAY_SIZE(messages); i++) {
        ShimMessage received;

        assert_int_equal(shim_message_send(ends[0], &messages[i]), 0);
        assert_int_equal(shim_message_receive(ends[1], buffer, &received), 1);
        assert_int_equal(received.type, messages[i].type);
        assert_memory_equal(received.fixed, messages[i].fixed, sizeof(received.fixed));
        assert_int_equal(received.tail_size, messages[i].tail_size);
        if (received.tail_size > 0)
            assert_memory_equal(received.tail, messages[i].tail, received.tail_size);
    }
    fd_close(ends[0]);
    fd_close(ends[1]);
}

static void test_what_is_no_message_is_refused(void **state)
{
    static const struct {
        uint8_t bytes[8];
        size_t size;
    } bad[] = {
        { { 0 }, 0 },                                  /* nothing */
        { { SHIM_MESSAGE_NONE }, 1 },                  /* no type */
        { { _SHIM_MESSAGE_MAX }, 1 },                  /* no such type */
        { { 255 }, 1 },                                /* likewise */
        { { SHIM_MESSAGE_SIGNAL, 1, 0, 0 }, 4 },       /* cut short */
        { { SHIM_MESSAGE_SIGNAL, 1, 0, 0, 0, 0 }, 6 }, /* too long */
        { { SHIM_MESSAGE_START, 0 }, 2 },              /* has no tail */
    };
    ShimMessage message = { .type = SHIM_MESSAGE_NONE };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_equal(shim_message_decode(bad[i].bytes, bad[i].size, &message), -EPROTO);
    assert_int_equal(message.type, SHIM_MESSAGE_NONE);
}

static void test_a_long_text_is_cut(void **state)
{
    static char text[SHIM_TEXT_MAX + 100];
    const ShimMessage message = { .type = SHIM_MESSAGE_FAILED,
                                  .tail = text,
                                  .tail_size = sizeof(text) };
    _cleanup_free_ uint8_t *buffer = NEW_ARRAY(uint8_t, SHIM_MESSAGE_MAX);
    ShimMessage received;
    int ends[2];

    (void)state;
    assert_int_equal(socket_pair(ends), 0);
    assert_int_equal(shim_message_send(ends[0], &message), 0);
    assert_int_equal(shim_message_receive(ends[1], buffer, &received), 1);
    assert_int_equal(received.tail_size, SHIM_TEXT_MAX);
    fd_close(ends[0]);
    fd_close(ends[1]);
}

static void test_the_largest_data_fits(void **state)
{
    _cleanup_free_ uint8_t *sent = NEW_ARRAY(uint8_t, SHIM_MESSAGE_MAX);
    _cleanup_free_ uint8_t *buffer = NEW_ARRAY(uint8_t, SHIM_MESSAGE_MAX);
    ShimMessage received;
    int ends[2];

    (void)state;
    memset(sent, 'x', SHIM_MESSAGE_MAX);
    sent[0] = SHIM_MESSAGE_STDERR;
    assert_int_equal(socket_pair(ends), 0);
    assert_int_equal(socket_send(ends[0], sent, SHIM_MESSAGE_MAX, NULL, 0), 0);
    assert_int_equal(shim_message_receive(ends[1], buffer, &received), 1);
    assert_int_equal(received.type, SHIM_MESSAGE_STDERR);
    assert_int_equal(received.tail_size, SHIM_DATA_MAX);
    fd_close(ends[0]);
    fd_close(ends[1]);
}

/* The kernel resets the connection when an end closes with messages unread. */
static void test_what_a_vanished_peer_said_last_is_still_heard(void **state)
{
    _cleanup_free_ uint8_t *buffer = NEW_ARRAY(uint8_t, SHIM_MESSAGE_MAX);
    ShimMessage received;
    int ends[2];

    (void)state;
    assert_int_equal(socket_pair(ends), 0);
    assert_int_equal(shim_message_send_plain(ends[0], SHIM_MESSAGE_STDIN_READY), 0);
    assert_int_equal(shim_message_send_plain(ends[1], SHIM_MESSAGE_EXIT_TAKEN), 0);
    fd_close(ends[1]);
    assert_int_equal(shim_message_receive(ends[0], buffer, &received), 1);
    assert_int_equal(received.type, SHIM_MESSAGE_EXIT_TAKEN);
    assert_int_equal(shim_message_receive(ends[0], buffer, &received), 0);
    fd_close(ends[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_type_has_a_name_of_its_own),
        cmocka_unit_test(test_a_message_arrives_as_it_was_sent),
        cmocka_unit_test(test_what_is_no_message_is_refused),
        cmocka_unit_test(test_a_long_text_is_cut),
        cmocka_unit_test(test_the_largest_data_fits),
        cmocka_unit_test(test_what_a_vanished_peer_said_last_is_still_heard),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
