/* SPDX-License-Identifier: Apache-2.0 */

/* Structs by field table: read, written, freed; errors name the member by its path. */

#include <string.h>

#include "base/json-fields.h"
#include "base/memory.h"
#include "scratch.h"

typedef struct Part {
    char *name;
    int32_t weight;
} Part;

static const JsonField part_fields[] = {
    JSON_FIELD_FLAGS(Part, name, "name", JSON_TYPE_STRING, JSON_REQUIRED),
    JSON_FIELD(Part, weight, "weight", JSON_TYPE_INT32),
};

static const JsonStruct part_json = JSON_STRUCT(Part, part_fields);

typedef struct Whole {
    bool flag;
    uint32_t small;
    int64_t large;
    uint64_t positive;
    OptionalBool maybe;
    OptionalInt64 limit;
    OptionalUint64 count;
    char *text;
    StringList list;
    StringMap map;
    Part inside;
    Part *pointer;
    JSON_ARRAY_OF(Part) parts;
    json_t *raw;
} Whole;

static const JsonField whole_fields[] = {
    JSON_FIELD(Whole, flag, "flag", JSON_TYPE_BOOL),
    JSON_FIELD(Whole, small, "small", JSON_TYPE_UINT32),
    JSON_FIELD(Whole, large, "large", JSON_TYPE_INT64),
    JSON_FIELD(Whole, positive, "positive", JSON_TYPE_UINT64),
    JSON_FIELD(Whole, maybe, "maybe", JSON_TYPE_OPTIONAL_BOOL),
    JSON_FIELD(Whole, limit, "limit", JSON_TYPE_OPTIONAL_INT64),
    JSON_FIELD(Whole, count, "count", JSON_TYPE_OPTIONAL_UINT64),
    JSON_FIELD_FLAGS(Whole, text, "text", JSON_TYPE_STRING, JSON_KEEP_EMPTY),
    JSON_FIELD_FLAGS(Whole, list, "list", JSON_TYPE_STRING_LIST, JSON_KEEP_EMPTY),
    JSON_FIELD(Whole, map, "map", JSON_TYPE_STRING_MAP),
    JSON_FIELD_OF(Whole, inside, "inside", JSON_TYPE_STRUCT, &part_json),
    JSON_FIELD_OF(Whole, pointer, "pointer", JSON_TYPE_STRUCT_POINTER, &part_json),
    JSON_FIELD_OF(Whole, parts, "parts", JSON_TYPE_STRUCT_ARRAY, &part_json),
    JSON_FIELD(Whole, raw, "raw", JSON_TYPE_RAW),
};

static const JsonStruct whole_json = JSON_STRUCT(Whole, whole_fields);

static void whole_done(Whole *whole)
{
    json_struct_done(&whole_json, whole);
}

static int read_text(const char *text, Whole *whole, Error *err)
{
    _cleanup_json_ json_t *json = NULL;
    int r = json_parse(text, strlen(text), &json, err);

    return r < 0 ? r : json_struct_read(&whole_json, json, whole, err);
}

static void what_is_read_is_written_again(void **state)
{
    static const char text[] =
        "{\"flag\":true,\"small\":4294967295,\"large\":-5,\"positive\":7,\"maybe\":false,"
        "\"limit\":0,\"count\":9,\"text\":\"x\",\"list\":[\"a\",\"b\"],\"map\":{\"k\":\"v\"},"
        "\"inside\":{\"name\":\"i\"},\"pointer\":{\"name\":\"p\",\"weight\":-3},"
        "\"parts\":[{\"name\":\"1\"},{\"name\":\"2\"}],\"raw\":[1,null]}";
    _cleanup_(whole_done) Whole whole = {};
    _cleanup_error_ Error err = {};
    _cleanup_json_ json_t *json = NULL;
    _cleanup_free_ char *written = NULL;

    (void)state;
    assert_int_equal(read_text(text, &whole, &err), 0);
    assert_true(whole.limit.is_set);
    assert_int_equal(whole.parts.count, 2);
    json = json_struct_write(&whole_json, &whole);
    written = json_to_text(json);
    assert_string_equal(written, text);
}

static void absent_and_null_are_the_same(void **state)
{
    _cleanup_(whole_done) Whole whole = {};
    _cleanup_json_ json_t *json = NULL;
    _cleanup_free_ char *written = NULL;

    (void)state;
    assert_int_equal(
        read_text("{\"limit\":null,\"text\":null,\"parts\":null,\"x\":1}", &whole, NULL), 0);
    assert_false(whole.limit.is_set);
    json = json_struct_write(&whole_json, &whole);
    written = json_to_text(json);
    assert_string_equal(written, "{\"text\":\"\",\"list\":[],\"inside\":{\"name\":\"\"}}");
}

