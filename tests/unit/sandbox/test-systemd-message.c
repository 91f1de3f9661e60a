/* SPDX-License-Identifier: Apache-2.0 */

/* D-Bus messages: what we write against the bytes of the specification, what we read whole, cut
 * short and spoiled; resources as systemd's properties. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "sandbox/cgroup-systemd-private.h"
#include "sandbox/systemd-message-private.h"

static void assert_bytes(const BusWriter *writer, const char *expected, size_t size)
{
    assert_int_equal(writer->data.length, size);
    assert_memory_equal(writer->data.data, expected, size);
}

static void test_a_call_is_written_as_the_specification_says(void **state)
{
    static const BusCall call = { "a.b", "/o", "i.f", "Me", NULL, NULL };
    static const char expected[] = "l\1\0\1"
                                   "\0\0\0\0"
                                   "\7\0\0\0"
                                   "\74\0\0\0"
                                   "\1\1o\0"
                                   "\2\0\0\0/o\0"
                                   "\0\0\0\0\0"
                                   "\2\1s\0"
                                   "\3\0\0\0i.f\0"
                                   "\0\0\0\0"
                                   "\3\1s\0"
                                   "\2\0\0\0Me\0"
                                   "\0\0\0\0\0"
                                   "\6\1s\0"
                                   "\3\0\0\0a.b\0"
                                   "\0\0\0\0";
    _cleanup_(bus_writer_done) BusWriter writer = {};

    (void)state;
    bus_call_write(&call, 7, &writer);
    assert_bytes(&writer, expected, sizeof(expected) - 1);
}

static void test_values_are_aligned(void **state)
{
    static const char expected[] = "\1\0\0\0"
                                   "\2\0\0\0"
                                   "\3\0\0\0\0\0\0\0"
                                   "\1\0\0\0x\0"
                                   "\2su\0"
                                   "\0\0\0\0"
                                   "\0\0"
                                   "\10\0\0\0"
                                   "\0\0\0\0"
                                   "\4\0\0\0\0\0\0\0";
    _cleanup_(bus_writer_done) BusWriter writer = {};
    size_t array;

    (void)state;
    bus_write_byte(&writer, 1);
    bus_write_u32(&writer, 2);
    bus_write_u64(&writer, 3);
    bus_write_string(&writer, "x");
    bus_write_signature(&writer, "su");
    bus_write_struct(&writer);
    assert_int_equal(writer.data.length, 32);
    array = bus_write_array(&writer, 8);
    bus_write_u64(&writer, 4);
    bus_write_array_end(&writer, array, 8);
    assert_int_equal(writer.data.length, 48);
    assert_memory_equal(writer.data.data, expected, 22);
    assert_memory_equal(writer.data.data + 32, "\10\0\0\0\0\0\0\0\4\0\0\0\0\0\0\0", 16);
}

/* An array of nothing has its padding all the same, and a size of 0. */
static void test_an_empty_array_has_no_size(void **state)
{
    _cleanup_(bus_writer_done) BusWriter writer = {};
    size_t array = bus_write_array(&writer, 8);

    (void)state;
    bus_write_array_end(&writer, array, 8);
    assert_bytes(&writer, "\0\0\0\0\0\0\0\0", 8);
}

/* A signal JobRemoved as systemd sends it; free it. */
static uint8_t *make_signal(size_t *ret_size)
{
    static const BusCall call = {
        NULL, "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager", "JobRemoved", "uoss",
        NULL
    };
    BusWriter body = {}, writer = {};
    BusCall whole = call;
    uint8_t *data;

    bus_write_u32(&body, 42);
    bus_write_string(&body, "/org/freedesktop/systemd1/job/42");
    bus_write_string(&body, "a.scope");
    bus_write_string(&body, "done");
    whole.body = &body;
    bus_call_write(&whole, 9, &writer);
    *ret_size = writer.data.length;
    data = memory_new(1, writer.data.length);
    memcpy(data, writer.data.data, writer.data.length);
    data[1] = BUS_SIGNAL;
    bus_writer_done(&body);
    bus_writer_done(&writer);
    return data;
}

static void test_a_signal_is_read(void **state)
{
    size_t size = 0, whole = 0;
    _cleanup_free_ uint8_t *data = make_signal(&size);
    const char *job, *unit, *result;
    BusMessage message;
    BusReader reader;
    uint32_t id;

    (void)state;
    assert_int_equal(bus_message_size(data, &whole), 0);
    assert_int_equal(whole, size);
    assert_int_equal(bus_message_parse(data, size, &message), 0);
    assert_int_equal(message.type, BUS_SIGNAL);
    assert_string_equal(message.member, "JobRemoved");
    assert_string_equal(message.signature, "uoss");
    reader = (BusReader) { message.body, message.body_size, 0 };
    assert_true(bus_read_u32(&reader, &id));
    assert_true(bus_read_string(&reader, &job));
    assert_true(bus_read_string(&reader, &unit));
    assert_true(bus_read_string(&reader, &result));
    assert_int_equal(id, 42);
    assert_string_equal(job, "/org/freedesktop/systemd1/job/42");
    assert_string_equal(result, "done");
    assert_false(bus_read_u32(&reader, &id));
}

/* Each byte of it, spoiled: an answer, and no read beyond it (which the sanitizer would see). */
static void test_spoiled_messages_are_survived(void **state)
{
    static const uint8_t values[] = { 0, 1, 7, 0x7f, 0x80, 0xff };
    size_t size = 0;
    _cleanup_free_ uint8_t *data = make_signal(&size);
    BusMessage message;

    (void)state;
    for (size_t i = 0; i < size; i++) {
        for (size_t j = 0; j < sizeof(values); j++) {
            _cleanup_free_ uint8_t *copy = memory_dup(data, size);

            copy[i] = values[j];
            (void)bus_message_parse(copy, size, &message);
        }
    }
    for (size_t i = 0; i < size; i++) {
        _cleanup_free_ uint8_t *copy = memory_dup(data, i ? i : 1);

        assert_true(bus_message_parse(copy, i, &message) < 0);
    }
}

