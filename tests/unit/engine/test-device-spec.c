/* SPDX-License-Identifier: Apache-2.0 */

/* The texts of --device and --device-cgroup-rule. */

#include "check.h"

#include "base/json-fields.h"
#include "base/memory.h"
#include "engine/device-spec.h"

static void device_done(ContainerDevice *device)
{
    json_struct_done(&container_device_json, device);
}

static void rule_done(LinuxDeviceRule *rule)
{
    free(rule->type);
    free(rule->access);
}

static void a_device_has_a_path_in_the_container_and_permissions(void **state)
{
    static const struct {
        const char *text, *host, *container, *permissions;
    } cases[] = {
        { "/dev/a", "/dev/a", "/dev/a", "rwm" },
        { "/dev/a:/dev/b", "/dev/a", "/dev/b", "rwm" },
        { "/dev/a:r", "/dev/a", "/dev/a", "r" },
        { "/dev/a:wm", "/dev/a", "/dev/a", "wm" },
        { "/dev/a:/dev/b:mrw", "/dev/a", "/dev/b", "mrw" },
        { "/dev//x/../a/:/dev/./b", "/dev/a", "/dev/b", "rwm" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_(device_done) ContainerDevice device = {};

        assert_int_equal(device_spec_parse(cases[i].text, &device, NULL), 0);
        assert_string_equal(device.host_path, cases[i].host);
        assert_string_equal(device.container_path, cases[i].container);
        assert_string_equal(device.permissions, cases[i].permissions);
    }
}

static void what_is_no_device_is_refused(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        { "", "device '' is not an absolute path" },
        { "a", "device 'a' is not an absolute path" },
        { "/a:b", "the device's path 'b' in the container is not absolute" },
        { "/a:", "the device's path '' in the container is not absolute" },
        { "/a:rr", "the device's path 'rr' in the container is not absolute" },
        { "/a:/b:", "device permissions '' are not of 'rwm'" },
        { "/a:/b:rwr", "device permissions 'rwr' are not of 'rwm'" },
        { "/a:/b:rww", "device permissions 'rww' are not of 'rwm'" },
        { "/a:/b:rrw", "device permissions 'rrw' are not of 'rwm'" },
        { "/a:/b:x", "device permissions 'x' are not of 'rwm'" },
        { "/a:/b:r:w", "write it as HOST[:CONTAINER][:PERMISSIONS]" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        ContainerDevice device = {};
        Error error = {};

        assert_true(device_spec_parse(cases[i].text, &device, &error) < 0);
        check_error(&error, ERROR_INVALID, cases[i].message);
        assert_null(device.host_path);
    }
}

static void a_rule_names_devices_by_number_or_all(void **state)
{
    static const struct {
        const char *text, *type, *access;
        OptionalInt64 major, minor;
    } cases[] = {
        { "c 1:3 rwm", "c", "rwm", { true, 1 }, { true, 3 } },
        { "b 8:* r", "b", "r", { true, 8 }, {} },
        { "a *:* m", "a", "m", {}, {} },
        { "c 4294967295:0 w", "c", "w", { true, 4294967295 }, { true, 0 } },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_(rule_done) LinuxDeviceRule rule = {};

        assert_int_equal(device_rule_parse(cases[i].text, &rule, NULL), 0);
        assert_true(rule.allow);
        assert_string_equal(rule.type, cases[i].type);
        assert_string_equal(rule.access, cases[i].access);
        assert_int_equal(rule.major.is_set, cases[i].major.is_set);
        assert_int_equal(rule.major.value, cases[i].major.value);
        assert_int_equal(rule.minor.is_set, cases[i].minor.is_set);
        assert_int_equal(rule.minor.value, cases[i].minor.value);
    }
}

static void what_is_no_rule_is_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "c",
        "c 1:3",
        "d 1:3 rwm",
        "cc 1:3 rwm",
        "c 1 rwm",
        "c 1:2:3 rwm",
        "c 1:3 rwx",
        "c -1:3 rwm",
        "c x:3 rwm",
        "c 1:3  r",
        "c 1:3 r ",
        "c :3 r",
        "c 4294967296:0 rwm",
        "c 1:** r",
        "c 1:3 rwm c 1:5 rwm",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_(rule_done) LinuxDeviceRule rule = {};
        _cleanup_error_ Error error = {};

        assert_true(device_rule_parse(cases[i], &rule, &error) < 0);
        assert_int_equal(error.kind, ERROR_INVALID);
        assert_null(rule.type);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_has_a_path_in_the_container_and_permissions),
        cmocka_unit_test(what_is_no_device_is_refused),
        cmocka_unit_test(a_rule_names_devices_by_number_or_all),
        cmocka_unit_test(what_is_no_rule_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
