/* SPDX-License-Identifier: Apache-2.0 */

/* What JSON values mean in a template: their truth, their type's name, and how Go prints them. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cli/template-private.h"

bool template_value_is_true(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return json_object_size(value) > 0;
    case JSON_ARRAY:
        return json_array_size(value) > 0;
    case JSON_STRING:
        return json_string_length(value) > 0;
    case JSON_INTEGER:
        return json_integer_value(value) != 0;
    case JSON_REAL:
        return json_real_value(value) != 0;
    case JSON_TRUE:
        return true;
    case JSON_FALSE:
    case JSON_NULL:
        return false;
    }
    return false;
}

const char *template_value_type(const json_t *value)
{
    static const char *const names[] = {
        [JSON_OBJECT] = "an object", [JSON_ARRAY] = "a list",  [JSON_STRING] = "a string",
        [JSON_INTEGER] = "a number", [JSON_REAL] = "a number", [JSON_TRUE] = "a boolean",
        [JSON_FALSE] = "a boolean",  [JSON_NULL] = "no value",
    };

    return names[json_typeof(value)];
}

static int compare_strings(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void template_sorted_keys(const json_t *object, StringList *keys)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)object, key, value) string_list_add(keys, key);
    if (keys->count > 1)
        qsort(keys->items, keys->count, sizeof(keys->items[0]), compare_strings);
}

/* The shortest decimal that reads back as the same number. */
static void print_real(StringBuffer *buffer, double real)
{
    char text[32];

    for (int precision = 1; precision <= 17; precision++) {
        snprintf(text, sizeof(text), "%.*g", precision, real);
        if (strtod(text, NULL) == real)
            break;
    }
    string_buffer_add(buffer, text);
}

static void print_list(StringBuffer *buffer, const json_t *list)
{
    string_buffer_add_char(buffer, '[');
    for (size_t i = 0; i < json_array_size(list) && buffer->length < TEMPLATE_STRING_MAX; i++) {
        if (i > 0)
            string_buffer_add_char(buffer, ' ');
        template_value_print(buffer, json_array_get(list, i));
    }
    string_buffer_add_char(buffer, ']');
}

static void print_object(StringBuffer *buffer, const json_t *object)
{
    _cleanup_string_list_ StringList keys = {};

    template_sorted_keys(object, &keys);
    string_buffer_add(buffer, "map[");
    for (size_t i = 0; i < keys.count && buffer->length < TEMPLATE_STRING_MAX; i++) {
        string_buffer_printf(buffer, "%s%s:", i > 0 ? " " : "", keys.items[i]);
        template_value_print(buffer, json_object_get(object, keys.items[i]));
    }
    string_buffer_add_char(buffer, ']');
}

void template_value_print(StringBuffer *buffer, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        print_object(buffer, value);
        break;
    case JSON_ARRAY:
        print_list(buffer, value);
        break;
    case JSON_STRING:
        string_buffer_add_bytes(buffer, json_string_value(value), json_string_length(value));
        break;
    case JSON_INTEGER:
        string_buffer_printf(buffer, "%" PRId64, (int64_t)json_integer_value(value));
        break;
    case JSON_REAL:
        print_real(buffer, json_real_value(value));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        string_buffer_add(buffer, json_is_true(value) ? "true" : "false");
        break;
    case JSON_NULL:
        string_buffer_add(buffer, "<no value>");
        break;
    }
}
