/* SPDX-License-Identifier: Apache-2.0 */

/* Lists and maps of owned strings; maps are searched linearly: they hold labels and options, not
 * data. */

#include "base/string-list.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/string-buffer.h"

void string_list_done(StringList *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    *list = (StringList) {};
}

void string_list_take(StringList *list, char *text)
{
    list->items = memory_grow(list->items, &list->capacity, list->count + 2, sizeof(char *));
    list->items[list->count++] = text;
    list->items[list->count] = NULL;
}

void string_list_add(StringList *list, const char *text)
{
    string_list_take(list, memory_strdup(text));
}

void string_list_printf(StringList *list, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    string_list_take(list, memory_vprintf(format, arguments));
    va_end(arguments);
}

void string_list_copy(StringList *target, const StringList *source)
{
    string_list_done(target);
    for (size_t i = 0; i < source->count; i++)
        string_list_add(target, source->items[i]);
}

bool string_list_contains(const StringList *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i], text) == 0)
            return true;

    return false;
}

bool string_list_remove(StringList *list, const char *text)
{
    size_t kept = 0, count = list->count;

    for (size_t i = 0; i < count; i++) {
        if (strcmp(list->items[i], text) == 0)
            free(list->items[i]);
        else
            list->items[kept++] = list->items[i];
    }
    list->count = kept;
    if (list->items)
        list->items[kept] = NULL;
    return kept < count;
}

void string_list_split(StringList *list, const char *text, char separator)
{
    for (;;) {
        const char *end = strchrnul(text, separator);

        string_list_take(list, memory_strndup(text, (size_t)(end - text)));
        if (*end == '\0')
            return;
        text = end + 1;
    }
}

char *string_list_join(const StringList *list, const char *separator)
{
    StringBuffer buffer = {};

    for (size_t i = 0; i < list->count; i++) {
        if (i > 0)
            string_buffer_add(&buffer, separator);
        string_buffer_add(&buffer, list->items[i]);
    }
    return string_buffer_take(&buffer);
}

void string_map_done(StringMap *map)
{
    for (size_t i = 0; i < map->count; i++) {
        free(map->items[i].key);
        free(map->items[i].value);
    }
    free(map->items);
    *map = (StringMap) {};
}

static StringPair *map_find(const StringMap *map, const char *key)
{
    for (size_t i = 0; i < map->count; i++)
        if (strcmp(map->items[i].key, key) == 0)
            return &map->items[i];

    return NULL;
}

void string_map_set(StringMap *map, const char *key, const char *value)
{
    StringPair *pair = map_find(map, key);
    char *copy = memory_strdup(value);

    if (!pair) {
        map->items = memory_grow(map->items, &map->capacity, map->count + 1, sizeof(StringPair));
        pair = &map->items[map->count++];
        pair->key = memory_strdup(key);
    }
    free(pair->value);
    pair->value = copy;
}

const char *string_map_get(const StringMap *map, const char *key)
{
    const StringPair *pair = map_find(map, key);

    return pair ? pair->value : NULL;
}

bool string_map_contains(const StringMap *map, const char *key)
{
    return map_find(map, key) != NULL;
}

bool string_map_matches(const StringMap *map, const char *wanted)
{
    size_t length = strcspn(wanted, "=");
    _cleanup_free_ char *key = memory_strndup(wanted, length);
    const char *value = string_map_get(map, key);

    return value && (wanted[length] == '\0' || strcmp(value, wanted + length + 1) == 0);
}

void string_map_copy(StringMap *target, const StringMap *source)
{
    string_map_done(target);
    for (size_t i = 0; i < source->count; i++)
        string_map_set(target, source->items[i].key, source->items[i].value);
}
