/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Large numbers on their way through jansson. The text is scanned only when jansson has refused a
 * number, and when what it wrote has a mark in it: nobody else pays.
 */

#include "base/json-numbers-private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/parse.h"
#include "base/string-buffer.h"

#define DIGITS "0123456789"
#define DIGITS_MAX 20 /* of UINT64_MAX */
#define MARK "\\u0000"
#define QUOTED_MARK "\"" MARK

json_t *json_large_number_new(uint64_t number)
{
    char text[DIGITS_MAX + 2] = "";
    int length = snprintf(text + 1, sizeof(text) - 1, "%" PRIu64, number); /* fits */

    return json_stringn_nocheck(text, (size_t)length + 1);
}

bool json_is_large_number(const json_t *json)
{
    return json_is_string(json) && json_string_length(json) > 1 &&
           json_string_value(json)[0] == '\0';
}

uint64_t json_large_number_value(const json_t *json)
{
    uint64_t number = 0;

    (void)parse_u64(json_string_value(json) + 1, &number); /* made of digits that fit */
    return number;
}

/* The length of the string, with both its quotes, that begins at @text. */
static size_t string_length(const char *text, const char *end)
{
    const char *at = text + 1;

    while (at < end && *at != '"')
        at += *at == '\\' && at + 1 < end ? 2 : 1;
    return (size_t)(at < end ? at + 1 - text : end - text);
}

/* True for digits that are a whole number which jansson cannot hold and 64 bits can. */
static bool is_large(const char *digits, size_t length)
{
    char text[DIGITS_MAX + 1] = "";
    uint64_t number;

    if (length > DIGITS_MAX || digits[0] == '0')
        return false;
    memcpy(text, digits, length);
    return parse_u64(text, &number) == 0 && number > INT64_MAX;
}

/* The length of what begins at @text and is no string: up to the next quote, in one number or
 * between two. */
static size_t token_length(const char *text, const char *end)
{
    const char *const numeric = DIGITS "+-.eE";
    bool in_number = strchr(numeric, *text);
    const char *at = text;

    while (at < end && *at && *at != '"' && !strchr(numeric, *at) == !in_number)
        at++;
    return (size_t)(at > text ? at - text : 1);
}

char *json_text_hide_large_numbers(const char *data, size_t size, size_t *ret_size)
{
    StringBuffer buffer = {};
    const char *end = data + size;
    size_t length;

    if (memmem(data, size, MARK, sizeof(MARK) - 1))
        return NULL;
    for (const char *at = data; at < end; at += length) {
        length = *at == '"' ? string_length(at, end) : token_length(at, end);
        if (is_large(at, length)) {
            string_buffer_add(&buffer, QUOTED_MARK);
            string_buffer_add_bytes(&buffer, at, length);
            string_buffer_add(&buffer, "\"");
        } else {
            string_buffer_add_bytes(&buffer, at, length);
        }
    }
    *ret_size = buffer.length;
    return string_buffer_take(&buffer);
}

char *json_text_show_large_numbers(char *text)
{
    StringBuffer buffer = {};
    const char *at = text, *mark;

    if (!strstr(text, QUOTED_MARK))
        return text;
    while ((mark = strstr(at, QUOTED_MARK))) {
        const char *digits = mark + sizeof(QUOTED_MARK) - 1;
        size_t length = strspn(digits, DIGITS);

        string_buffer_add_bytes(&buffer, at, (size_t)(mark - at));
        string_buffer_add_bytes(&buffer, digits, length);
        at = digits + length + 1; /* and the closing quote */
    }
    string_buffer_add(&buffer, at);
    free(text);
    return string_buffer_take(&buffer);
}
