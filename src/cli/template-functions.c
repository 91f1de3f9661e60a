/* SPDX-License-Identifier: Apache-2.0 */

/* The functions that a template can call: Go's own and those that Docker adds, in one table. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/parse.h"
#include "cli/template-private.h"

#define ANY_ARGUMENTS TEMPLATE_ARGUMENTS_MAX

int template_string(const FunctionCall *call, const StringBuffer *text, json_t **ret, Error *err)
{
    if (text->length > TEMPLATE_STRING_MAX)
        return template_error(err, ERROR_EXHAUSTED, call->position, "a text of more than %d bytes",
                              TEMPLATE_STRING_MAX);
    *ret = json_stringn(string_buffer_get(text), text->length);
    if (!*ret)
        return template_error(err, ERROR_INVALID, call->position, "the text is not valid UTF-8");
    return 0;
}

static int expect_string(const FunctionCall *call, size_t index, const char **ret, Error *err)
{
    const json_t *value = call->arguments[index];

    if (!json_is_string(value))
        return template_error(err, ERROR_INVALID, call->position,
                              "argument %zu must be a string, it is %s", index + 1,
                              template_value_type(value));
    *ret = json_string_value(value);
    return 0;
}

/* A count of characters, small enough for any terminal. */
static int expect_count(const FunctionCall *call, size_t index, size_t *ret, Error *err)
{
    const json_t *value = call->arguments[index];
    json_int_t count = json_integer_value(value);

    if (!json_is_integer(value) || count < 0 || count > UINT16_MAX)
        return template_error(err, ERROR_INVALID, call->position,
                              "argument %zu must be a number from 0 to %d", index + 1, UINT16_MAX);
    *ret = (size_t)count;
    return 0;
}

static json_t *bool_value(bool value)
{
    return value ? json_true() : json_false();
}

static int call_and(const FunctionCall *call, json_t **ret, Error *err)
{
    size_t i = 0;

    (void)err;
    while (i + 1 < call->count && template_value_is_true(call->arguments[i]))
        i++;
    *ret = json_incref(call->arguments[i]);
    return 0;
}

static int call_or(const FunctionCall *call, json_t **ret, Error *err)
{
    size_t i = 0;

    (void)err;
    while (i + 1 < call->count && !template_value_is_true(call->arguments[i]))
        i++;
    *ret = json_incref(call->arguments[i]);
    return 0;
}

static int call_not(const FunctionCall *call, json_t **ret, Error *err)
{
    (void)err;
    *ret = bool_value(!template_value_is_true(call->arguments[0]));
    return 0;
}

/* *ret_order is negative, 0 or positive. Only values of one kind have an order. */
static int compare(const FunctionCall *call, const json_t *a, const json_t *b, int *ret_order,
                   Error *err)
{
    if (json_is_string(a) && json_is_string(b)) {
        *ret_order = strcmp(json_string_value(a), json_string_value(b));
        return 0;
    }
    if (json_is_integer(a) && json_is_integer(b)) {
        json_int_t left = json_integer_value(a), right = json_integer_value(b);

        *ret_order = (left > right) - (left < right);
        return 0;
    }
    if (json_is_number(a) && json_is_number(b)) {
        double left = json_number_value(a), right = json_number_value(b);

        *ret_order = (left > right) - (left < right);
        return 0;
    }
    return template_error(err, ERROR_INVALID, call->position, "cannot compare %s with %s",
                          template_value_type(a), template_value_type(b));
}

/* Booleans and null are equal or not; lists and objects are not compared. */
static int is_equal(const FunctionCall *call, const json_t *a, const json_t *b, bool *ret,
                    Error *err)
{
    int order = 0, r;

    if ((json_is_boolean(a) && json_is_boolean(b)) || json_is_null(a) || json_is_null(b)) {
        *ret = json_typeof(a) == json_typeof(b);
        return 0;
    }
    r = compare(call, a, b, &order, err);
    if (r == 0)
        *ret = order == 0;
    return r;
}

/* eq a b c: true when a is equal to b or to c. */
static int call_eq(const FunctionCall *call, json_t **ret, Error *err)
{
    bool equal = false;

    for (size_t i = 1; i < call->count && !equal; i++) {
        int r = is_equal(call, call->arguments[0], call->arguments[i], &equal, err);
        if (r < 0)
            return r;
    }
    *ret = bool_value(equal);
    return 0;
}

static int call_ne(const FunctionCall *call, json_t **ret, Error *err)
{
    bool equal = false;
    int r = is_equal(call, call->arguments[0], call->arguments[1], &equal, err);

    if (r == 0)
        *ret = bool_value(!equal);
    return r;
}

/* The four order relations differ in which results of compare() they accept. */
static int call_order(const FunctionCall *call, bool less, bool same, json_t **ret, Error *err)
{
    int order = 0, r = compare(call, call->arguments[0], call->arguments[1], &order, err);

    if (r == 0)
        *ret = bool_value(order == 0 ? same : (order < 0) == less);
    return r;
}

