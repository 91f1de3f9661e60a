/* SPDX-License-Identifier: Apache-2.0 */

/* Devices that a process in a cgroup can open, by v1's list and by v2's BPF program. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "cgroup-fixture.h"

#define KMSG makedev(1, 11) /* a device that no container has */

/* What a child in the cgroup gets: an errno for each of opening null, reading and writing kmsg, and
 * making a node; 0 for success. */
typedef struct DeviceAnswers {
    int null, read_kmsg, write_kmsg, mknod;
} DeviceAnswers;

typedef struct DeviceTest {
    const char *directory;
    DeviceAnswers *answers; /* in shared memory */
} DeviceTest;

static int try_open(const char *path, int flags)
{
    _cleanup_close_ int fd = open(path, flags | O_CLOEXEC | O_NONBLOCK);

    return fd < 0 ? errno : 0;
}

static int try_devices(void *data)
{
    const DeviceTest *test = data;
    char kmsg[96], node[96];

    snprintf(kmsg, sizeof(kmsg), "%s/kmsg", test->directory);
    snprintf(node, sizeof(node), "%s/node", test->directory);
    test->answers->null = try_open("/dev/null", O_RDWR);
    test->answers->read_kmsg = try_open(kmsg, O_RDONLY);
    test->answers->write_kmsg = try_open(kmsg, O_WRONLY);
    test->answers->mknod = mknod(node, S_IFBLK | 0600, makedev(7, 99)) < 0 ? errno : 0;
    (void)unlink(node);
    return 0;
}

static DeviceAnswers ask_devices(const Cgroup *cgroup)
{
    char directory[] = "/tmp/cay-test-devices-XXXXXX", kmsg[64];
    DeviceTest test = { directory, mmap(NULL, sizeof(DeviceAnswers), PROT_READ | PROT_WRITE,
                                        MAP_SHARED | MAP_ANONYMOUS, -1, 0) };
    DeviceAnswers answers;
    int status;

    assert_true(test.answers != MAP_FAILED);
    assert_non_null(mkdtemp(directory));
    snprintf(kmsg, sizeof(kmsg), "%s/kmsg", directory);
    assert_int_equal(mknod(kmsg, S_IFCHR | 0600, KMSG), 0);
    assert_true(waitpid(fixture_clone_into(cgroup, try_devices, &test), &status, 0) > 0);
    assert_int_equal(status, 0);
    answers = *test.answers;
    munmap(test.answers, sizeof(DeviceAnswers));
    assert_int_equal(path_remove_tree(AT_FDCWD, directory), 0);
    return answers;
}

#define RULE(allowed, kind, major_number, minor_number, letters)                                   \
    {                                                                                              \
        .allow = (allowed), .type = (char *)(kind), .major = { true, (major_number) },             \
        .minor = { true, (minor_number) }, .access = (char *)(letters)                             \
    }

static const struct {
    LinuxDeviceRule rules[3];
    size_t count;
    DeviceAnswers expected;
} device_cases[] = {
    { .count = 0, .expected = { 0, EPERM, EPERM, 0 } },
    { { { .allow = false, .access = (char *)"rwm" } }, 1, { 0, EPERM, EPERM, 0 } },
    { { RULE(true, "c", 1, 11, "r") }, 1, { 0, 0, EPERM, 0 } },
    { { RULE(true, "c", 1, 11, "w") }, 1, { 0, EPERM, 0, 0 } },
    { { RULE(true, "c", 1, 11, NULL) }, 1, { 0, 0, 0, 0 } },
    { { RULE(true, "b", 1, 11, "rwm") }, 1, { 0, EPERM, EPERM, 0 } },
    { { RULE(true, "a", 1, 11, "r") }, 1, { 0, 0, EPERM, 0 } },
    { { RULE(true, "c", 1, -1, "rw") }, 1, { 0, 0, 0, 0 } },
    { { RULE(true, "c", -1, -1, "r") }, 1, { 0, 0, EPERM, 0 } },
    { { { .allow = true } }, 1, { 0, 0, 0, 0 } },
    /* In order: the last word counts, for each kind of access by itself. */
    { { RULE(true, "c", 1, 11, "rw"), RULE(false, "c", 1, 11, "w") }, 2, { 0, 0, EPERM, 0 } },
    { { RULE(false, "c", 1, 11, "w"), RULE(true, "c", 1, 11, "rw") }, 2, { 0, 0, 0, 0 } },
    { { RULE(true, "c", 1, 11, "r"), RULE(true, "c", 1, 11, "w") }, 2, { 0, 0, 0, 0 } },
    { { { .allow = true }, RULE(false, "c", 1, 11, "w") }, 2, { 0, 0, EPERM, 0 } },
    { { RULE(true, "c", 1, 11, "rw"), { .allow = false } }, 2, { 0, EPERM, EPERM, 0 } },
    { { RULE(true, "c", 1, 11, "rw"), RULE(false, "c", 1, -1, "rw") }, 2, { 0, EPERM, EPERM, 0 } },
};

