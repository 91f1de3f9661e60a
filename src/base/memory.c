/* SPDX-License-Identifier: Apache-2.0 */

/* The one place where running out of memory is noticed: it aborts. */

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static _Noreturn void out_of_memory(void)
{
    static const char message[] = "cay: out of memory\n";

    (void)!write(STDERR_FILENO, message, sizeof(message) - 1); /* nothing better is left to do */
    abort();
}

void *memory_new(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size ? size : 1);

    if (!memory)
        out_of_memory();
    return memory;
}

void *memory_grow(void *array, size_t *capacity, size_t count, size_t size)
{
    size_t wanted = *capacity ? *capacity : 8;

    if (array && count <= *capacity)
        return array;

    while (wanted < count)
        if (__builtin_mul_overflow(wanted, 2, &wanted))
            out_of_memory();

    array = reallocarray(array, wanted, size);
    if (!array)
        out_of_memory();
    memset((char *)array + *capacity * size, 0, (wanted - *capacity) * size);
    *capacity = wanted;
    return array;
}

void *memory_dup(const void *data, size_t size)
{
    void *copy;

    if (!data)
        return NULL;

    copy = malloc(size ? size : 1);
    if (!copy)
        out_of_memory();
    memcpy(copy, data, size);
    return copy;
}

char *memory_strdup(const char *string)
{
    return string ? memory_dup(string, strlen(string) + 1) : NULL;
}

char *memory_strndup(const char *string, size_t length)
{
    char *copy;

    if (!string)
        return NULL;

    copy = strndup(string, length);
    if (!copy)
        out_of_memory();
    return copy;
}

char *memory_vprintf(const char *format, va_list arguments)
{
    char *text = NULL;

    if (vasprintf(&text, format, arguments) < 0)
        out_of_memory();
    return text;
}

char *memory_printf(const char *format, ...)
{
    va_list arguments;
    char *text;

    va_start(arguments, format);
    text = memory_vprintf(format, arguments);
    va_end(arguments);
    return text;
}
