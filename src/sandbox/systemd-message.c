/* SPDX-License-Identifier: Apache-2.0 */

/* Messages of D-Bus to bytes and back: see the header. */

#include "sandbox/systemd-message-private.h"

#include <errno.h>
#include <string.h>

#define PROTOCOL_VERSION 1
#define BYTE_ORDER_MARK (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 'l' : 'B')

/* Codes of header fields. */
enum {
    FIELD_PATH = 1,
    FIELD_INTERFACE = 2,
    FIELD_MEMBER = 3,
    FIELD_ERROR_NAME = 4,
    FIELD_REPLY_SERIAL = 5,
    FIELD_DESTINATION = 6,
    FIELD_SIGNATURE = 8,
};

void bus_writer_done(BusWriter *writer)
{
    string_buffer_done(&writer->data);
}

static size_t padding(size_t at, size_t alignment)
{
    return (alignment - at % alignment) % alignment;
}

static void align(BusWriter *writer, size_t alignment)
{
    static const uint8_t zeros[8];

    string_buffer_add_bytes(&writer->data, zeros, padding(writer->data.length, alignment));
}

void bus_write_byte(BusWriter *writer, uint8_t value)
{
    string_buffer_add_bytes(&writer->data, &value, sizeof(value));
}

void bus_write_u32(BusWriter *writer, uint32_t value)
{
    align(writer, sizeof(value));
    string_buffer_add_bytes(&writer->data, &value, sizeof(value));
}

void bus_write_bool(BusWriter *writer, bool value)
{
    bus_write_u32(writer, value);
}

void bus_write_u64(BusWriter *writer, uint64_t value)
{
    align(writer, sizeof(value));
    string_buffer_add_bytes(&writer->data, &value, sizeof(value));
}

void bus_write_string(BusWriter *writer, const char *text)
{
    size_t length = strlen(text);

    bus_write_u32(writer, (uint32_t)length);
    string_buffer_add_bytes(&writer->data, text, length + 1);
}

void bus_write_signature(BusWriter *writer, const char *signature)
{
    size_t length = strlen(signature);

    bus_write_byte(writer, (uint8_t)length);
    string_buffer_add_bytes(&writer->data, signature, length + 1);
}

void bus_write_struct(BusWriter *writer)
{
    align(writer, 8);
}

size_t bus_write_array(BusWriter *writer, size_t alignment)
{
    size_t array;

    bus_write_u32(writer, 0); /* its size, once that is known */
    array = writer->data.length - sizeof(uint32_t);
    align(writer, alignment);
    return array;
}

void bus_write_array_end(BusWriter *writer, size_t array, size_t alignment)
{
    size_t start = array + sizeof(uint32_t);
    uint32_t size;

    start += padding(start, alignment);
    size = (uint32_t)(writer->data.length - start);
    memcpy(writer->data.data + array, &size, sizeof(size));
}

static void write_field(BusWriter *writer, uint8_t code, const char *type, const char *text)
{
    if (!text)
        return;
    bus_write_struct(writer);
    bus_write_byte(writer, code);
    bus_write_signature(writer, type);
    if (code == FIELD_SIGNATURE)
        bus_write_signature(writer, text);
    else
        bus_write_string(writer, text);
}

void bus_call_write(const BusCall *call, uint32_t serial, BusWriter *ret)
{
    size_t fields;

    bus_write_byte(ret, BYTE_ORDER_MARK);
    bus_write_byte(ret, BUS_METHOD_CALL);
    bus_write_byte(ret, 0); /* flags */
    bus_write_byte(ret, PROTOCOL_VERSION);
    bus_write_u32(ret, call->body ? (uint32_t)call->body->data.length : 0);
    bus_write_u32(ret, serial);
    fields = bus_write_array(ret, 8);
    write_field(ret, FIELD_PATH, "o", call->path);
    write_field(ret, FIELD_INTERFACE, "s", call->interface);
    write_field(ret, FIELD_MEMBER, "s", call->member);
    write_field(ret, FIELD_DESTINATION, "s", call->destination);
    write_field(ret, FIELD_SIGNATURE, "g", call->signature);
    bus_write_array_end(ret, fields, 8);
    bus_write_struct(ret); /* the body begins so aligned */
    if (call->body)
        string_buffer_add_bytes(&ret->data, call->body->data.data, call->body->data.length);
}

/* Move to the next multiple and check that @size bytes are there. */
static bool reach(BusReader *reader, size_t alignment, size_t size)
{
    size_t skipped = padding(reader->at, alignment);

    if (reader->size - reader->at < skipped || reader->size - reader->at - skipped < size)
        return false;
    reader->at += skipped;
    return true;
}

bool bus_read_byte(BusReader *reader, uint8_t *ret)
{
    if (!reach(reader, 1, 1))
        return false;
    *ret = reader->data[reader->at++];
    return true;
}

