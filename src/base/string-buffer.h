/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Text that grows. `StringBuffer b = {}` is an empty one; data is NUL-terminated once anything was
 * added. */

#include <stdarg.h>
#include <stddef.h>

#include "base/cleanup.h"

typedef struct StringBuffer {
    char *data;
    size_t length;   /* without the NUL */
    size_t capacity; /* bytes allocated */
} StringBuffer;

void string_buffer_done(StringBuffer *buffer);

#define _cleanup_string_buffer_ _cleanup_(string_buffer_done)

void string_buffer_add(StringBuffer *buffer, const char *text);
void string_buffer_add_bytes(StringBuffer *buffer, const void *data, size_t size);
void string_buffer_add_char(StringBuffer *buffer, char character);
void string_buffer_printf(StringBuffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void string_buffer_vprintf(StringBuffer *buffer, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

/* Yield the text (owned by the caller, never NULL) and become empty. */
char *string_buffer_take(StringBuffer *buffer);

/* The text so far, never NULL, valid until the next change. */
const char *string_buffer_get(const StringBuffer *buffer);
