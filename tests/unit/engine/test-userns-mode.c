/* SPDX-License-Identifier: Apache-2.0 */

/* The text of --userns. */

#include "check.h"

#include <string.h>

#include "base/memory.h"
#include "engine/userns-mode.h"

static void every_kind_has_its_options(void **state)
{
    static const struct {
        const char *text;
        UsernsMode expected;
    } cases[] = {
        { "auto", { .kind = USERNS_AUTO, .size = 65536 } },
        { "auto:size=1", { .kind = USERNS_AUTO, .size = 1 } },
        { "host", { .kind = USERNS_HOST, .size = 65536 } },
        { "nomap:size=70000", { .kind = USERNS_NOMAP, .size = 70000 } },
        { "keep-id", { .kind = USERNS_KEEP_ID, .size = 65536 } },
        { "keep-id:uid=5,gid=0,size=9",
          { .kind = USERNS_KEEP_ID, .size = 9, .has_uid = true, .has_gid = true, .uid = 5 } },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        UsernsMode mode;

        assert_int_equal(userns_mode_parse(cases[i].text, &mode, NULL), 0);
        assert_int_equal(mode.kind, cases[i].expected.kind);
        assert_int_equal(mode.size, cases[i].expected.size);
        assert_int_equal(mode.has_uid, cases[i].expected.has_uid);
        assert_int_equal(mode.has_gid, cases[i].expected.has_gid);
        assert_int_equal(mode.uid, cases[i].expected.uid);
        assert_int_equal(mode.gid, cases[i].expected.gid);
    }
}

static void a_container_is_named_behind_the_colon(void **state)
{
    UsernsMode mode;

    (void)state;
    assert_int_equal(userns_mode_parse("container:a:b", &mode, NULL), 0);
    assert_int_equal(mode.kind, USERNS_CONTAINER);
    assert_string_equal(mode.container, "a:b");
}

static void what_is_none_is_refused_by_name(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        { "", "unknown user namespace ''" },
        { "autos", "unknown user namespace 'autos'" },
        { "container", "names no container" },
        { "host:size=1", "'host' takes no options, but got 'size=1'" },
        { "auto:", "unknown option ''" },
        { "auto:size", "'size' is no number" },
        { "auto:size=", "'size=' is no number" },
        { "auto:size=-1", "'size=-1' is no number" },
        { "auto:size=0", "from 1 to" },
        { "auto:size=4294967295", "from 1 to" },
        { "auto:gid=4", "there is size=N" },
        { "keep-id:uid=4,", "unknown option ''" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_error_ Error err = {};
        UsernsMode mode;

        assert_true(userns_mode_parse(cases[i].text, &mode, &err) < 0);
        assert_int_equal(err.kind, ERROR_INVALID);
        assert_non_null(strstr(error_message(&err), cases[i].message));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_has_its_options),
        cmocka_unit_test(a_container_is_named_behind_the_colon),
        cmocka_unit_test(what_is_none_is_refused_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