static int call_lt(const FunctionCall *call, json_t **ret, Error *err)
{
    return call_order(call, true, false, ret, err);
}

static int call_le(const FunctionCall *call, json_t **ret, Error *err)
{
    return call_order(call, true, true, ret, err);
}

static int call_gt(const FunctionCall *call, json_t **ret, Error *err)
{
    return call_order(call, false, false, ret, err);
}

static int call_ge(const FunctionCall *call, json_t **ret, Error *err)
{
    return call_order(call, false, true, ret, err);
}

static int call_len(const FunctionCall *call, json_t **ret, Error *err)
{
    const json_t *value = call->arguments[0];
    size_t length;

    if (json_is_string(value))
        length = json_string_length(value);
    else if (json_is_array(value))
        length = json_array_size(value);
    else if (json_is_object(value))
        length = json_object_size(value);
    else
        return template_error(err, ERROR_INVALID, call->position, "%s has no length",
                              template_value_type(value));
    *ret = json_integer((json_int_t)length);
    return 0;
}

/* One step of `index`: *value (borrowed) becomes its element. */
static int index_step(const FunctionCall *call, const json_t *key, json_t **value, Error *err)
{
    if (json_is_object(*value) && json_is_string(key)) {
        *value = json_object_get(*value, json_string_value(key));
        return 0;
    }
    if (json_is_array(*value) && json_is_integer(key)) {
        json_int_t index = json_integer_value(key);

        if (index < 0 || (size_t)index >= json_array_size(*value))
            return template_error(err, ERROR_INVALID, call->position,
                                  "index %" PRId64 " is out of range: the list has %zu elements",
                                  (int64_t)index, json_array_size(*value));
        *value = json_array_get(*value, (size_t)index);
        return 0;
    }
    return template_error(err, ERROR_INVALID, call->position, "cannot index %s with %s",
                          template_value_type(*value), template_value_type(key));
}

/* An absent key yields "", what Go's maps of strings yield. */
static int call_index(const FunctionCall *call, json_t **ret, Error *err)
{
    json_t *value = call->arguments[0];

    for (size_t i = 1; i < call->count && value; i++) {
        int r = index_step(call, call->arguments[i], &value, err);
        if (r < 0)
            return r;
    }
    *ret = value ? json_incref(value) : json_string("");
    return 0;
}

static int call_json(const FunctionCall *call, json_t **ret, Error *err)
{
    _cleanup_free_ char *dumped = json_dumps(call->arguments[0], JSON_COMPACT | JSON_ENCODE_ANY);
    _cleanup_string_buffer_ StringBuffer text = {};

    string_buffer_add(&text, dumped);
    return template_string(call, &text, ret, err);
}

static int call_print(const FunctionCall *call, json_t **ret, Error *err)
{
    _cleanup_string_buffer_ StringBuffer text = {};

    for (size_t i = 0; i < call->count; i++) {
        /* Go's rule: a space where neither neighbour is a string */
        if (i > 0 && !json_is_string(call->arguments[i]) && !json_is_string(call->arguments[i - 1]))
            string_buffer_add_char(&text, ' ');
        template_value_print(&text, call->arguments[i]);
    }
    return template_string(call, &text, ret, err);
}

static int call_println(const FunctionCall *call, json_t **ret, Error *err)
{
    _cleanup_string_buffer_ StringBuffer text = {};

    for (size_t i = 0; i < call->count; i++) {
        if (i > 0)
            string_buffer_add_char(&text, ' ');
        template_value_print(&text, call->arguments[i]);
    }
    string_buffer_add_char(&text, '\n');
    return template_string(call, &text, ret, err);
}

static int call_join(const FunctionCall *call, json_t **ret, Error *err)
{
    _cleanup_string_buffer_ StringBuffer text = {};
    const char *separator;
    size_t index;
    json_t *item;
    int r = expect_string(call, 1, &separator, err);

    if (r < 0)
        return r;
    if (!json_is_array(call->arguments[0]) && !json_is_null(call->arguments[0]))
        return template_error(err, ERROR_INVALID, call->position,
                              "'join' takes a list and a separator, but got %s",
                              template_value_type(call->arguments[0]));
    json_array_foreach(call->arguments[0], index, item)
    {
        if (index > 0)
            string_buffer_add(&text, separator);
        template_value_print(&text, item);
        if (text.length > TEMPLATE_STRING_MAX)
            break;
    }
    return template_string(call, &text, ret, err);
}

