/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reading, writing and freeing structs by their field tables: one row per JSON type. The path of
 * the member at hand is a chain on the stack and becomes text only when an error needs it.
 */

#include "base/json-fields.h"

#include <stdlib.h>
#include <string.h>

#include "base/json-numbers-private.h"
#include "base/memory.h"
#include "base/string-buffer.h"

/* Where we are: "linux" -> "devices" -> [3]. */
typedef struct JsonPath {
    const struct JsonPath *parent;
    const char *name; /* NULL: an array element */
    size_t index;
} JsonPath;

/* What JSON_ARRAY_OF() declares, whatever the element is. */
typedef struct JsonArray {
    char *items;
    size_t count;
} JsonArray;

void *json_struct_array_extend(void *array, size_t element_size)
{
    JsonArray *extended = array;
    size_t capacity = extended->count;

    extended->items = memory_grow(extended->items, &capacity, extended->count + 1, element_size);
    return extended->items + extended->count++ * element_size;
}

static void path_print(const JsonPath *path, StringBuffer *buffer)
{
    if (!path)
        return;
    path_print(path->parent, buffer);
    if (!path->name)
        string_buffer_printf(buffer, "[%zu]", path->index);
    else
        string_buffer_printf(buffer, "%s%s", buffer->length > 0 ? "." : "", path->name);
}

static int fail_at(const JsonPath *path, Error *err, const char *reason)
{
    _cleanup_string_buffer_ StringBuffer where = {};

    path_print(path, &where);
    return error_set(err, ERROR_INVALID, "%s: %s", where.length > 0 ? where.data : "document",
                     reason);
}

static int read_struct(const JsonStruct *type, const json_t *json, void *object,
                       const JsonPath *path, Error *err);

static int read_bool(const JsonPath *path, const json_t *json, bool *ret, Error *err)
{
    if (!json_is_boolean(json))
        return fail_at(path, err, "expected true or false");
    *ret = json_is_true(json);
    return 0;
}

static int read_number(const JsonPath *path, const json_t *json, int64_t minimum, int64_t maximum,
                       int64_t *ret, Error *err)
{
    int64_t value;

    if (json_is_large_number(json))
        return fail_at(path, err, "number is out of range");
    if (!json_is_integer(json))
        return fail_at(path, err, "expected a whole number");
    value = json_integer_value(json);
    if (value < minimum || value > maximum)
        return fail_at(path, err, "number is out of range");
    *ret = value;
    return 0;
}

static int read_string(const JsonPath *path, const json_t *json, char **ret, Error *err)
{
    if (!json_is_string(json) || json_is_large_number(json))
        return fail_at(path, err, "expected a string");
    /* A NUL inside would make C and JSON disagree about what the string is. */
    if (json_string_length(json) != strlen(json_string_value(json)))
        return fail_at(path, err, "string has a NUL character");
    free(*ret);
    *ret = memory_strdup(json_string_value(json));
    return 0;
}

/* The readers: one per row of the type table below. */
static int field_read_bool(const JsonField *field, const json_t *json, void *slot,
                           const JsonPath *path, Error *err)
{
    (void)field;
    return read_bool(path, json, slot, err);
}

static int field_read_int32(const JsonField *field, const json_t *json, void *slot,
                            const JsonPath *path, Error *err)
{
    int64_t value;
    int r = read_number(path, json, INT32_MIN, INT32_MAX, &value, err);

    (void)field;
    if (r == 0)
        *(int32_t *)slot = (int32_t)value;
    return r;
}

static int field_read_uint32(const JsonField *field, const json_t *json, void *slot,
                             const JsonPath *path, Error *err)
{
    int64_t value;
    int r = read_number(path, json, 0, UINT32_MAX, &value, err);

    (void)field;
    if (r == 0)
        *(uint32_t *)slot = (uint32_t)value;
    return r;
}

static int field_read_int64(const JsonField *field, const json_t *json, void *slot,
                            const JsonPath *path, Error *err)
{
    (void)field;
    return read_number(path, json, INT64_MIN, INT64_MAX, slot, err);
}

static int field_read_uint64(const JsonField *field, const json_t *json, void *slot,
                             const JsonPath *path, Error *err)
{
    int64_t value;
    int r;

    (void)field;
    if (json_is_large_number(json)) {
        *(uint64_t *)slot = json_large_number_value(json);
        return 0;
    }
    r = read_number(path, json, 0, INT64_MAX, &value, err);
    if (r == 0)
        *(uint64_t *)slot = (uint64_t)value;
    return r;
}

