/* SPDX-License-Identifier: Apache-2.0 */

/* Mount options: what each name sets, that later ones win, and what is left to the file system. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include "sandbox/mount-options-private.h"

/* Parse a comma-separated list. */
static int parse(const char *text, MountOptions *ret, Error *err)
{
    _cleanup_string_list_ StringList list = {};

    string_list_split(&list, text, ',');
    return mount_options_parse(&list, ret, err);
}

static void test_each_flag_sets_its_bit_and_its_opposite_clears_it(void **state)
{
    static const struct {
        const char *set, *clear;
        uint64_t bit;
    } flags[] = {
        { "ro", "rw", MOUNT_ATTR_RDONLY },
        { "nosuid", "suid", MOUNT_ATTR_NOSUID },
        { "nodev", "dev", MOUNT_ATTR_NODEV },
        { "noexec", "exec", MOUNT_ATTR_NOEXEC },
        { "nodiratime", "diratime", MOUNT_ATTR_NODIRATIME },
        { "nosymfollow", "symfollow", MOUNT_ATTR_NOSYMFOLLOW },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
        for (int recursive = 0; recursive < 2; recursive++) {
            _cleanup_mount_options_ MountOptions set = {}, clear = {}, both = {};
            const MountAttributes *attributes;
            char text[64];

            (void)snprintf(text, sizeof(text), "%s%s", recursive ? "r" : "", flags[i].set);
            assert_int_equal(parse(text, &set, NULL), 0);
            attributes = recursive ? &set.recursive : &set.own;
            assert_int_equal(attributes->mask, flags[i].bit);
            assert_int_equal(attributes->value, flags[i].bit);

            (void)snprintf(text, sizeof(text), "%s%s", recursive ? "r" : "", flags[i].clear);
            assert_int_equal(parse(text, &clear, NULL), 0);
            attributes = recursive ? &clear.recursive : &clear.own;
            assert_int_equal(attributes->mask, flags[i].bit);
            assert_int_equal(attributes->value, 0);

            (void)snprintf(text, sizeof(text), "%s,%s", flags[i].set, flags[i].clear);
            assert_int_equal(parse(text, &both, NULL), 0);
            assert_int_equal(both.own.value, 0);
        }
    }
}

static void test_access_time_modes_replace_each_other(void **state)
{
    static const struct {
        const char *text;
        uint64_t value;
    } modes[] = {
        { "noatime", MOUNT_ATTR_NOATIME },
        { "strictatime", MOUNT_ATTR_STRICTATIME },
        { "relatime", MOUNT_ATTR_RELATIME },
        { "noatime,atime", MOUNT_ATTR_RELATIME },
        { "strictatime,noatime", MOUNT_ATTR_NOATIME },
        { "strictatime,nostrictatime", MOUNT_ATTR_RELATIME },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
        _cleanup_mount_options_ MountOptions options = {};

        assert_int_equal(parse(modes[i].text, &options, NULL), 0);
        assert_int_equal(options.own.mask, MOUNT_ATTR__ATIME);
        assert_int_equal(options.own.value, modes[i].value);
    }
}

static void test_propagation_is_kept_apart_for_the_mount_and_those_below(void **state)
{
    _cleanup_mount_options_ MountOptions options = {};
    bool recursive = false;

    (void)state;
    assert_int_equal(parse("shared,rslave", &options, NULL), 0);
    assert_int_equal(options.own.propagation, MS_SHARED);
    assert_int_equal(options.recursive.propagation, MS_SLAVE);
    assert_int_equal(mount_propagation_flag("runbindable", &recursive), MS_UNBINDABLE);
    assert_true(recursive);
    assert_int_equal(mount_propagation_flag("private", &recursive), MS_PRIVATE);
    assert_false(recursive);
    assert_int_equal(mount_propagation_flag("ro", &recursive), 0);
}

static void test_bind_and_remount_are_told_apart(void **state)
{
    _cleanup_mount_options_ MountOptions plain = {}, recursive = {}, remount = {};

    (void)state;
    assert_int_equal(parse("bind", &plain, NULL), 0);
    assert_true(plain.bind && !plain.bind_recursive && !plain.remount);
    assert_int_equal(parse("rbind", &recursive, NULL), 0);
    assert_true(recursive.bind && recursive.bind_recursive);
    assert_int_equal(parse("remount,ro", &remount, NULL), 0);
    assert_true(remount.remount && !remount.bind);
}

static void test_what_the_table_does_not_know_goes_to_the_file_system(void **state)
{
    _cleanup_mount_options_ MountOptions options = {};

    (void)state;
    assert_int_equal(
        parse("size=64k,mode=755,nosuid,sync,a=b=c,empty=,defaults,loud", &options, NULL), 0);
    assert_int_equal(options.data.count, 5);
    assert_string_equal(string_map_get(&options.data, "size"), "64k");
    assert_string_equal(string_map_get(&options.data, "a"), "b=c");
    assert_string_equal(string_map_get(&options.data, "empty"), "");
    assert_true(string_map_contains(&options.data, "sync"));
    assert_null(string_map_get(&options.data, "sync"));
}

static void test_options_that_need_more_than_a_flag_are_refused_by_name(void **state)
{
    static const char *const names[] = { "tmpcopyup", "idmap", "ridmap" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        _cleanup_mount_options_ MountOptions options = {};
        _cleanup_error_ Error err = {};

        assert_int_equal(parse(names[i], &options, &err), -EOPNOTSUPP);
        assert_int_equal(err.kind, ERROR_UNSUPPORTED);
        assert_non_null(strstr(err.message, names[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_flag_sets_its_bit_and_its_opposite_clears_it),
        cmocka_unit_test(test_access_time_modes_replace_each_other),
        cmocka_unit_test(test_propagation_is_kept_apart_for_the_mount_and_those_below),
        cmocka_unit_test(test_bind_and_remount_are_told_apart),
        cmocka_unit_test(test_what_the_table_does_not_know_goes_to_the_file_system),
        cmocka_unit_test(test_options_that_need_more_than_a_flag_are_refused_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
