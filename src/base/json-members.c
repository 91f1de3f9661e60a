/* SPDX-License-Identifier: Apache-2.0 */

/* Which members a document may have: those of its tables, and no others. */

#include <string.h>

#include "base/json-fields.h"
#include "base/memory.h"

static const JsonField *find_field(const JsonStruct *type, const char *name)
{
    for (size_t i = 0; i < type->n_fields; i++)
        if (strcmp(type->fields[i].name, name) == 0)
            return &type->fields[i];
    return NULL;
}

static int check_struct(const JsonStruct *type, const json_t *json, const char *path, Error *err);

static int check_elements(const JsonField *field, const json_t *array, const char *path, Error *err)
{
    int r = 0;

    for (size_t i = 0; i < json_array_size(array) && r >= 0; i++) {
        _cleanup_free_ char *element = memory_printf("%s[%zu]", path, i);

        r = check_struct(field->type_of, json_array_get(array, i), element, err);
    }
    return r;
}

static int check_values(const JsonField *field, const json_t *object, const char *path, Error *err)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)object, name, value)
    {
        _cleanup_free_ char *element = memory_printf("%s.%s", path, name);
        int r = check_struct(field->type_of, value, element, err);

        if (r < 0)
            return r;
    }
    return 0;
}

static int check_member(const JsonField *field, const json_t *member, const char *path, Error *err)
{
    switch (field->type) {
    case JSON_TYPE_STRUCT:
    case JSON_TYPE_STRUCT_POINTER:
        return check_struct(field->type_of, member, path, err);
    case JSON_TYPE_STRUCT_ARRAY:
        return check_elements(field, member, path, err);
    case JSON_TYPE_STRUCT_MAP:
        return check_values(field, member, path, err);
    default:
        return 0;
    }
}

static int check_struct(const JsonStruct *type, const json_t *json, const char *path, Error *err)
{
    const char *name;
    json_t *member;

    json_object_foreach((json_t *)json, name, member)
    {
        _cleanup_free_ char *here = memory_printf("%s%s%s", path, *path ? "." : "", name);
        const JsonField *field = find_field(type, name);
        int r = field ? check_member(field, member, here, err)
                      : error_set(err, ERROR_INVALID, "%s: there is no such member", here);

        if (r < 0)
            return r;
    }
    return 0;
}

int json_struct_check_members(const JsonStruct *type, const json_t *json, Error *err)
{
    return check_struct(type, json, "", err);
}