static int call_split(const FunctionCall *call, json_t **ret, Error *err)
{
    const char *text, *separator;
    int r = expect_string(call, 0, &text, err);

    if (r == 0)
        r = expect_string(call, 1, &separator, err);
    if (r < 0)
        return r;
    if (*separator == '\0')
        return template_error(err, ERROR_INVALID, call->position, "the separator is empty");

    *ret = json_array();
    for (;;) {
        const char *end = strstr(text, separator);

        json_array_append_new(*ret, json_stringn(text, end ? (size_t)(end - text) : strlen(text)));
        if (!end)
            return 0;
        text = end + strlen(separator);
    }
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static char to_upper(char c)
{
    return is_lower(c) ? (char)(c - 'a' + 'A') : c;
}

static int call_upper(const FunctionCall *call, json_t **ret, Error *err)
{
    _cleanup_string_buffer_ StringBuffer result = {};
    const char *text;
    int r = expect_string(call, 0, &text, err);

    if (r < 0)
        return r;
    for (; *text; text++)
        string_buffer_add_char(&result, to_upper(*text));
    return template_string(call, &result, ret, err);
}

static int call_lower(const FunctionCall *call, json_t **ret, Error *err)
{
    _cleanup_string_buffer_ StringBuffer result = {};
    const char *text;
    int r = expect_string(call, 0, &text, err);

    if (r < 0)
        return r;
    for (; *text; text++)
        string_buffer_add_char(&result, is_upper(*text) ? (char)(*text - 'A' + 'a') : *text);
    return template_string(call, &result, ret, err);
}

/* The first letter of every word in upper case. */
static int call_title(const FunctionCall *call, json_t **ret, Error *err)
{
    _cleanup_string_buffer_ StringBuffer result = {};
    const char *text;
    bool in_word = false;
    int r = expect_string(call, 0, &text, err);

    if (r < 0)
        return r;
    for (; *text; text++) {
        string_buffer_add_char(&result, in_word ? *text : to_upper(*text));
        in_word = is_lower(*text) || is_upper(*text) || (*text >= '0' && *text <= '9') ||
                  *text == '_' || *text == '\'' || (unsigned char)*text >= 0x80;
    }
    return template_string(call, &result, ret, err);
}

/* pad text before after: spaces around it; an empty text stays empty. */
static int call_pad(const FunctionCall *call, json_t **ret, Error *err)
{
    _cleanup_string_buffer_ StringBuffer result = {};
    const char *text;
    size_t before, after;
    int r = expect_string(call, 0, &text, err);

    if (r == 0)
        r = expect_count(call, 1, &before, err);
    if (r == 0)
        r = expect_count(call, 2, &after, err);
    if (r < 0)
        return r;
    if (*text != '\0')
        string_buffer_printf(&result, "%*s%s%*s", (int)before, "", text, (int)after, "");
    return template_string(call, &result, ret, err);
}

/* truncate text length: its first characters; a character is never cut in two. */
static int call_truncate(const FunctionCall *call, json_t **ret, Error *err)
{
    _cleanup_string_buffer_ StringBuffer result = {};
    const char *text, *end;
    size_t length;
    int r = expect_string(call, 0, &text, err);

    if (r == 0)
        r = expect_count(call, 1, &length, err);
    if (r < 0)
        return r;
    for (end = text; *end; end++)
        if (((unsigned char)*end & 0xc0) != 0x80 && length-- == 0)
            break;
    string_buffer_add_bytes(&result, text, (size_t)(end - text));
    return template_string(call, &result, ret, err);
}

static const TemplateFunction functions[] = {
    { "and", 1, ANY_ARGUMENTS, false, call_and },
    { "eq", 2, ANY_ARGUMENTS, false, call_eq },
    { "ge", 2, 2, false, call_ge },
    { "gt", 2, 2, false, call_gt },
    { "index", 1, ANY_ARGUMENTS, true, call_index },
    { "join", 2, 2, true, call_join },
    { "json", 1, 1, true, call_json },
    { "le", 2, 2, false, call_le },
    { "len", 1, 1, true, call_len },
    { "lower", 1, 1, true, call_lower },
    { "lt", 2, 2, false, call_lt },
    { "ne", 2, 2, false, call_ne },
    { "not", 1, 1, false, call_not },
    { "or", 1, ANY_ARGUMENTS, false, call_or },
    { "pad", 3, 3, true, call_pad },
    { "print", 0, ANY_ARGUMENTS, false, call_print },
    { "printf", 1, ANY_ARGUMENTS, false, template_function_printf },
    { "println", 0, ANY_ARGUMENTS, false, call_println },
    { "split", 2, 2, true, call_split },
    { "title", 1, 1, true, call_title },
    { "truncate", 2, 2, true, call_truncate },
    { "upper", 1, 1, true, call_upper },
};

const TemplateFunction *template_function_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(functions); i++)
        if (strcmp(functions[i].name, name) == 0)
            return &functions[i];
    return NULL;
}

const char *template_function_name(size_t index)
{
    return index < ARRAY_SIZE(functions) ? functions[index].name : NULL;
}