bool bus_read_u32(BusReader *reader, uint32_t *ret)
{
    if (!reach(reader, sizeof(*ret), sizeof(*ret)))
        return false;
    memcpy(ret, reader->data + reader->at, sizeof(*ret));
    reader->at += sizeof(*ret);
    return true;
}

/* @length bytes without a NUL, and then one. */
static bool read_text(BusReader *reader, size_t length, const char **ret)
{
    const char *text = (const char *)reader->data + reader->at;

    if (length >= reader->size - reader->at || text[length] != '\0' || strlen(text) != length)
        return false;
    reader->at += length + 1;
    *ret = text;
    return true;
}

bool bus_read_string(BusReader *reader, const char **ret)
{
    uint32_t length;

    return bus_read_u32(reader, &length) && read_text(reader, length, ret);
}

bool bus_read_signature(BusReader *reader, const char **ret)
{
    uint8_t length;

    return bus_read_byte(reader, &length) && read_text(reader, length, ret);
}

int bus_message_size(const uint8_t *data, size_t *ret)
{
    BusReader reader = { data, BUS_MESSAGE_HEAD_SIZE, 4 };
    uint32_t body = 0, serial = 0, fields = 0;

    (void)bus_read_u32(&reader, &body);
    (void)bus_read_u32(&reader, &serial);
    (void)bus_read_u32(&reader, &fields);
    if (data[0] != BYTE_ORDER_MARK || data[3] != PROTOCOL_VERSION || serial == 0)
        return -EBADMSG;
    if (body > BUS_MESSAGE_SIZE_MAX || fields > BUS_MESSAGE_SIZE_MAX)
        return -EMSGSIZE;
    *ret = BUS_MESSAGE_HEAD_SIZE + fields + padding(fields, 8) + body;
    return *ret > BUS_MESSAGE_SIZE_MAX ? -EMSGSIZE : 0;
}

/* One field; those that are not needed may be of any basic type. */
static bool read_field(BusReader *reader, BusMessage *ret)
{
    const char *type, *text;
    uint32_t number;
    uint8_t code;

    if (!reach(reader, 8, 1) || !bus_read_byte(reader, &code) || !bus_read_signature(reader, &type))
        return false;
    if (strcmp(type, "u") == 0) {
        if (!bus_read_u32(reader, &number))
            return false;
        if (code == FIELD_REPLY_SERIAL)
            ret->reply_serial = number;
        return true;
    }
    if (strcmp(type, "g") == 0) {
        if (!bus_read_signature(reader, &text))
            return false;
        if (code == FIELD_SIGNATURE)
            ret->signature = text;
        return true;
    }
    if ((strcmp(type, "s") != 0 && strcmp(type, "o") != 0) || !bus_read_string(reader, &text))
        return false;
    switch (code) {
    case FIELD_PATH:
        ret->path = text;
        break;
    case FIELD_INTERFACE:
        ret->interface = text;
        break;
    case FIELD_MEMBER:
        ret->member = text;
        break;
    case FIELD_ERROR_NAME:
        ret->error_name = text;
        break;
    default: /* sender and the like */
        break;
    }
    return true;
}

/* What each type of message must have. */
static bool is_complete(const BusMessage *message)
{
    switch (message->type) {
    case BUS_METHOD_CALL:
        return message->path && message->member;
    case BUS_METHOD_RETURN:
        return message->reply_serial != 0;
    case BUS_ERROR:
        return message->reply_serial != 0 && message->error_name;
    case BUS_SIGNAL:
        return message->path && message->interface && message->member;
    default:
        return true; /* of later versions: to be ignored */
    }
}

int bus_message_parse(const uint8_t *data, size_t size, BusMessage *ret)
{
    BusMessage message = { .signature = "" };
    BusReader reader = { data, size, BUS_MESSAGE_HEAD_SIZE };
    uint32_t fields;
    size_t whole;
    int r;

    if (size < BUS_MESSAGE_HEAD_SIZE)
        return -EBADMSG;
    r = bus_message_size(data, &whole);
    if (r < 0)
        return r;
    if (whole != size)
        return -EBADMSG;
    message.type = data[1];
    memcpy(&fields, data + BUS_MESSAGE_HEAD_SIZE - sizeof(fields), sizeof(fields));
    reader.size = BUS_MESSAGE_HEAD_SIZE + fields;
    while (reader.at < reader.size)
        if (!read_field(&reader, &message))
            return -EBADMSG;
    if (!is_complete(&message))
        return -EBADMSG;
    message.body = data + BUS_MESSAGE_HEAD_SIZE + fields + padding(fields, 8);
    message.body_size = size - (size_t)(message.body - data);

    *ret = message;
    return 0;
}
