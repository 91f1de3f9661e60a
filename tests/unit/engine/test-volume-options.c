/* SPDX-License-Identifier: Apache-2.0 */

/* The options of the local volume driver. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include <cmocka.h>

#include "engine/volume-options.h"

typedef struct Pairs {
    const char *type, *device, *o;
} Pairs;

static int parse(const Pairs *pairs, VolumeOptions *ret, Error *err)
{
    _cleanup_string_map_ StringMap options = {};

    if (pairs->type)
        string_map_set(&options, "type", pairs->type);
    if (pairs->device)
        string_map_set(&options, "device", pairs->device);
    if (pairs->o)
        string_map_set(&options, "o", pairs->o);
    return volume_options_parse(&options, ret, err);
}

static void without_options_nothing_is_mounted(void **state)
{
    _cleanup_volume_options_ VolumeOptions options = {};

    (void)state;
    assert_int_equal(parse(&(Pairs) {}, &options, NULL), 0);
    assert_null(options.type);
    assert_null(options.device);
}

static void flags_are_the_mount_s_and_the_rest_is_the_file_system_s(void **state)
{
    _cleanup_volume_options_ VolumeOptions options = {};

    (void)state;
    assert_int_equal(
        parse(&(Pairs) { "tmpfs", "tmpfs", "size=1m,nosuid,,noexec,mode=0700" }, &options, NULL),
        0);
    assert_string_equal(options.type, "tmpfs");
    assert_string_equal(options.device, "tmpfs");
    assert_true(options.mount.own.value == (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC));
    assert_int_equal(options.mount.data.count, 2);
    assert_string_equal(string_map_get(&options.mount.data, "size"), "1m");
    assert_string_equal(string_map_get(&options.mount.data, "mode"), "0700");
}

static void a_bind_is_of_a_directory_and_needs_no_type(void **state)
{
    static const char *const types[] = { NULL, "none", "bind" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        _cleanup_volume_options_ VolumeOptions options = {};

        assert_int_equal(parse(&(Pairs) { types[i], "/srv", "rbind,ro" }, &options, NULL), 0);
        assert_null(options.type);
        assert_true(options.mount.bind && options.mount.bind_recursive);
        assert_true(options.mount.own.value == MOUNT_ATTR_RDONLY);
        assert_int_equal(options.mount.data.count, 0);
    }
}

static void a_read_only_device_is_told_to_the_file_system_too(void **state)
{
    _cleanup_volume_options_ VolumeOptions options = {};

    (void)state;
    assert_int_equal(parse(&(Pairs) { "ext4", "/dev/sdz", "ro,loop,noatime" }, &options, NULL), 0);
    assert_true(string_map_contains(&options.mount.data, "ro"));
    assert_false(string_map_contains(&options.mount.data, "loop"));
}

static void an_address_is_an_address(void **state)
{
    static const char *const addresses[] = { "addr=192.0.2.1,vers=4", "addr=2001:db8::1" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
        _cleanup_volume_options_ VolumeOptions options = {};

        assert_int_equal(parse(&(Pairs) { "nfs", ":/srv", addresses[i] }, &options, NULL), 0);
        assert_string_equal(options.device, ":/srv");
    }
}

static void what_is_wrong_is_refused_by_name(void **state)
{
    static const struct {
        Pairs pairs;
        const char *message;
    } cases[] = {
        { { "tmpfs", NULL, NULL }, "missing required option: 'device'" },
        { { NULL, NULL, "bind" }, "missing required option: 'device'" },
        { { NULL, "/dev/sdz", NULL }, "missing required option: 'type'" },
        { { "none", "/srv", NULL }, "option 'type=none' needs 'o=bind'" },
        { { "none", "srv", "bind" }, "option 'device=srv' is no absolute path" },
        { { "ext4", "/srv", "bind" }, "option 'type=ext4' contradicts 'o=bind'" },
        { { "none", "/srv", "bind,size=1m" }, "invalid option: 'o=size' means nothing to a bind" },
        { { "ext4", "/dev/sdz", "remount" }, "invalid option: 'o=remount'" },
        { { "ext4", "/dev/sdz", "idmap" }, "invalid option: 'o=idmap'" },
        { { "none", "/srv", "bind,rslave" },
          "option 'o': propagation is for a container's '--mount' to say" },
        { { "nfs", ":/srv", "addr=server.example" },
          "option 'o': 'addr=server.example' is no IP address, and names are not looked up" },
        { { "nfs", ":/srv", "addr=1.2.3" },
          "option 'o': 'addr=1.2.3' is no IP address, and names are not looked up" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_volume_options_ VolumeOptions options = {};
        _cleanup_error_ Error err = {};

        assert_true(parse(&cases[i].pairs, &options, &err) < 0);
        assert_int_equal(err.kind, ERROR_INVALID);
        assert_string_equal(error_message(&err), cases[i].message);
    }
}

static void an_unknown_option_is_named(void **state)
{
    _cleanup_volume_options_ VolumeOptions options = {};
    _cleanup_string_map_ StringMap map = {};
    _cleanup_error_ Error err = {};

    (void)state;
    string_map_set(&map, "type", "tmpfs");
    string_map_set(&map, "colour", "red");
    assert_true(volume_options_parse(&map, &options, &err) < 0);
    assert_string_equal(error_message(&err), "invalid option: 'colour'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_options_nothing_is_mounted),
        cmocka_unit_test(flags_are_the_mount_s_and_the_rest_is_the_file_system_s),
        cmocka_unit_test(a_bind_is_of_a_directory_and_needs_no_type),
        cmocka_unit_test(a_read_only_device_is_told_to_the_file_system_too),
        cmocka_unit_test(an_address_is_an_address),
        cmocka_unit_test(what_is_wrong_is_refused_by_name),
        cmocka_unit_test(an_unknown_option_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
