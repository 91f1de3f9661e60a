/* SPDX-License-Identifier: Apache-2.0 */

/* The kernel's list of mounts, line by line. */

#include "scratch.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/mount-info.h"

static void a_line_is_taken_apart_and_its_escapes_undone(void **state)
{
    _cleanup_free_ char *text =
        memory_strdup("21 20 0:19 / /sys rw,nosuid shared:7 - sysfs sysfs rw\n"
                      "36 35 98:1 /a\\040b /mnt\\134\\012x rw,noatime master:1 opt:2 - ext3 "
                      "/dev/s\\040a rw,errors=continue\n");
    char *rest = text;
    MountInfo mount;

    (void)state;
    assert_true(mount_info_next(&rest, "ext3", &mount));
    assert_int_equal(mount.major, 98);
    assert_int_equal(mount.minor, 1);
    assert_string_equal(mount.root, "/a b");
    assert_string_equal(mount.mount_point, "/mnt\\\nx");
    assert_string_equal(mount.type, "ext3");
    assert_string_equal(mount.source, "/dev/s a");
    assert_string_equal(mount.options, "rw,errors=continue");
    assert_false(mount_info_next(&rest, "ext3", &mount));
}

static void what_is_no_mount_is_passed_over(void **state)
{
    _cleanup_free_ char *text = memory_strdup("\n1 2\n1 2 x / / rw - a b c\n1 2 0:1 / / rw a b c\n"
                                              "1 2 0:1 / / rw - a b\n1 2 0:1 / /y rw - a b c");
    char *rest = text;
    MountInfo mount;

    (void)state;
    assert_true(mount_info_next(&rest, "", &mount));
    assert_string_equal(mount.mount_point, "/y");
    assert_false(mount_info_next(&rest, "", &mount));
}

static void our_own_has_a_root(void **state)
{
    _cleanup_free_ char *text = NULL;
    bool has_root = false;
    MountInfo mount;
    char *rest;

    (void)state;
    assert_int_equal(mount_info_read(MOUNT_INFO_OWN, &text), 0);
    rest = text;
    while (mount_info_next(&rest, "", &mount))
        has_root = has_root || strcmp(mount.mount_point, "/") == 0;
    assert_true(has_root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_taken_apart_and_its_escapes_undone),
        cmocka_unit_test(what_is_no_mount_is_passed_over),
        cmocka_unit_test(our_own_has_a_root),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
