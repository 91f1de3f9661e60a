/* SPDX-License-Identifier: Apache-2.0 */

/* Written down without any help of what is tested. */

#include "questions.h"

#include <string.h>

void bytes_add(Bytes *bytes, const void *data, size_t size)
{
    assert_true(size <= sizeof(bytes->data) - bytes->size);
    if (size > 0)
        memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
}

void bytes_add16(Bytes *bytes, unsigned value)
{
    bytes_add(bytes, (uint8_t[]) { (uint8_t)(value >> 8), (uint8_t)value }, 2);
}

void bytes_add_name(Bytes *bytes, const char *name)
{
    while (*name) {
        uint8_t length = (uint8_t)strcspn(name, ".");

        bytes_add(bytes, &length, 1);
        bytes_add(bytes, name, length);
        name += length + (name[length] == '.');
    }
    bytes_add(bytes, "", 1);
}

void bytes_add_question(Bytes *bytes, const char *name, uint16_t type)
{
    static const uint16_t header[] = { 0x1234, 0x0100, 1, 0, 0, 0 };

    for (size_t i = 0; i < 6; i++)
        bytes_add16(bytes, header[i]);
    bytes_add_name(bytes, name);
    bytes_add16(bytes, type);
    bytes_add16(bytes, CLASS_IN);
}

void bytes_add_record(Bytes *bytes, const char *name, uint16_t type, uint32_t lifetime,
                      const void *content, size_t size)
{
    bytes_add_name(bytes, name);
    bytes_add16(bytes, type);
    bytes_add16(bytes, CLASS_IN);
    bytes_add16(bytes, lifetime >> 16);
    bytes_add16(bytes, lifetime & 0xffff);
    bytes_add16(bytes, (unsigned)size);
    bytes_add(bytes, content, size);
}

void bytes_make_answer(Bytes *bytes, unsigned code, unsigned answers, unsigned authorities)
{
    bytes->data[2] |= 0x80;
    bytes->data[3] = (uint8_t)(0x80 | code);
    bytes->data[7] = (uint8_t)answers;
    bytes->data[9] = (uint8_t)authorities;
}

Query query_of(const Bytes *bytes)
{
    Query query;

    assert_int_equal(query_read(bytes->data, bytes->size, &query), 0);
    return query;
}