static int field_read_optional_bool(const JsonField *field, const json_t *json, void *slot,
                                    const JsonPath *path, Error *err)
{
    OptionalBool *optional = slot;

    optional->is_set = true;
    return field_read_bool(field, json, &optional->value, path, err);
}

static int field_read_optional_int64(const JsonField *field, const json_t *json, void *slot,
                                     const JsonPath *path, Error *err)
{
    OptionalInt64 *optional = slot;

    optional->is_set = true;
    return field_read_int64(field, json, &optional->value, path, err);
}

static int field_read_optional_uint64(const JsonField *field, const json_t *json, void *slot,
                                      const JsonPath *path, Error *err)
{
    OptionalUint64 *optional = slot;

    optional->is_set = true;
    return field_read_uint64(field, json, &optional->value, path, err);
}

static int field_read_string(const JsonField *field, const json_t *json, void *slot,
                             const JsonPath *path, Error *err)
{
    (void)field;
    return read_string(path, json, slot, err);
}

static int field_read_string_list(const JsonField *field, const json_t *json, void *slot,
                                  const JsonPath *path, Error *err)
{
    const json_t *element;
    size_t index;

    (void)field;
    if (!json_is_array(json))
        return fail_at(path, err, "expected an array of strings");

    json_array_foreach(json, index, element)
    {
        JsonPath here = { .parent = path, .index = index };
        char *text = NULL;
        int r = read_string(&here, element, &text, err);

        if (r < 0)
            return r;
        string_list_take(slot, text);
    }
    return 0;
}

static int field_read_string_map(const JsonField *field, const json_t *json, void *slot,
                                 const JsonPath *path, Error *err)
{
    const char *key;
    json_t *value;

    (void)field;
    if (!json_is_object(json))
        return fail_at(path, err, "expected an object of strings");

    json_object_foreach((json_t *)json, key, value)
    {
        JsonPath here = { .parent = path, .name = key };
        _cleanup_free_ char *text = NULL;
        int r = read_string(&here, value, &text, err);

        if (r < 0)
            return r;
        string_map_set(slot, key, text);
    }
    return 0;
}

/* Go's map[string]struct{}: what the members hold is nothing, so it is not looked at. */
static int field_read_string_set(const JsonField *field, const json_t *json, void *slot,
                                 const JsonPath *path, Error *err)
{
    const char *key;
    json_t *value;

    (void)field;
    if (!json_is_object(json))
        return fail_at(path, err, "expected an object of empty objects");

    json_object_foreach((json_t *)json, key, value) string_list_add(slot, key);
    return 0;
}

static int field_read_struct(const JsonField *field, const json_t *json, void *slot,
                             const JsonPath *path, Error *err)
{
    return read_struct(field->type_of, json, slot, path, err);
}

static int field_read_struct_pointer(const JsonField *field, const json_t *json, void *slot,
                                     const JsonPath *path, Error *err)
{
    void **pointer = slot;

    if (!*pointer)
        *pointer = memory_new(1, field->type_of->size);
    return read_struct(field->type_of, json, *pointer, path, err);
}

static int field_read_struct_array(const JsonField *field, const json_t *json, void *slot,
                                   const JsonPath *path, Error *err)
{
    JsonArray *array = slot;
    const json_t *element;
    size_t index;

    if (!json_is_array(json))
        return fail_at(path, err, "expected an array");

    array->items = memory_new(json_array_size(json), field->type_of->size);
    json_array_foreach(json, index, element)
    {
        JsonPath here = { .parent = path, .index = index };
        int r;

        array->count = index + 1; /* freed with the rest, however far the read gets */
        r = read_struct(field->type_of, element, array->items + index * field->type_of->size, &here,
                        err);
        if (r < 0)
            return r;
    }
    return 0;
}

static int field_read_uint32_list(const JsonField *field, const json_t *json, void *slot,
                                  const JsonPath *path, Error *err)
{
    JsonArray *array = slot;
    const json_t *element;
    size_t index;

    if (!json_is_array(json))
        return fail_at(path, err, "expected an array of whole numbers");

    array->items = memory_new(json_array_size(json), sizeof(uint32_t));
    array->count = json_array_size(json);
    json_array_foreach(json, index, element)
    {
        JsonPath here = { .parent = path, .index = index };
        int r =
            field_read_uint32(field, element, array->items + index * sizeof(uint32_t), &here, err);

        if (r < 0)
            return r;
    }
    return 0;
}

