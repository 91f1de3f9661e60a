/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One table per struct says how it reads from JSON, writes to JSON and is freed. The API, the
 * database, `inspect` and the OCI configuration all go through these tables.
 *
 * Reading ignores unknown members, refuses a wrong type or an out-of-range number by the member's
 * full path ("linux.resources.memory.limit: expected a number"), and takes null as absent.
 * Writing leaves out what is absent or empty unless the field says JSON_KEEP_EMPTY.
 *
 *     static const JsonField memory_fields[] = {
 *         JSON_FIELD(Memory, limit, "limit", JSON_OPTIONAL_INT64),
 *         JSON_FIELD(Memory, swap, "swap", JSON_OPTIONAL_INT64),
 *     };
 *     const JsonStruct memory_json = JSON_STRUCT(Memory, memory_fields);
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/string-list.h"

typedef struct OptionalInt64 {
    bool is_set;
    int64_t value;
} OptionalInt64;

typedef struct OptionalUint64 {
    bool is_set;
    uint64_t value;
} OptionalUint64;

typedef struct OptionalBool {
    bool is_set;
    bool value;
} OptionalBool;

/* An array of structs, as JSON_STRUCT_ARRAY wants it in the struct. */
#define JSON_ARRAY_OF(type)                                                                        \
    struct {                                                                                       \
        type *items;                                                                               \
        size_t count;                                                                              \
    }

/*
 * Append a zeroed element to a JSON_ARRAY_OF() array (given by address) and yield its address,
 * which is valid until the next one is added.
 */
#define JSON_ARRAY_ADD(array)                                                                      \
    ((__typeof__((array)->items))json_struct_array_extend((array), sizeof(*(array)->items)))
void *json_struct_array_extend(void *array, size_t element_size);

typedef enum JsonType {
    JSON_TYPE_BOOL,            /* bool */
    JSON_TYPE_INT32,           /* int32_t */
    JSON_TYPE_UINT32,          /* uint32_t */
    JSON_TYPE_INT64,           /* int64_t */
    JSON_TYPE_UINT64,          /* uint64_t */
    JSON_TYPE_OPTIONAL_BOOL,   /* OptionalBool */
    JSON_TYPE_OPTIONAL_INT64,  /* OptionalInt64 */
    JSON_TYPE_OPTIONAL_UINT64, /* OptionalUint64 */
    JSON_TYPE_STRING,          /* char *, NULL when absent */
    JSON_TYPE_UINT32_LIST,     /* JSON_ARRAY_OF(uint32_t) */
    JSON_TYPE_STRING_LIST,     /* StringList */
    JSON_TYPE_STRING_MAP,      /* StringMap, of an object whose members are strings */
    JSON_TYPE_STRING_SET,      /* StringList, of an object whose members are empty objects */
    JSON_TYPE_STRUCT,          /* the struct itself, in place */
    JSON_TYPE_STRUCT_POINTER,  /* T *, NULL when absent */
    JSON_TYPE_STRUCT_ARRAY,    /* JSON_ARRAY_OF(T) */
    JSON_TYPE_STRUCT_MAP,      /* JSON_ARRAY_OF(T), of an object whose members are structs: T begins
                                  with a char * that is the member's name and not in T's table */
    JSON_TYPE_RAW,             /* json_t *, a reference, as it is */
} JsonType;

typedef enum JsonFieldFlags {
    JSON_REQUIRED = 1 << 0, /* absent is an error; implies JSON_KEEP_EMPTY */
    JSON_KEEP_EMPTY =
        1 << 1, /* written even when empty: "", 0, false, [], {}; null for a pointer */
} JsonFieldFlags;

typedef struct JsonStruct JsonStruct;

typedef struct JsonField {
    const char *name;
    JsonType type;
    size_t offset;
    unsigned flags;
    const JsonStruct *type_of; /* of all the STRUCT types */
} JsonField;

struct JsonStruct {
    size_t size;
    const JsonField *fields;
    size_t n_fields;
};

#define JSON_FIELD_FLAGS(owner, member, json_name, json_type, field_flags)                         \
    {                                                                                              \
        .name = (json_name), .type = (json_type), .offset = offsetof(owner, member),               \
        .flags = (field_flags)                                                                     \
    }
#define JSON_FIELD(owner, member, json_name, json_type)                                            \
    JSON_FIELD_FLAGS(owner, member, json_name, json_type, 0)
#define JSON_FIELD_OF(owner, member, json_name, json_type, member_struct)                          \
    {                                                                                              \
        .name = (json_name), .type = (json_type), .offset = offsetof(owner, member),               \
        .type_of = (member_struct)                                                                 \
    }
#define JSON_STRUCT(owner, field_table)                                                            \
    {                                                                                              \
        .size = sizeof(owner), .fields = (field_table), .n_fields = ARRAY_SIZE(field_table)        \
    }

/*
 * Fill @object (zeroed or holding defaults; owned members must be empty) from @json.
 * On failure @object is left for json_struct_done(). Errors: INVALID.
 */
int json_struct_read(const JsonStruct *type, const json_t *json, void *object, Error *err);

/*
 * For documents that are read strictly: refuse members that the tables know nothing of, at any
 * depth, in what json_struct_read() has accepted. Errors: INVALID, with the member's full path.
 */
int json_struct_check_members(const JsonStruct *type, const json_t *json, Error *err);

/* A new reference; cannot fail. */
json_t *json_struct_write(const JsonStruct *type, const void *object);

/* Free what the members own and zero the struct; the struct itself stays. */
void json_struct_done(const JsonStruct *type, void *object);

#define _cleanup_json_ _cleanup_(json_decrefp) /* the cleanup is jansson's own */

/*
 * Parse untrusted text: duplicate members and trailing bytes are refused. Whole numbers are exact
 * from INT64_MIN to UINT64_MAX; those above INT64_MAX are for these tables and json_to_text()
 * alone, jansson knows nothing of them. Errors: INVALID.
 */
int json_parse(const char *data, size_t size, json_t **ret, Error *err);

/* Compact text with members in insertion order; the caller frees it. */
char *json_to_text(const json_t *json);
/* The same for people: a member per line. */
char *json_to_indented_text(const json_t *json);