/* Exactly as many bytes as a value has, and one less. */
static void test_a_value_is_read_only_as_a_whole(void **state)
{
    _cleanup_free_ uint8_t *data = memory_dup("\2\0\0\0xy\0", 7);
    BusReader number = { data, 4, 0 }, text = { data, 7, 0 };
    const char *string;
    uint32_t value;

    (void)state;
    if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__)
        memcpy(data, "\0\0\0\2", 4);
    assert_true(bus_read_u32(&number, &value));
    assert_int_equal(value, 2);
    assert_false(bus_read_u32(&number, &value));
    assert_true(bus_read_string(&text, &string));
    assert_string_equal(string, "xy");
    for (size_t size = 0; size < 7; size++) {
        number = (BusReader) { data, size, 0 };
        text = number;
        assert_true(bus_read_u32(&number, &value) == (size >= 4));
        assert_false(bus_read_string(&text, &string));
    }
    /* A text that says less of itself than there is, and one with a NUL inside. */
    data[4] = '\0';
    text = (BusReader) { data, 7, 0 };
    assert_false(bus_read_string(&text, &string));
}

static void test_sizes_beyond_the_limit_are_refused(void **state)
{
    uint8_t head[BUS_MESSAGE_HEAD_SIZE] __attribute__((aligned(8))) = { 'l', 4, 0, 1 };
    uint32_t one = 1, large = BUS_MESSAGE_SIZE_MAX + 1;
    size_t size;

    (void)state;
    if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__)
        head[0] = 'B';
    assert_int_equal(bus_message_size(head, &size), -EBADMSG); /* no serial */
    memcpy(head + 8, &one, sizeof(one));
    assert_int_equal(bus_message_size(head, &size), 0);
    memcpy(head + 4, &large, sizeof(large));
    assert_int_equal(bus_message_size(head, &size), -EMSGSIZE);
    memset(head + 4, 0xff, 4);
    memset(head + 12, 0xff, 4);
    assert_int_equal(bus_message_size(head, &size), -EMSGSIZE);
}

/* The value of a property "t" among those written, or -1. */
static int64_t find_number(const BusWriter *writer, const char *name)
{
    BusReader reader = { (const uint8_t *)writer->data.data, writer->data.length, 0 };

    for (size_t at = 0; at < reader.size; at += 8) {
        const char *text, *type;
        uint64_t value;

        reader.at = at;
        if (!bus_read_string(&reader, &text) || strcmp(text, name) != 0 ||
            !bus_read_signature(&reader, &type) || strcmp(type, "t") != 0)
            continue;
        reader.at = (reader.at + 7) / 8 * 8;
        memcpy(&value, reader.data + reader.at, sizeof(value));
        return (int64_t)value;
    }
    return -2;
}

static void test_resources_become_properties(void **state)
{
    LinuxPids pids = { 20 };
    LinuxResources resources = {
        .memory = { .limit = { true, 100 }, .swap = { true, 150 }, .reservation = { true, 50 } },
        .cpu = { .shares = { true, 1024 }, .quota = { true, 33333 }, .period = { true, 100000 } },
        .pids = &pids,
    };
    _cleanup_(bus_writer_done) BusWriter writer = {};

    (void)state;
    string_map_set(&resources.unified, "memory.high", "90");
    unit_properties_write(&writer, &resources, false);
    string_map_done(&resources.unified);
    assert_int_equal(find_number(&writer, "MemoryMax"), 100);
    assert_int_equal(find_number(&writer, "MemorySwapMax"), 50);
    assert_int_equal(find_number(&writer, "MemoryLow"), 50);
    assert_int_equal(find_number(&writer, "MemoryHigh"), 90);
    assert_int_equal(find_number(&writer, "CPUWeight"), 100);
    assert_int_equal(find_number(&writer, "CPUQuotaPeriodUSec"), 100000);
    assert_int_equal(find_number(&writer, "CPUQuotaPerSecUSec"), 340000); /* rounded up */
    assert_int_equal(find_number(&writer, "TasksMax"), 20);
    assert_int_equal(find_number(&writer, "IOWeight"), -2);
}

static void test_no_limit_is_the_largest_number(void **state)
{
    LinuxPids pids = { -1 };
    LinuxResources resources = {
        .memory = { .limit = { true, -1 }, .swap = { true, -1 } },
        .cpu = { .quota = { true, -1 } },
        .pids = &pids,
    };
    _cleanup_(bus_writer_done) BusWriter writer = {};

    (void)state;
    unit_properties_write(&writer, &resources, true);
    assert_int_equal(find_number(&writer, "MemoryMax"), -1);
    assert_int_equal(find_number(&writer, "MemorySwapMax"), -1);
    assert_int_equal(find_number(&writer, "CPUQuotaPerSecUSec"), -1);
    assert_int_equal(find_number(&writer, "TasksMax"), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_call_is_written_as_the_specification_says),
        cmocka_unit_test(test_values_are_aligned),
        cmocka_unit_test(test_an_empty_array_has_no_size),
        cmocka_unit_test(test_a_signal_is_read),
        cmocka_unit_test(test_spoiled_messages_are_survived),
        cmocka_unit_test(test_a_value_is_read_only_as_a_whole),
        cmocka_unit_test(test_sizes_beyond_the_limit_are_refused),
        cmocka_unit_test(test_resources_become_properties),
        cmocka_unit_test(test_no_limit_is_the_largest_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