static int field_read_struct_map(const JsonField *field, const json_t *json, void *slot,
                                 const JsonPath *path, Error *err)
{
    JsonArray *array = slot;
    const char *key;
    json_t *member;

    if (!json_is_object(json))
        return fail_at(path, err, "expected an object");

    array->items = memory_new(json_object_size(json), field->type_of->size);
    json_object_foreach((json_t *)json, key, member)
    {
        JsonPath here = { .parent = path, .name = key };
        char *element = array->items + array->count * field->type_of->size;
        int r;

        array->count++;
        *(char **)element = memory_strdup(key);
        r = read_struct(field->type_of, member, element, &here, err);
        if (r < 0)
            return r;
    }
    return 0;
}

static int field_read_raw(const JsonField *field, const json_t *json, void *slot,
                          const JsonPath *path, Error *err)
{
    json_t **raw = slot;

    (void)field;
    (void)path;
    (void)err;
    json_decref(*raw);
    *raw = json_incref((json_t *)json);
    return 0;
}

/* The writers return a new reference, or NULL where the value counts as absent. */

static json_t *field_write_bool(const JsonField *field, const void *slot)
{
    (void)field;
    return *(const bool *)slot ? json_true() : NULL;
}

static json_t *write_number(int64_t value)
{
    return value != 0 ? json_integer(value) : NULL;
}

static json_t *field_write_int32(const JsonField *field, const void *slot)
{
    (void)field;
    return write_number(*(const int32_t *)slot);
}

static json_t *field_write_uint32(const JsonField *field, const void *slot)
{
    (void)field;
    return write_number(*(const uint32_t *)slot);
}

static json_t *field_write_int64(const JsonField *field, const void *slot)
{
    (void)field;
    return write_number(*(const int64_t *)slot);
}

static json_t *write_uint64(uint64_t number)
{
    return number > INT64_MAX ? json_large_number_new(number) : json_integer((json_int_t)number);
}

static json_t *field_write_uint64(const JsonField *field, const void *slot)
{
    uint64_t number = *(const uint64_t *)slot;

    (void)field;
    return number != 0 ? write_uint64(number) : NULL;
}

static json_t *field_write_optional_bool(const JsonField *field, const void *slot)
{
    const OptionalBool *optional = slot;

    (void)field;
    return optional->is_set ? json_boolean(optional->value) : NULL;
}

static json_t *field_write_optional_int64(const JsonField *field, const void *slot)
{
    const OptionalInt64 *optional = slot;

    (void)field;
    return optional->is_set ? json_integer(optional->value) : NULL;
}

static json_t *field_write_optional_uint64(const JsonField *field, const void *slot)
{
    const OptionalUint64 *optional = slot;

    (void)field;
    return optional->is_set ? write_uint64(optional->value) : NULL;
}

/* JSON text is UTF-8; what is not (a file name, an environment value) has its odd bytes replaced.
 */
static json_t *write_string(const char *text)
{
    static const char replacement[] = "\xef\xbf\xbd";
    json_t *json = json_string(text);
    StringBuffer repaired = {};

    if (json)
        return json;

    while (*text) {
        size_t length = 4;
        json_t *character = NULL;

        while (length > 0 && !character)
            character = json_stringn(text, strnlen(text, length--));
        if (character) {
            string_buffer_add(&repaired, json_string_value(character));
            text += json_string_length(character);
            json_decref(character);
        } else {
            string_buffer_add(&repaired, replacement);
            text++;
        }
    }
    json = json_string(string_buffer_get(&repaired));
    string_buffer_done(&repaired);
    return json;
}

static json_t *field_write_string(const JsonField *field, const void *slot)
{
    const char *text = *(char *const *)slot;

    (void)field;
    return text && *text ? write_string(text) : NULL;
}

static json_t *field_write_string_list(const JsonField *field, const void *slot)
{
    const StringList *list = slot;
    json_t *array;

    (void)field;
    if (list->count == 0)
        return NULL;
    array = json_array();
    for (size_t i = 0; i < list->count; i++)
        json_array_append_new(array, write_string(list->items[i]));
    return array;
}

static json_t *field_write_string_map(const JsonField *field, const void *slot)
{
    const StringMap *map = slot;
    json_t *object;

    (void)field;
    if (map->count == 0)
        return NULL;
    object = json_object();
    for (size_t i = 0; i < map->count; i++)
        json_object_set_new(object, map->items[i].key,
                            write_string(map->items[i].value ? map->items[i].value : ""));
    return object;
}

