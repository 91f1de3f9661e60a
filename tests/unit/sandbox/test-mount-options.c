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

#include "sandbox/mount-options.h"

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
        parse("size=64k,mode=755,nosuid,a=b=c,empty=,acl,defaults,loud", &options, NULL), 0);
    assert_int_equal(options.data.count, 5);
    assert_string_equal(string_map_get(&options.data, "size"), "64k");
    assert_string_equal(string_map_get(&options.data, "a"), "b=c");
    assert_string_equal(string_map_get(&options.data, "empty"), "");
    assert_true(string_map_contains(&options.data, "acl"));
    assert_null(string_map_get(&options.data, "acl"));
}

/* The flags that the file system is told, as one text. */
static void assert_flags(const char *text, const char *expected)
{
    _cleanup_mount_options_ MountOptions options = {};
    _cleanup_string_list_ StringList flags = {};
    _cleanup_free_ char *joined = NULL;

    assert_int_equal(parse(text, &options, NULL), 0);
    for (size_t i = 0; i < options.data.count; i++) {
        assert_null(options.data.items[i].value);
        string_list_add(&flags, options.data.items[i].key);
    }
    joined = string_list_join(&flags, ",");
    assert_string_equal(joined, expected);
}

static void test_flags_of_the_file_system_go_to_it_and_later_ones_win(void **state)
{
    (void)state;
    assert_flags("sync,dirsync,lazytime,mand,iversion", "sync,mand,lazytime,i_version,dirsync");
    assert_flags("sync,async,lazytime,nolazytime,mand,nomand,iversion,noiversion", "");
    assert_flags("async,sync", "sync");
    /* What a new file system is anyway, one that is there may not be. */
    assert_flags("remount,async,nolazytime,nomand", "async,nomand,nolazytime");
    /* Which a bind mount is told in vain: its file system is not its own. */
    assert_flags("remount,bind,async", "");
}

static void test_a_flag_that_the_kernel_cannot_take_back_is_refused(void **state)
{
    _cleanup_mount_options_ MountOptions options = {};
    _cleanup_error_ Error err = {};

    (void)state;
    assert_int_equal(parse("remount,noiversion", &options, &err), -EOPNOTSUPP);
    assert_non_null(strstr(err.message, "'i_version'"));
}

static void test_what_is_said_for_the_mount_alone_wins_over_the_recursive_form(void **state)
{
    _cleanup_mount_options_ MountOptions options = {};
    MountAttributes merged;

    (void)state;
    assert_int_equal(parse("rro,rnosuid,rslave,rw,shared", &options, NULL), 0);
    merged = mount_options_merged(&options);
    assert_int_equal(merged.mask, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID);
    assert_int_equal(merged.value, MOUNT_ATTR_NOSUID);
    assert_int_equal(merged.propagation, MS_SHARED);
}

static void test_options_of_the_runtime_are_told_apart(void **state)
{
    _cleanup_mount_options_ MountOptions plain = {}, recursive = {}, copy = {};

    (void)state;
    assert_int_equal(parse("idmap", &plain, NULL), 0);
    assert_true(plain.map_ids && !plain.map_ids_recursive && !plain.copy_up);
    assert_int_equal(parse("rbind,ridmap", &recursive, NULL), 0);
    assert_true(recursive.map_ids && recursive.map_ids_recursive);
    assert_int_equal(parse("tmpcopyup", &copy, NULL), 0);
    assert_true(copy.copy_up && !copy.map_ids && copy.data.count == 0);
}

static void test_extensions_of_others_are_refused_by_name(void **state)
{
    static const char *const names[] = { "copy-symlink", "src-nofollow", "dest-nofollow",
                                         "idmap=uids=0-1000-1", "ridmap=gids=0-1000-1" };

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
        cmocka_unit_test(test_flags_of_the_file_system_go_to_it_and_later_ones_win),
        cmocka_unit_test(test_a_flag_that_the_kernel_cannot_take_back_is_refused),
        cmocka_unit_test(test_what_is_said_for_the_mount_alone_wins_over_the_recursive_form),
        cmocka_unit_test(test_options_of_the_runtime_are_told_apart),
        cmocka_unit_test(test_extensions_of_others_are_refused_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
