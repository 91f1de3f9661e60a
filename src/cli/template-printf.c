/* SPDX-License-Identifier: Apache-2.0 */

/*
 * printf of templates: Go's verbs %s %v %q %d %x %f %t %%, with width, precision and the flags
 * '-' and '0'. The C library's printf never sees a format that came from outside.
 */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/template-private.h"
#include "cli/terminal-text.h"

/* Widths beyond this are mistakes. */
#define WIDTH_MAX 4096

typedef struct Verb {
    bool left, zeros;
    int width;
    int precision; /* -1: none */
    char letter;
} Verb;

/* Digits at *@format, which moves past them. */
static int read_number(const char **format)
{
    int number = 0;

    for (; **format >= '0' && **format <= '9'; (*format)++)
        number = number > WIDTH_MAX ? number : number * 10 + (**format - '0');
    return number;
}

static int read_verb(const FunctionCall *call, const char **format, Verb *ret, Error *err)
{
    Verb verb = { .precision = -1 };

    for (; **format == '-' || **format == '0'; (*format)++) {
        verb.left = verb.left || **format == '-';
        verb.zeros = verb.zeros || **format == '0';
    }
    verb.width = read_number(format);
    if (**format == '.') {
        (*format)++;
        verb.precision = read_number(format);
    }
    if (verb.width > WIDTH_MAX || verb.precision > WIDTH_MAX)
        return template_error(err, ERROR_INVALID, call->position, "printf: a width of more than %d",
                              WIDTH_MAX);
    if (**format == '\0' || !strchr("svqdxft%", **format))
        return template_error(err, ERROR_INVALID, call->position,
                              "printf: unknown verb, use one of %%s %%v %%q %%d %%x %%f %%t %%%%");
    verb.letter = *(*format)++;
    *ret = verb;
    return 0;
}

static int wrong_type(const FunctionCall *call, char letter, const json_t *value, Error *err)
{
    return template_error(err, ERROR_INVALID, call->position, "printf: '%%%c' does not print %s",
                          letter, template_value_type(value));
}

static void print_quoted(StringBuffer *text, const json_t *value)
{
    char *dumped = json_dumps(value, JSON_ENCODE_ANY);

    string_buffer_add(text, dumped);
    free(dumped);
}

static void print_hex(StringBuffer *text, const json_t *value)
{
    if (json_is_integer(value)) {
        string_buffer_printf(text, "%" PRIx64, (uint64_t)json_integer_value(value));
        return;
    }
    for (size_t i = 0; i < json_string_length(value); i++)
        string_buffer_printf(text, "%02x", (unsigned char)json_string_value(value)[i]);
}

/* The value without its padding. */
static int print_verb(const FunctionCall *call, const Verb *verb, const json_t *value,
                      StringBuffer *text, Error *err)
{
    bool fits = verb->letter == 'v' || verb->letter == 's' ||
                (verb->letter == 'd' && json_is_integer(value)) ||
                (verb->letter == 'x' && (json_is_integer(value) || json_is_string(value))) ||
                (verb->letter == 'f' && json_is_number(value)) ||
                (verb->letter == 't' && json_is_boolean(value)) ||
                (verb->letter == 'q' && json_is_string(value));

    if (!fits)
        return wrong_type(call, verb->letter, value, err);
    if (verb->letter == 'f')
        string_buffer_printf(text, "%.*f", verb->precision < 0 ? 6 : verb->precision,
                             json_number_value(value));
    else if (verb->letter == 'x')
        print_hex(text, value);
    else if (verb->letter == 'q')
        print_quoted(text, value);
    else
        template_value_print(text, value);
    return 0;
}

/* Bytes of the first @characters characters. */
static size_t prefix_length(const char *text, size_t characters)
{
    size_t i = 0;

    for (; text[i]; i++)
        if (((unsigned char)text[i] & 0xc0) != 0x80 && characters-- == 0)
            break;
    return i;
}

static void add_padded(StringBuffer *result, const Verb *verb, const json_t *value,
                       const StringBuffer *text)
{
    const char *data = string_buffer_get(text);
    bool cuts = (verb->letter == 's' || verb->letter == 'v') && verb->precision >= 0 &&
                json_is_string(value);
    size_t length = cuts ? prefix_length(data, (size_t)verb->precision) : text->length;
    size_t width = terminal_text_width(data, length);
    int padding = (size_t)verb->width > width ? verb->width - (int)width : 0;
    bool zeros = verb->zeros && !verb->left && json_is_number(value);

    if (zeros && *data == '-') {
        string_buffer_add_char(result, *data++);
        length--;
    }
    for (int i = 0; i < padding && !verb->left; i++)
        string_buffer_add_char(result, zeros ? '0' : ' ');
    string_buffer_add_bytes(result, data, length);
    for (int i = 0; i < padding && verb->left; i++)
        string_buffer_add_char(result, ' ');
}

/* One verb after its '%'. *next is the index of the argument that it takes. */
static int format_verb(const FunctionCall *call, const char **format, size_t *next,
                       StringBuffer *result, Error *err)
{
    _cleanup_string_buffer_ StringBuffer text = {};
    Verb verb;
    int r = read_verb(call, format, &verb, err);

    if (r < 0)
        return r;
    if (verb.letter == '%') {
        string_buffer_add_char(result, '%');
        return 0;
    }
    if (*next >= call->count)
        return template_error(err, ERROR_INVALID, call->position, "printf: no argument for '%%%c'",
                              verb.letter);

    const json_t *value = call->arguments[(*next)++];
    r = print_verb(call, &verb, value, &text, err);
    if (r == 0)
        add_padded(result, &verb, value, &text);
    return r;
}

int template_function_printf(const FunctionCall *call, json_t **ret, Error *err)
{
    _cleanup_string_buffer_ StringBuffer result = {};
    const char *format = json_string_value(call->arguments[0]);
    size_t next = 1;

    if (!format)
        return template_error(err, ERROR_INVALID, call->position,
                              "printf: the format must be a string, it is %s",
                              template_value_type(call->arguments[0]));
    while (*format && result.length <= TEMPLATE_STRING_MAX) {
        if (*format != '%') {
            string_buffer_add_char(&result, *format++);
            continue;
        }
        format++;
        int r = format_verb(call, &format, &next, &result, err);
        if (r < 0)
            return r;
    }
    if (next < call->count && *format == '\0')
        return template_error(err, ERROR_INVALID, call->position,
                              "printf: more arguments than verbs");
    return template_string(call, &result, ret, err);
}
