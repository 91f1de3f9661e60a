/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Feeds arbitrary JSON to a struct that has a field of every type, nested in itself. What is read
 * must be written so that it reads again as the same; what is refused must be freed cleanly.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json-fields.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct Node Node;

struct Node {
    bool flag;
    int32_t i32;
    uint32_t u32;
    int64_t i64;
    uint64_t u64;
    OptionalBool optional_flag;
    OptionalInt64 optional_i64;
    OptionalUint64 optional_u64;
    char *text;
    char *kept;
    StringList list;
    StringMap map;
    struct {
        char *name;
    } inner;
    Node *next;
    JSON_ARRAY_OF(Node) children;
    json_t *raw;
};

static const JsonStruct node_json;

static const JsonField inner_fields[] = {
    { .name = "name", .type = JSON_TYPE_STRING, .offset = 0, .flags = JSON_REQUIRED },
};

static const JsonStruct inner_json = { .size = sizeof(((Node *)NULL)->inner),
                                       .fields = inner_fields,
                                       .n_fields = ARRAY_SIZE(inner_fields) };

static const JsonField node_fields[] = {
    JSON_FIELD(Node, flag, "flag", JSON_TYPE_BOOL),
    JSON_FIELD(Node, i32, "i32", JSON_TYPE_INT32),
    JSON_FIELD(Node, u32, "u32", JSON_TYPE_UINT32),
    JSON_FIELD(Node, i64, "i64", JSON_TYPE_INT64),
    JSON_FIELD(Node, u64, "u64", JSON_TYPE_UINT64),
    JSON_FIELD(Node, optional_flag, "optionalFlag", JSON_TYPE_OPTIONAL_BOOL),
    JSON_FIELD(Node, optional_i64, "optionalI64", JSON_TYPE_OPTIONAL_INT64),
    JSON_FIELD(Node, optional_u64, "optionalU64", JSON_TYPE_OPTIONAL_UINT64),
    JSON_FIELD(Node, text, "text", JSON_TYPE_STRING),
    JSON_FIELD_FLAGS(Node, kept, "kept", JSON_TYPE_STRING, JSON_KEEP_EMPTY),
    JSON_FIELD(Node, list, "list", JSON_TYPE_STRING_LIST),
    JSON_FIELD(Node, map, "map", JSON_TYPE_STRING_MAP),
    JSON_FIELD_OF(Node, inner, "inner", JSON_TYPE_STRUCT, &inner_json),
    JSON_FIELD_OF(Node, next, "next", JSON_TYPE_STRUCT_POINTER, &node_json),
    JSON_FIELD_OF(Node, children, "children", JSON_TYPE_STRUCT_ARRAY, &node_json),
    JSON_FIELD(Node, raw, "raw", JSON_TYPE_RAW),
};

static const JsonStruct node_json = JSON_STRUCT(Node, node_fields);

static void node_done(Node *node)
{
    json_struct_done(&node_json, node);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_(node_done) Node node = {}, again = {};
    _cleanup_json_ json_t *input = NULL, *once = NULL, *parsed = NULL, *twice = NULL;
    _cleanup_free_ char *text = NULL;
    _cleanup_error_ Error err = {};

    if (json_parse((const char *)data, size, &input, &err) < 0) {
        if (!error_is_set(&err))
            abort();
        return 0;
    }
    if (json_struct_read(&node_json, input, &node, &err) < 0) {
        if (!error_is_set(&err))
            abort();
        return 0;
    }

    once = json_struct_write(&node_json, &node);
    text = json_to_text(once);
    if (json_parse(text, strlen(text), &parsed, NULL) < 0 ||
        json_struct_read(&node_json, parsed, &again, NULL) < 0)
        abort();
    twice = json_struct_write(&node_json, &again);
    if (!json_equal(once, twice))
        abort();
    return 0;
}
