/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Allocation that cannot fail: running out of memory aborts here and nowhere else.
 * A size that comes from a file, the network or the user is capped by its caller first.
 */

#include <stdarg.h>
#include <stddef.h>

/* Zeroed memory for @count objects of @size bytes; aborts on overflow. Free with free(). */
void *memory_new(size_t count, size_t size) __attribute__((returns_nonnull, malloc));

/*
 * Grow @array so that it holds at least @count objects of @size bytes; *@capacity (in objects)
 * is updated and at least doubles, new objects are zeroed. Returns the array's new address.
 */
void *memory_grow(void *array, size_t *capacity, size_t count, size_t size)
    __attribute__((returns_nonnull));

/* Copies; NULL in, NULL out. */
char *memory_strdup(const char *string);
char *memory_strndup(const char *string, size_t length);
void *memory_dup(const void *data, size_t size);

/* asprintf() that cannot fail. */
char *memory_printf(const char *format, ...) __attribute__((format(printf, 1, 2), returns_nonnull));
char *memory_vprintf(const char *format, va_list arguments)
    __attribute__((format(printf, 1, 0), returns_nonnull));

#define NEW(type) ((type *)memory_new(1, sizeof(type)))
#define NEW_ARRAY(type, count) ((type *)memory_new((count), sizeof(type)))