static json_t *field_write_string_set(const JsonField *field, const void *slot)
{
    const StringList *set = slot;
    json_t *object;

    (void)field;
    if (set->count == 0)
        return NULL;
    object = json_object();
    for (size_t i = 0; i < set->count; i++)
        json_object_set_new(object, set->items[i], json_object());
    return object;
}

static json_t *field_write_struct(const JsonField *field, const void *slot)
{
    json_t *object = json_struct_write(field->type_of, slot);

    if (json_object_size(object) > 0)
        return object;
    json_decref(object);
    return NULL;
}

static json_t *field_write_struct_pointer(const JsonField *field, const void *slot)
{
    const void *object = *(void *const *)slot;

    return object ? json_struct_write(field->type_of, object) : NULL;
}

static json_t *field_write_struct_array(const JsonField *field, const void *slot)
{
    const JsonArray *source = slot;
    json_t *array;

    if (source->count == 0)
        return NULL;
    array = json_array();
    for (size_t i = 0; i < source->count; i++)
        json_array_append_new(
            array, json_struct_write(field->type_of, source->items + i * field->type_of->size));
    return array;
}

static json_t *field_write_uint32_list(const JsonField *field, const void *slot)
{
    const JSON_ARRAY_OF(uint32_t) *list = slot;
    json_t *array;

    (void)field;
    if (list->count == 0)
        return NULL;
    array = json_array();
    for (size_t i = 0; i < list->count; i++)
        json_array_append_new(array, json_integer(list->items[i]));
    return array;
}

static json_t *field_write_struct_map(const JsonField *field, const void *slot)
{
    const JsonArray *source = slot;
    json_t *object;

    if (source->count == 0)
        return NULL;
    object = json_object();
    for (size_t i = 0; i < source->count; i++) {
        const char *element = source->items + i * field->type_of->size;

        json_object_set_new(object, *(char *const *)element,
                            json_struct_write(field->type_of, element));
    }
    return object;
}

static json_t *field_write_raw(const JsonField *field, const void *slot)
{
    (void)field;
    return json_incref(*(json_t *const *)slot);
}

static void field_done_string(const JsonField *field, void *slot)
{
    (void)field;
    free(*(char **)slot);
}

static void field_done_string_list(const JsonField *field, void *slot)
{
    (void)field;
    string_list_done(slot);
}

static void field_done_string_map(const JsonField *field, void *slot)
{
    (void)field;
    string_map_done(slot);
}

static void field_done_struct(const JsonField *field, void *slot)
{
    json_struct_done(field->type_of, slot);
}

static void field_done_struct_pointer(const JsonField *field, void *slot)
{
    void **pointer = slot;

    if (*pointer)
        json_struct_done(field->type_of, *pointer);
    free(*pointer);
}

static void field_done_struct_array(const JsonField *field, void *slot)
{
    JsonArray *array = slot;

    for (size_t i = 0; i < array->count; i++)
        json_struct_done(field->type_of, array->items + i * field->type_of->size);
    free(array->items);
}

static void field_done_uint32_list(const JsonField *field, void *slot)
{
    (void)field;
    free(((JsonArray *)slot)->items);
}

static void field_done_struct_map(const JsonField *field, void *slot)
{
    JsonArray *array = slot;

    for (size_t i = 0; i < array->count; i++)
        free(*(char **)(array->items + i * field->type_of->size));
    field_done_struct_array(field, slot);
}

static void field_done_raw(const JsonField *field, void *slot)
{
    (void)field;
    json_decref(*(json_t **)slot);
}

