/* SPDX-License-Identifier: Apache-2.0 */

/* Users and groups of an image, from the text of its own files. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/string-buffer.h"
#include "engine/container-user.h"

static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\n"
                             "# comment\n"
                             "broken:x\n"
                             "web:x:33:33:web:/var/www:/bin/false\n"
                             "homeless:x:40:41:::\n"
                             "huge:x:4294967295:0::/:\n"
                             "1000:x:7:7::/seven:\n"
                             "last:x:99:98::/last:/bin/sh";

static const char group[] = "root:x:0:\n"
                            "www:x:33:\n"
                            "disk:x:6:root,web\n"
                            "audio:x:29:webmaster,web\n"
                            "video:x:44:webmaster\n"
                            "twice:x:6:web\n";

static int resolve(const char *user, const StringList *extra, ContainerUser *ret, Error *err)
{
    static const StringList none = {};

    return container_user_resolve(user, extra ? extra : &none, passwd, group, ret, err);
}

static void check(const char *user, uint32_t uid, uint32_t gid, const char *home,
                  const char *groups)
{
    _cleanup_container_user_ ContainerUser resolved = {};
    _cleanup_string_buffer_ StringBuffer text = {};
    _cleanup_error_ Error err = {};

    if (resolve(user, NULL, &resolved, &err) < 0)
        fail_msg("'%s': %s", user, err.message);
    for (size_t i = 0; i < resolved.n_groups; i++)
        string_buffer_printf(&text, "%s%u", i > 0 ? "," : "", resolved.groups[i]);
    assert_int_equal(resolved.uid, uid);
    assert_int_equal(resolved.gid, gid);
    assert_string_equal(resolved.home, home);
    assert_string_equal(string_buffer_get(&text), groups);
}

static void users_are_found_by_name_and_number(void **state)
{
    (void)state;
    check(NULL, 0, 0, "/root", "6");
    check("", 0, 0, "/root", "6");
    check("web", 33, 33, "/var/www", "6,29");
    check("33", 33, 33, "/var/www", "6,29");
    check("last", 99, 98, "/last", "");
    check("homeless", 40, 41, "/", "");
}

static void a_number_without_an_entry_is_taken(void **state)
{
    (void)state;
    check("12345", 12345, 0, "/", "");
    check("12345:54321", 12345, 54321, "/", "");
}

static void a_name_that_looks_like_a_number_is_a_name_first(void **state)
{
    (void)state;
    check("1000", 7, 7, "/seven", "");
}

static void a_group_of_its_own_replaces_memberships(void **state)
{
    (void)state;
    check("web:disk", 33, 6, "/var/www", "");
    check("web:44", 33, 44, "/var/www", "");
}

static void groups_can_be_added(void **state)
{
    _cleanup_string_list_ StringList extra = {};
    _cleanup_container_user_ ContainerUser resolved = {};

    (void)state;
    string_list_split(&extra, "video,1234,video,www", ',');
    assert_int_equal(resolve("web", &extra, &resolved, NULL), 0);
    assert_int_equal(resolved.n_groups, 4); /* 6, 29, 44, 1234; www is the primary one */
    assert_int_equal(resolved.groups[3], 1234);
}

static void what_is_unknown_or_malformed_is_refused(void **state)
{
    static const char *const users[] = { "nobody-here", ":33",         "web:",
                                         ":",           "web:nogroup", "huge",
                                         "4294967295",  "-1",          "web:4294967295" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(users); i++) {
        _cleanup_container_user_ ContainerUser resolved = {};
        _cleanup_error_ Error err = {};

        if (resolve(users[i], NULL, &resolved, &err) >= 0)
            fail_msg("'%s' was taken as %u:%u", users[i], resolved.uid, resolved.gid);
        assert_int_equal(err.kind, ERROR_INVALID);
    }
}

static void an_empty_image_has_numbers_only(void **state)
{
    static const StringList none = {};
    _cleanup_container_user_ ContainerUser resolved = {};

    (void)state;
    assert_int_equal(container_user_resolve("0:0", &none, "", "", &resolved, NULL), 0);
    assert_true(container_user_resolve("root", &none, "", "", &resolved, NULL) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(users_are_found_by_name_and_number),
        cmocka_unit_test(a_number_without_an_entry_is_taken),
        cmocka_unit_test(a_name_that_looks_like_a_number_is_a_name_first),
        cmocka_unit_test(a_group_of_its_own_replaces_memberships),
        cmocka_unit_test(groups_can_be_added),
        cmocka_unit_test(what_is_unknown_or_malformed_is_refused),
        cmocka_unit_test(an_empty_image_has_numbers_only),
    };

    return cmocka_run_group_tests_name("container-user", tests, NULL, NULL);
}