static void errors_name_the_member(void **state)
{
    static const char *const cases[][2] = {
        { "[]", "document: expected an object" },
        { "{\"flag\":1}", "flag: expected true or false" },
        { "{\"small\":-1}", "small: number is out of range" },
        { "{\"small\":4294967296}", "small: number is out of range" },
        { "{\"small\":1.5}", "small: expected a whole number" },
        { "{\"positive\":-1}", "positive: number is out of range" },
        { "{\"limit\":\"1\"}", "limit: expected a whole number" },
        { "{\"text\":1}", "text: expected a string" },
        { "{\"list\":[\"a\",1]}", "list[1]: expected a string" },
        { "{\"list\":\"a\"}", "list: expected an array of strings" },
        { "{\"map\":{\"k\":1}}", "map.k: expected a string" },
        { "{\"pointer\":{}}", "pointer.name: is required" },
        { "{\"parts\":[{\"name\":\"a\"},{\"name\":\"b\",\"weight\":\"c\"}]}",
          "parts[1].weight: expected a whole number" },
        { "{\"parts\":{}}", "parts: expected an array" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_(whole_done) Whole whole = {};
        _cleanup_error_ Error err = {};

        assert_true(read_text(cases[i][0], &whole, &err) < 0);
        assert_int_equal(err.kind, ERROR_INVALID);
        assert_string_equal(err.message, cases[i][1]);
    }
}

static void ambiguous_text_is_refused(void **state)
{
    static const char *const cases[] = { "{\"text\":\"a\",\"text\":\"b\"}",
                                         "{} {}",
                                         "{",
                                         "",
                                         "{\"text\":\"a\\u0000b\"}",
                                         "{\"text\":\"\xff\"}" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_(whole_done) Whole whole = {};
        _cleanup_error_ Error err = {};

        assert_true(read_text(cases[i], &whole, &err) < 0);
        assert_int_equal(err.kind, ERROR_INVALID);
    }
}

static void numbers_of_64_bits_are_exact(void **state)
{
    static const char text[] = "{\"small\":3,\"positive\":18446744073709551615,"
                               "\"count\":9223372036854775808,\"text\":\"9223372036854775808\"}";
    _cleanup_(whole_done) Whole whole = {};
    _cleanup_error_ Error err = {};
    _cleanup_json_ json_t *json = NULL;
    _cleanup_free_ char *written = NULL;

    (void)state;
    assert_int_equal(read_text(text, &whole, &err), 0);
    assert_true(whole.positive == UINT64_MAX);
    assert_true(whole.count.value == UINT64_C(1) << 63);
    json = json_struct_write(&whole_json, &whole);
    written = json_to_text(json);
    assert_non_null(strstr(written, "\"positive\":18446744073709551615,"));
    assert_non_null(strstr(written, "\"count\":9223372036854775808,"));
    assert_non_null(strstr(written, "\"text\":\"9223372036854775808\""));
}

static void large_numbers_are_numbers_and_nothing_else(void **state)
{
    static const char *const cases[][2] = {
        { "{\"large\":9223372036854775808}", "large: number is out of range" },
        { "{\"limit\":18446744073709551615}", "limit: number is out of range" },
        { "{\"small\":18446744073709551615}", "small: number is out of range" },
        { "{\"text\":18446744073709551615}", "text: expected a string" },
        { "{\"flag\":18446744073709551615}", "flag: expected true or false" },
        { "{\"positive\":\"18446744073709551615\"}", "positive: expected a whole number" },
    };
    static const char *const malformed[] = {
        "{\"positive\":18446744073709551616}",
        "{\"positive\":-18446744073709551615}",
        "{\"positive\":09223372036854775808}",
        "{\"positive\":1844674407370955161500}",
        "{\"positive\":\"\\u000018446744073709551615\",\"large\":9223372036854775808}",
        "{\"positive\":\"\\u000018446744073709551615\"}",
        "{18446744073709551615:1}",
        "{\"positive\":18446744073709551615} 1",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_(whole_done) Whole whole = {};
        _cleanup_error_ Error err = {};

        assert_true(read_text(cases[i][0], &whole, &err) < 0);
        assert_string_equal(err.message, cases[i][1]);
    }
    for (size_t i = 0; i < ARRAY_SIZE(malformed); i++) {
        _cleanup_(whole_done) Whole whole = {};
        _cleanup_error_ Error err = {};

        if (read_text(malformed[i], &whole, &err) >= 0)
            fail_msg("taken: %s", malformed[i]);
        assert_int_equal(err.kind, ERROR_INVALID);
    }
}

static void a_nul_after_a_large_number_ends_nothing(void **state)
{
    static const char text[] = "{\"positive\":18446744073709551615}\0{";
    _cleanup_json_ json_t *json = NULL;

    (void)state;
    assert_true(json_parse(text, sizeof(text) - 1, &json, NULL) < 0);
}

static void bytes_that_are_no_text_are_replaced(void **state)
{
    _cleanup_(whole_done) Whole whole = {};
    _cleanup_json_ json_t *json = NULL;

    (void)state;
    whole.text = memory_strdup("a\xff\xc3\xa9\xe2\x82");
    json = json_struct_write(&whole_json, &whole);
    assert_string_equal(json_string_value(json_object_get(json, "text")),
                        "a\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd");
}

static void arrays_of_structs_grow(void **state)
{
    _cleanup_(whole_done) Whole whole = {};

    (void)state;
    for (int i = 0; i < 100; i++) {
        Part *part = JSON_ARRAY_ADD(&whole.parts);

        assert_null(part->name);
        part->weight = i;
    }
    assert_int_equal(whole.parts.count, 100);
    assert_int_equal(whole.parts.items[57].weight, 57);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_read_is_written_again),
        cmocka_unit_test(absent_and_null_are_the_same),
        cmocka_unit_test(errors_name_the_member),
        cmocka_unit_test(ambiguous_text_is_refused),
        cmocka_unit_test(numbers_of_64_bits_are_exact),
        cmocka_unit_test(large_numbers_are_numbers_and_nothing_else),
        cmocka_unit_test(a_nul_after_a_large_number_ends_nothing),
        cmocka_unit_test(bytes_that_are_no_text_are_replaced),
        cmocka_unit_test(arrays_of_structs_grow),
    };

    return cmocka_run_group_tests_name("json-fields", tests, NULL, NULL);
}
