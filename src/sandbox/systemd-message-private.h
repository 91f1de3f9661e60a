/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Messages of D-Bus, as far as talking to systemd takes them: written and read, without a
 * connection (D-Bus Specification 0.38, "Type System" and "Message Protocol"). Both sides are on
 * one machine, so only its own byte order is known. Incoming bytes are not trusted: every length is
 * checked against what is there.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/string-buffer.h"

/* A larger one is refused, long before the 128 MiB of the specification. */
#define BUS_MESSAGE_SIZE_MAX (1U << 20)
/* So much of a message tells its size. */
#define BUS_MESSAGE_HEAD_SIZE 16

typedef enum BusMessageType {
    BUS_METHOD_CALL = 1,
    BUS_METHOD_RETURN = 2,
    BUS_ERROR = 3,
    BUS_SIGNAL = 4,
} BusMessageType;

/* Values one after the other, each aligned as its type wants it. The buffer is the writer's. */
typedef struct BusWriter {
    StringBuffer data;
} BusWriter;

void bus_writer_done(BusWriter *writer);

void bus_write_byte(BusWriter *writer, uint8_t value);
void bus_write_bool(BusWriter *writer, bool value);
void bus_write_u32(BusWriter *writer, uint32_t value);
void bus_write_u64(BusWriter *writer, uint64_t value);
/* A string, or an object's path. */
void bus_write_string(BusWriter *writer, const char *text);
void bus_write_signature(BusWriter *writer, const char *signature);
/* Structs begin at multiples of eight. */
void bus_write_struct(BusWriter *writer);
/* Elements follow, of a type aligned to @alignment, up to bus_write_array_end() with what this
 * returns. */
size_t bus_write_array(BusWriter *writer, size_t alignment);
void bus_write_array_end(BusWriter *writer, size_t array, size_t alignment);

typedef struct BusCall {
    const char *destination; /* NULL: the peer itself */
    const char *path;
    const char *interface;
    const char *member;
    const char *signature; /* of the body; NULL: there is none */
    const BusWriter *body;
} BusCall;

/* The whole message of a call; @serial is not 0. */
void bus_call_write(const BusCall *call, uint32_t serial, BusWriter *ret);

/* A message that was received; strings are in its own bytes, NULL where it does not have them. */
typedef struct BusMessage {
    BusMessageType type;
    uint32_t reply_serial;
    const char *path;
    const char *interface;
    const char *member;
    const char *error_name;
    const char *signature; /* "" without a body */
    const uint8_t *body;
    size_t body_size;
} BusMessage;

/* The size of the whole message from its first BUS_MESSAGE_HEAD_SIZE bytes. Returns 0 or -EBADMSG,
 * -EMSGSIZE. */
int bus_message_size(const uint8_t *data, size_t *ret);

/* @data is of exactly that size, aligned to eight, and has to live as long as @ret. Returns 0 or
 * -EBADMSG. */
int bus_message_parse(const uint8_t *data, size_t size, BusMessage *ret);

/* Reads a body from its beginning. Each call returns false where the value is not there. */
typedef struct BusReader {
    const uint8_t *data;
    size_t size;
    size_t at;
} BusReader;

bool bus_read_byte(BusReader *reader, uint8_t *ret);
bool bus_read_u32(BusReader *reader, uint32_t *ret);
/* A string or an object's path, in the message's bytes. */
bool bus_read_string(BusReader *reader, const char **ret);
bool bus_read_signature(BusReader *reader, const char **ret);
