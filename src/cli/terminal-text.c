/* SPDX-License-Identifier: Apache-2.0 */

/* UTF-8 is decoded strictly (RFC 3629): overlong forms, surrogates and strays are not characters.
 */

#include "cli/terminal-text.h"

#include <stdint.h>

/* Bytes of the well-formed character at @text (1 to 4) and its code point; 0 if there is none. */
static size_t decode_character(const unsigned char *text, uint32_t *ret_code)
{
    static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
    size_t length = text[0] < 0x80             ? 1
                    : (text[0] & 0xe0) == 0xc0 ? 2
                    : (text[0] & 0xf0) == 0xe0 ? 3
                    : (text[0] & 0xf8) == 0xf0 ? 4
                                               : 0;
    uint32_t code = length < 2 ? text[0] : text[0] & (0x7fu >> length);

    /* A NUL is no continuation byte, so this never reads beyond the end. */
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (text[i] & 0x3fu);
    }
    if (length == 0 || code < smallest[length] || code > 0x10ffff ||
        (code >= 0xd800 && code <= 0xdfff))
        return 0;

    *ret_code = code;
    return length;
}

static bool is_control(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0) ||
           (code >= 0x202a && code <= 0x202e) || /* directional overrides reorder a whole line */
           (code >= 0x2066 && code <= 0x2069);
}

/* Length of the printable character at @text, or 0. */
static size_t printable_length(const char *text)
{
    uint32_t code = 0;
    size_t length = decode_character((const unsigned char *)text, &code);

    return length > 0 && !is_control(code) ? length : 0;
}

void terminal_text_add(StringBuffer *buffer, const char *text)
{
    while (*text) {
        size_t length = printable_length(text);

        if (length > 0) {
            string_buffer_add_bytes(buffer, text, length);
            text += length;
        } else {
            string_buffer_printf(buffer, "\\x%02x", (unsigned char)*text++);
        }
    }
}

bool terminal_text_is_safe(const char *text)
{
    while (*text) {
        size_t length = printable_length(text);

        if (length == 0)
            return false;
        text += length;
    }
    return true;
}

size_t terminal_text_width(const char *text, size_t length)
{
    size_t width = 0;

    for (size_t i = 0; i < length; i++)
        width += ((unsigned char)text[i] & 0xc0) != 0x80;
    return width;
}
