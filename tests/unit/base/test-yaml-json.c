/* SPDX-License-Identifier: Apache-2.0 */

/* YAML that JSON can say, and what is refused. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json-fields.h"
#include "base/memory.h"
#include "base/yaml-json.h"

static const struct {
    const char *yaml;
    const char *json;
} good[] = {
    { "a: 1", "{\"a\":1}" },
    { "a: \"1\"\nb: '2'", "{\"a\":\"1\",\"b\":\"2\"}" },
    { "- true\n- false\n- null\n- ~\n- yes", "[true,false,null,null,\"yes\"]" },
    { "- 1.5\n- -7\n- 1e3x\n- 0644", "[1.5,-7,\"1e3x\",420]" },
    { "a:\n  b: [x, {y: z}]\n  c: |\n    two\n    lines\n",
      "{\"a\":{\"b\":[\"x\",{\"y\":\"z\"}],\"c\":\"two\\nlines\\n\"}}" },
    { "{\"a\": [1, \"x\"]}", "{\"a\":[1,\"x\"]}" },
    { "a:\n", "{\"a\":null}" },
    { "- !!str 42\n- \"<<\": 1\n", "[\"42\",{\"<<\":1}]" },
};

static void what_json_can_say_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        _cleanup_error_ Error err = {};
        _cleanup_json_ json_t *json = NULL;
        _cleanup_free_ char *text = NULL;

        if (yaml_parse(good[i].yaml, strlen(good[i].yaml), &json, &err) < 0)
            fail_msg("'%s': %s", good[i].yaml, error_message(&err));
        text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
        assert_string_equal(text, good[i].json);
    }
}

static const struct {
    const char *yaml;
    const char *wrong;
} bad[] = {
    { "a: &x 1\nb: *x", "alias" },
    { "a: 1\na: 2", "twice" },
    { "a: 1\n---\nb: 2", "one document" },
    { "", "one document" },
    { "[a]: 1", "key that is not text" },
    { "a: [1", "line" },
    { "a: \"\\xff\\0\"", "zero byte" },
    { "\"a\\0b\": 1", "zero byte" },
    { "a: !!int \"1\"", "a tag" },
    { "a: !x [1]", "a tag" },
    { "a: !!map {}", "a tag" },
    { "!!binary a: 1", "key that is not text" },
    { "<<: {a: 1}", "merge key" },
};

static void what_json_cannot_say_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        _cleanup_error_ Error err = {};
        _cleanup_json_ json_t *json = NULL;

        if (yaml_parse(bad[i].yaml, strlen(bad[i].yaml), &json, &err) >= 0)
            fail_msg("'%s' was accepted", bad[i].yaml);
        assert_int_equal(err.kind, ERROR_INVALID);
        if (!strstr(error_message(&err), bad[i].wrong))
            fail_msg("'%s': %s", bad[i].yaml, error_message(&err));
    }
}

static void depth_has_a_limit(void **state)
{
    char deep[201];
    _cleanup_error_ Error err = {};
    json_t *json = NULL;

    (void)state;
    memset(deep, '[', 100);
    memset(deep + 100, ']', 100);
    assert_true(yaml_parse(deep, 200, &json, &err) < 0);
    assert_non_null(strstr(error_message(&err), "too deep"));
    assert_int_equal(yaml_parse(deep + 50, 100, &json, NULL), 0);
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_json_can_say_is_read),
        cmocka_unit_test(what_json_cannot_say_is_refused),
        cmocka_unit_test(depth_has_a_limit),
    };

    return cmocka_run_group_tests_name("yaml-json", tests, NULL, NULL);
}
