/* SPDX-License-Identifier: Apache-2.0 */

/* Growing text. */

#include "base/string-buffer.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

void string_buffer_done(StringBuffer *buffer)
{
    free(buffer->data);
    *buffer = (StringBuffer) {};
}

void string_buffer_add_bytes(StringBuffer *buffer, const void *data, size_t size)
{
    buffer->data = memory_grow(buffer->data, &buffer->capacity, buffer->length + size + 1, 1);
    if (size > 0)
        memcpy(buffer->data + buffer->length, data, size);
    buffer->length += size;
    buffer->data[buffer->length] = '\0';
}

void string_buffer_add(StringBuffer *buffer, const char *text)
{
    string_buffer_add_bytes(buffer, text, strlen(text));
}

void string_buffer_add_char(StringBuffer *buffer, char character)
{
    string_buffer_add_bytes(buffer, &character, 1);
}

void string_buffer_vprintf(StringBuffer *buffer, const char *format, va_list arguments)
{
    _cleanup_free_ char *text = memory_vprintf(format, arguments);

    string_buffer_add(buffer, text);
}

void string_buffer_printf(StringBuffer *buffer, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    string_buffer_vprintf(buffer, format, arguments);
    va_end(arguments);
}

char *string_buffer_take(StringBuffer *buffer)
{
    char *data = buffer->data ? buffer->data : memory_strdup("");

    *buffer = (StringBuffer) {};
    return data;
}

const char *string_buffer_get(const StringBuffer *buffer)
{
    return buffer->data ? buffer->data : "";
}
