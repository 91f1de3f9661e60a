/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Ordered lists and ordered maps of owned strings. `{}` is an empty one.
 * items is NULL-terminated whenever count > 0, so that it can be passed to execve(2).
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

typedef struct StringList {
    char **items;
    size_t count;
    size_t capacity;
} StringList;

void string_list_done(StringList *list);

#define _cleanup_string_list_ _cleanup_(string_list_done)

void string_list_add(StringList *list, const char *text);
/* The list owns @text from here on. */
void string_list_take(StringList *list, char *text);
void string_list_printf(StringList *list, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void string_list_copy(StringList *target, const StringList *source);
bool string_list_contains(const StringList *list, const char *text);
/* Remove all items equal to @text; false when there was none. */
bool string_list_remove(StringList *list, const char *text);
/* Add the parts of @text between @separator characters; empty parts are kept. */
void string_list_split(StringList *list, const char *text, char separator);
char *string_list_join(const StringList *list, const char *separator);

typedef struct StringPair {
    char *key;
    char *value; /* may be NULL */
} StringPair;

typedef struct StringMap {
    StringPair *items; /* in order of first insertion */
    size_t count;
    size_t capacity;
} StringMap;

void string_map_done(StringMap *map);

#define _cleanup_string_map_ _cleanup_(string_map_done)

/* Does it have what @wanted, "key" or "key=value", says? */
bool string_map_matches(const StringMap *map, const char *wanted);

/* Set or replace. */
void string_map_set(StringMap *map, const char *key, const char *value);
/* NULL when absent. */
const char *string_map_get(const StringMap *map, const char *key);
bool string_map_contains(const StringMap *map, const char *key);
void string_map_copy(StringMap *target, const StringMap *source);