static void check_devices(Hierarchies which)
{
    for (size_t i = 0; i < ARRAY_SIZE(device_cases); i++) {
        LinuxResources resources = {
            .devices = { (LinuxDeviceRule *)device_cases[i].rules, device_cases[i].count },
        };
        Cgroup *cgroup = fixture_create(which, "devices", &resources);
        DeviceAnswers answers = ask_devices(cgroup);

        fixture_remove(cgroup);
        if (memcmp(&answers, &device_cases[i].expected, sizeof(answers)) != 0)
            fail_msg("case %zu: null %d, read %d, write %d, mknod %d", i, answers.null,
                     answers.read_kmsg, answers.write_kmsg, answers.mknod);
    }
}

static void test_devices_are_denied_unless_listed(void **state)
{
    (void)state;
    check_devices(AS_MOUNTED);
}

static void test_devices_are_denied_by_a_bpf_program_in_v2(void **state)
{
    (void)state;
    check_devices(ONLY_V2);
}

static void test_v1_refuses_rules_that_it_cannot_hold_and_v2_holds_them(void **state)
{
    LinuxDeviceRule rules[] = { RULE(true, "c", 1, -1, "rw"), RULE(false, "c", 1, 11, "rw") };
    LinuxResources resources = { .devices = { rules, 2 } };
    _cleanup_error_ Error err = {};
    Cgroup *cgroup = NULL;
    DeviceAnswers answers;

    (void)state;
    if (fixture_has_v1(CGROUP_DEVICES)) {
        assert_true(fixture_try_create(ONLY_V1, "a", &resources, &cgroup, &err) < 0);
        assert_int_equal(err.kind, ERROR_UNSUPPORTED);
        assert_non_null(strstr(error_message(&err), "'c 1:11 rw'"));
    }

    cgroup = fixture_create(ONLY_V2, "a", &resources);
    answers = ask_devices(cgroup);
    fixture_remove(cgroup);
    assert_int_equal(answers.read_kmsg, EPERM);
}

static void check_device_update(Hierarchies which)
{
    LinuxDeviceRule rule = RULE(true, "c", 1, 11, "r");
    LinuxResources open = { .devices = { &rule, 1 } };
    Cgroup *cgroup = fixture_create(which, "a", NULL);

    assert_int_equal(ask_devices(cgroup).read_kmsg, EPERM);
    assert_int_equal(cgroup_update(cgroup, &open, NULL), 0);
    assert_int_equal(ask_devices(cgroup).read_kmsg, 0);
    rule.allow = false;
    assert_int_equal(cgroup_update(cgroup, &open, NULL), 0);
    assert_int_equal(ask_devices(cgroup).read_kmsg, EPERM);
    fixture_remove(cgroup);
}

static void test_an_update_replaces_the_device_rules(void **state)
{
    (void)state;
    check_device_update(AS_MOUNTED);
    check_device_update(ONLY_V2);
}

#define real_test(function) cmocka_unit_test_teardown(function, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        real_test(test_devices_are_denied_unless_listed),
        real_test(test_devices_are_denied_by_a_bpf_program_in_v2),
        real_test(test_v1_refuses_rules_that_it_cannot_hold_and_v2_holds_them),
        real_test(test_an_update_replaces_the_device_rules),
    };

    fixture_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