/* One row per JsonType; @empty makes what JSON_KEEP_EMPTY writes for an absent value. */
static const struct {
    int (*read)(const JsonField *field, const json_t *json, void *slot, const JsonPath *path,
                Error *err);
    json_t *(*write)(const JsonField *field, const void *slot);
    void (*done)(const JsonField *field, void *slot);
    json_t *(*empty)(void);
} types[] = {
    [JSON_TYPE_BOOL] = { field_read_bool, field_write_bool, NULL, json_false },
    [JSON_TYPE_INT32] = { field_read_int32, field_write_int32, NULL, NULL },
    [JSON_TYPE_UINT32] = { field_read_uint32, field_write_uint32, NULL, NULL },
    [JSON_TYPE_INT64] = { field_read_int64, field_write_int64, NULL, NULL },
    [JSON_TYPE_UINT64] = { field_read_uint64, field_write_uint64, NULL, NULL },
    [JSON_TYPE_OPTIONAL_BOOL] = { field_read_optional_bool, field_write_optional_bool, NULL,
                                  json_null },
    [JSON_TYPE_OPTIONAL_INT64] = { field_read_optional_int64, field_write_optional_int64, NULL,
                                   json_null },
    [JSON_TYPE_OPTIONAL_UINT64] = { field_read_optional_uint64, field_write_optional_uint64, NULL,
                                    json_null },
    [JSON_TYPE_STRING] = { field_read_string, field_write_string, field_done_string, NULL },
    [JSON_TYPE_UINT32_LIST] = { field_read_uint32_list, field_write_uint32_list,
                                field_done_uint32_list, json_array },
    [JSON_TYPE_STRING_LIST] = { field_read_string_list, field_write_string_list,
                                field_done_string_list, json_array },
    [JSON_TYPE_STRING_MAP] = { field_read_string_map, field_write_string_map, field_done_string_map,
                               json_object },
    [JSON_TYPE_STRING_SET] = { field_read_string_set, field_write_string_set,
                               field_done_string_list, json_object },
    [JSON_TYPE_STRUCT] = { field_read_struct, field_write_struct, field_done_struct, json_object },
    [JSON_TYPE_STRUCT_POINTER] = { field_read_struct_pointer, field_write_struct_pointer,
                                   field_done_struct_pointer, json_null },
    [JSON_TYPE_STRUCT_ARRAY] = { field_read_struct_array, field_write_struct_array,
                                 field_done_struct_array, json_array },
    [JSON_TYPE_STRUCT_MAP] = { field_read_struct_map, field_write_struct_map, field_done_struct_map,
                               json_object },
    [JSON_TYPE_RAW] = { field_read_raw, field_write_raw, field_done_raw, json_null },
};

static json_t *write_empty(JsonType type)
{
    if (types[type].empty)
        return types[type].empty();
    return type == JSON_TYPE_STRING ? json_string("") : json_integer(0);
}

static int read_struct(const JsonStruct *type, const json_t *json, void *object,
                       const JsonPath *path, Error *err)
{
    if (!json_is_object(json))
        return fail_at(path, err, "expected an object");

    for (size_t i = 0; i < type->n_fields; i++) {
        const JsonField *field = &type->fields[i];
        const json_t *member = json_object_get(json, field->name);
        JsonPath here = { .parent = path, .name = field->name };
        int r;

        if (!member || json_is_null(member)) {
            if (field->flags & JSON_REQUIRED)
                return fail_at(&here, err, "is required");
            continue;
        }
        r = types[field->type].read(field, member, (char *)object + field->offset, &here, err);
        if (r < 0)
            return r;
    }
    return 0;
}

int json_struct_read(const JsonStruct *type, const json_t *json, void *object, Error *err)
{
    return read_struct(type, json, object, NULL, err);
}

json_t *json_struct_write(const JsonStruct *type, const void *object)
{
    json_t *json = json_object();

    for (size_t i = 0; i < type->n_fields; i++) {
        const JsonField *field = &type->fields[i];
        json_t *member = types[field->type].write(field, (const char *)object + field->offset);

        if (!member && (field->flags & (JSON_KEEP_EMPTY | JSON_REQUIRED)))
            member = write_empty(field->type);
        if (member)
            json_object_set_new_nocheck(json, field->name, member);
    }
    return json;
}

void json_struct_done(const JsonStruct *type, void *object)
{
    for (size_t i = 0; i < type->n_fields; i++) {
        const JsonField *field = &type->fields[i];

        if (types[field->type].done)
            types[field->type].done(field, (char *)object + field->offset);
    }
    memset(object, 0, type->size);
}

int json_parse(const char *data, size_t size, json_t **ret, Error *err)
{
    json_error_t problem;
    json_t *json = json_loadb(data, size, JSON_REJECT_DUPLICATES, &problem);

    if (!json && json_error_code(&problem) == json_error_numeric_overflow) {
        _cleanup_free_ char *text = json_text_hide_large_numbers(data, size, &size);

        if (text)
            json = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &problem);
    }
    if (!json)
        return error_set(err, ERROR_INVALID, "JSON line %d, column %d: %s", problem.line,
                         problem.column, problem.text);
    *ret = json;
    return 0;
}

static char *to_text(const json_t *json, size_t flags)
{
    char *text = json_dumps(json, flags | JSON_ENCODE_ANY);

    return text ? json_text_show_large_numbers(text) : memory_strdup("null");
}

char *json_to_text(const json_t *json)
{
    return to_text(json, JSON_COMPACT);
}

char *json_to_indented_text(const json_t *json)
{
    return to_text(json, JSON_INDENT(4));
}
