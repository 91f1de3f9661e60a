/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Limits as the kernel gets them: on this host's hierarchies, of whichever version they are, and
 * those of v2 in plain files, because this host's v2 hierarchy may have hardly a controller.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "cgroup-fixture.h"

typedef struct ControlValue {
    CgroupController controller;
    const char *file, *value;
} ControlValue;

static void test_limits_reach_the_kernel(void **state)
{
    static const ControlValue expected[][8] = {
        { { CGROUP_MEMORY, "memory.limit_in_bytes", "67108864" },
          { CGROUP_MEMORY, "memory.memsw.limit_in_bytes", "100663296" },
          { CGROUP_MEMORY, "memory.soft_limit_in_bytes", "33554432" },
          { CGROUP_CPU, "cpu.shares", "512" },
          { CGROUP_CPU, "cpu.cfs_quota_us", "50000" },
          { CGROUP_CPU, "cpu.cfs_period_us", "200000" },
          { CGROUP_CPUSET, "cpuset.cpus", "0" },
          { CGROUP_PIDS, "pids.max", "100" } },
        { { CGROUP_MEMORY, "memory.max", "67108864" },
          { CGROUP_MEMORY, "memory.swap.max", "33554432" },
          { CGROUP_MEMORY, "memory.low", "33554432" },
          { CGROUP_CPU, "cpu.weight", "59" },
          { CGROUP_CPU, "cpu.max", "50000 200000" },
          { CGROUP_CPUSET, "cpuset.cpus", "0" },
          { CGROUP_CPUSET, "cpuset.mems", "0" },
          { CGROUP_PIDS, "pids.max", "100" } },
    };
    bool is_v1 = fixture_has_v1(CGROUP_MEMORY);
    LinuxPids pids = { 100 };
    LinuxResources resources = {
        .memory = { .limit = { true, 64 << 20 },
                    .swap = { true, 96 << 20 },
                    .reservation = { true, 32 << 20 },
                    .swappiness = { is_v1, 10 } },
        .cpu = { .shares = { true, 512 },
                 .quota = { true, 50000 },
                 .period = { true, 200000 },
                 .cpus = (char *)"0",
                 .mems = (char *)"0" },
        .pids = &pids,
    };
    Cgroup *cgroup = fixture_create(AS_MOUNTED, "a", &resources);

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(expected[0]); i++) {
        const ControlValue *control = &expected[is_v1 ? 0 : 1][i];

        fixture_assert_control(cgroup, control->controller, control->file, control->value);
    }
    if (is_v1)
        fixture_assert_control(cgroup, CGROUP_MEMORY, "memory.swappiness", "10");
    fixture_remove(cgroup);
}

static void test_an_update_finds_the_order_that_works_and_leaves_the_rest(void **state)
{
    static const int64_t sizes[] = { 64 << 20, 128 << 20, 32 << 20, 256 << 20 };
    bool is_v1 = fixture_has_v1(CGROUP_MEMORY);
    LinuxPids pids = { 50 };
    LinuxResources first = { .pids = &pids };
    Cgroup *cgroup = fixture_create(AS_MOUNTED, "a", &first);

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        LinuxResources resources = { .memory = { .limit = { true, sizes[i] },
                                                 .swap = { true, sizes[i] } } };
        _cleanup_error_ Error err = {};
        char expected[32];

        if (cgroup_update(cgroup, &resources, &err) < 0)
            fail_msg("%s", error_message(&err));
        snprintf(expected, sizeof(expected), "%lld", (long long)sizes[i]);
        fixture_assert_control(cgroup, CGROUP_MEMORY,
                               is_v1 ? "memory.limit_in_bytes" : "memory.max", expected);
        fixture_assert_control(cgroup, CGROUP_MEMORY,
                               is_v1 ? "memory.memsw.limit_in_bytes" : "memory.swap.max",
                               is_v1 ? expected : "0");
    }
    fixture_assert_control(cgroup, CGROUP_PIDS, "pids.max", "50");
    pids.limit = -1;
    assert_int_equal(cgroup_update(cgroup, &first, NULL), 0);
    fixture_assert_control(cgroup, CGROUP_PIDS, "pids.max", "max");
    fixture_remove(cgroup);
}

static void test_a_value_that_the_kernel_refuses_is_named_and_leaves_nothing(void **state)
{
    static const LinuxResources refused[] = {
        { .cpu = { .cpus = (char *)"8000" } },
        { .cpu = { .quota = { true, 1 } } },
        { .memory = { .swappiness = { true, 100000 } } },
    };
    static const char *const values[] = { "'8000'", "'1'", "'100000'" };
    static const char *const fields[] = { "'cpu.cpus'", "'cpu.quota'", "'memory.swappiness'" };

    /* The last one is v1's alone. */
    size_t count = ARRAY_SIZE(refused) - (fixture_has_v1(CGROUP_MEMORY) ? 0 : 1);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        _cleanup_error_ Error err = {};
        Cgroup *cgroup = NULL;

        assert_true(fixture_try_create(AS_MOUNTED, "a", &refused[i], &cgroup, &err) < 0);
        assert_int_equal(err.kind, ERROR_INVALID);
        assert_non_null(strstr(error_message(&err), fields[i]));
        assert_non_null(strstr(error_message(&err), values[i]));
        assert_int_equal(fixture_count_places(fixture_parent_path), 0);
    }
}

static void test_an_update_that_the_kernel_refuses_changes_nothing(void **state)
{
    LinuxPids pids = { 50 }, more_pids = { 60 };
    LinuxResources first = { .memory = { .limit = { true, 64 << 20 } }, .pids = &pids };
    LinuxResources next = { .memory = { .limit = { true, 128 << 20 } },
                            .cpu = { .shares = { true, 2000 }, .cpus = (char *)"8000" },
                            .pids = &more_pids };
    Cgroup *cgroup = fixture_create(AS_MOUNTED, "a", &first);
    bool is_v1 = fixture_has_v1(CGROUP_MEMORY);
    _cleanup_error_ Error err = {};

    (void)state;
    assert_true(cgroup_update(cgroup, &next, &err) < 0);
    assert_int_equal(err.kind, ERROR_INVALID);
    fixture_assert_control(cgroup, CGROUP_MEMORY, is_v1 ? "memory.limit_in_bytes" : "memory.max",
                           "67108864");
    fixture_assert_control(cgroup, CGROUP_CPU,
                           fixture_has_v1(CGROUP_CPU) ? "cpu.shares" : "cpu.weight",
                           fixture_has_v1(CGROUP_CPU) ? "1024" : "100");
    fixture_assert_control(cgroup, CGROUP_PIDS, "pids.max", "50");
    fixture_remove(cgroup);
}

static void test_a_limit_without_a_controller_is_unsupported_by_name(void **state)
{
    LinuxResources resources = { .network = { .class_id = { true, 1 } } };
    _cleanup_error_ Error err = {};
    Cgroup *cgroup = NULL;

    (void)state;
    if (fixture_try_create(AS_MOUNTED, "a", &resources, &cgroup, &err) == 0) {
        fixture_remove(cgroup);
        skip(); /* a host with net_cls */
    }
    assert_int_equal(err.kind, ERROR_UNSUPPORTED);
    assert_non_null(strstr(error_message(&err), "limit 'network.classID': "));
    assert_non_null(strstr(error_message(&err), "controller 'net_cls'"));
    assert_int_equal(fixture_count_places(fixture_parent_path), 0);
}

/* v2 limits, written to plain files: this host's v2 hierarchy has hardly a controller. */

static const char *const v2_files[] = {
    "memory.max",  "memory.swap.max", "memory.low",  "cpu.weight",    "cpu.max",   "cpu.max.burst",
    "cpu.idle",    "cpuset.cpus",     "cpuset.mems", "pids.max",      "io.weight", "io.max",
    "memory.high", "hugetlb.2MB.max", "rdma.max",    "memory.current"
};

typedef struct FakeV2 {
    char directory[64];
    Cgroup cgroup;
} FakeV2;

static int fake_setup(void **state)
{
    static FakeV2 fake;
    CgroupHierarchy *hierarchy = &fake.cgroup.layout.items[0];

    fake = (FakeV2) { .directory = "/tmp/cay-test-v2-XXXXXX" };
    if (!mkdtemp(fake.directory))
        return -1;
    fake.cgroup.path = fake.directory;
    fake.cgroup.layout.count = 1;
    *hierarchy = (CgroupHierarchy) { .is_v2 = true, .controllers = ~0U, .root_fd = -EBADF };
    hierarchy->controllers &= ~(CGROUP_BIT(CGROUP_NET_CLS) | CGROUP_BIT(CGROUP_NET_PRIO));
    hierarchy->fd = open(fake.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (size_t i = 0; i < ARRAY_SIZE(v2_files); i++) {
        int fd = openat(hierarchy->fd, v2_files[i], O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

        if (fd < 0)
            return -1;
        close(fd);
    }
    *state = &fake;
    return 0;
}

static int fake_teardown(void **state)
{
    FakeV2 *fake = *state;

    cgroup_layout_done(&fake->cgroup.layout);
    return path_remove_tree(AT_FDCWD, fake->directory);
}

static void assert_v2_file(const FakeV2 *fake, const char *file, const char *expected)
{
    _cleanup_free_ char *text = NULL;

    assert_int_equal(file_read_at(fake->cgroup.layout.items[0].fd, file, 4096, &text, NULL), 0);
    assert_string_equal(text, expected);
}

static void test_v2_limits_are_converted(void **state)
{
    FakeV2 *fake = *state;
    LinuxPids pids = { 100 };
    LinuxHugepageLimit hugepages = { (char *)"2MB", 4 << 20 };
    LinuxRdma rdma = { (char *)"mlx5_1", { true, 3 }, {} };
    LinuxResources resources = {
        .memory = { .limit = { true, 100 }, .swap = { true, 150 }, .reservation = { true, 50 } },
        .cpu = { .shares = { true, 1024 },
                 .quota = { true, 50000 },
                 .period = { true, 200000 },
                 .burst = { true, 1000 },
                 .idle = { true, 1 },
                 .cpus = (char *)"0-1",
                 .mems = (char *)"0" },
        .pids = &pids,
        .block_io = { .weight = { true, 1000 } },
        .hugepage_limits = { &hugepages, 1 },
        .rdma = { &rdma, 1 },
    };
    _cleanup_error_ Error err = {};

    string_map_set(&resources.unified, "memory.high", "90");
    if (cgroup_limits_apply(&fake->cgroup, &resources, false, &err) < 0)
        fail_msg("%s", error_message(&err));
    string_map_done(&resources.unified);
    assert_v2_file(fake, "memory.max", "100");
    assert_v2_file(fake, "memory.swap.max", "50");
    assert_v2_file(fake, "memory.low", "50");
    assert_v2_file(fake, "cpu.weight", "100");
    assert_v2_file(fake, "cpu.max", "50000 200000");
    assert_v2_file(fake, "cpu.max.burst", "1000");
    assert_v2_file(fake, "cpu.idle", "1");
    assert_v2_file(fake, "cpuset.cpus", "0-1");
    assert_v2_file(fake, "cpuset.mems", "0");
    assert_v2_file(fake, "pids.max", "100");
    assert_v2_file(fake, "io.weight", "default 10000");
    assert_v2_file(fake, "hugetlb.2MB.max", "4194304");
    assert_v2_file(fake, "rdma.max", "mlx5_1 hca_handle=3");
    assert_v2_file(fake, "memory.high", "90");
}

static void test_cpu_shares_become_weights_along_the_agreed_curve(void **state)
{
    static const struct {
        uint64_t shares;
        const char *weight;
    } cases[] = { { 2, "1" },    { 1, "1" },          { 1024, "100" },
                  { 512, "59" }, { 262144, "10000" }, { 999999, "10000" } };
    FakeV2 *fake = *state;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        LinuxResources resources = { .cpu = { .shares = { true, cases[i].shares } } };

        _cleanup_free_ char *file = memory_printf("%s/cpu.weight", fake->directory);

        assert_int_equal(truncate(file, 0), 0);
        assert_int_equal(cgroup_limits_apply(&fake->cgroup, &resources, false, NULL), 0);
        assert_v2_file(fake, "cpu.weight", cases[i].weight);
    }
}

static void test_v2_refuses_what_only_v1_has(void **state)
{
    static const LinuxResources refused[] = {
        { .memory = { .swappiness = { true, 5 } } },
        { .memory = { .disable_oom_killer = { true, true } } },
        { .memory = { .kernel = { true, 1 << 20 } } },
        { .memory = { .kernel_tcp = { true, 1 << 20 } } },
        { .memory = { .use_hierarchy = { true, false } } },
        { .block_io = { .leaf_weight = { true, 100 } } },
        { .cpu = { .realtime_runtime = { true, 1000 } } },
        { .network = { .class_id = { true, 1 } } },
    };
    FakeV2 *fake = *state;

    for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
        _cleanup_error_ Error err = {};

        assert_true(cgroup_limits_apply(&fake->cgroup, &refused[i], false, &err) < 0);
        assert_int_equal(err.kind, ERROR_UNSUPPORTED);
    }
}

static void test_what_is_not_asked_for_is_not_written(void **state)
{
    FakeV2 *fake = *state;
    LinuxPids pids = { -1 };
    LinuxResources resources = {
        .memory = { .limit = { true, -1 },
                    .swap = { true, -1 },
                    .kernel = { true, -1 },
                    .disable_oom_killer = { true, false } },
        .cpu = { .shares = { true, 0 }, .quota = { true, -1 }, .cpus = (char *)"" },
        .pids = &pids,
    };

    assert_int_equal(cgroup_limits_apply(&fake->cgroup, &resources, false, NULL), 0);
    for (size_t i = 0; i < ARRAY_SIZE(v2_files); i++)
        assert_v2_file(fake, v2_files[i], "");
    assert_int_equal(cgroup_limits_wanted(&resources), 0);
}

/* The file is there for this test, and not for others. */
static void add_file(const FakeV2 *fake, const char *name, const char *text)
{
    int fd = openat(fake->cgroup.layout.items[0].fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static void apply(FakeV2 *fake, const LinuxResources *resources, bool is_update)
{
    _cleanup_error_ Error err = {};

    if (cgroup_limits_apply(&fake->cgroup, resources, is_update, &err) < 0)
        fail_msg("%s", error_message(&err));
}

static void test_v2_weights_are_those_of_the_scheduler_that_there_is(void **state)
{
    FakeV2 *fake = *state;
    LinuxBlockIoWeight device = { 8, 16, { true, 500 }, {} };
    LinuxResources all = { .block_io = { .weight = { true, 1000 } } };
    LinuxResources one = { .block_io = { .weight_devices = { &device, 1 } } };

    apply(fake, &all, false);
    assert_v2_file(fake, "io.weight", "default 10000");
    assert_int_equal(unlinkat(fake->cgroup.layout.items[0].fd, "io.weight", 0), 0);
    add_file(fake, "io.weight", "");
    apply(fake, &one, false);
    assert_v2_file(fake, "io.weight", "8:16 4950");
    add_file(fake, "io.bfq.weight", "");
    apply(fake, &one, false);
    assert_v2_file(fake, "io.bfq.weight", "8:16 500");
    apply(fake, &all, false);
    assert_v2_file(fake, "io.bfq.weight", "1000 500"); /* over what was there */
}

static void test_huge_pages_are_limited_by_reservation_where_that_is_counted(void **state)
{
    FakeV2 *fake = *state;
    LinuxHugepageLimit limit = { (char *)"2MB", 4 << 20 };
    LinuxResources resources = { .hugepage_limits = { &limit, 1 } };

    add_file(fake, "hugetlb.2MB.rsvd.max", "");
    apply(fake, &resources, false);
    assert_v2_file(fake, "hugetlb.2MB.rsvd.max", "4194304");
    assert_v2_file(fake, "hugetlb.2MB.max", "");
}

static void test_a_period_alone_keeps_the_quota(void **state)
{
    FakeV2 *fake = *state;
    LinuxResources resources = { .cpu = { .period = { true, 200000 } } };

    add_file(fake, "cpu.max", "50000 100000\n");
    apply(fake, &resources, true);
    assert_v2_file(fake, "cpu.max", "50000 200000\n"); /* over what was there */
}

static void test_v2_swap_is_what_goes_beyond_the_limit_that_is_there(void **state)
{
    FakeV2 *fake = *state;
    LinuxResources resources = { .memory = { .swap = { true, 150 } } };

    add_file(fake, "memory.max", "100\n");
    apply(fake, &resources, true);
    assert_v2_file(fake, "memory.swap.max", "50");
}

static void test_unlimited_memory_takes_the_limit_of_swap_along(void **state)
{
    FakeV2 *fake = *state;
    LinuxResources resources = { .memory = { .limit = { true, -1 } } };

    apply(fake, &resources, true);
    assert_v2_file(fake, "memory.max", "max");
    assert_v2_file(fake, "memory.swap.max", "max");
    /* Nobody asked for it: a kernel without limits for swap is no reason to fail. */
    assert_int_equal(unlinkat(fake->cgroup.layout.items[0].fd, "memory.swap.max", 0), 0);
    apply(fake, &resources, true);
}

static void test_a_cgroup_that_was_not_permitted_is_named_with_the_limit(void **state)
{
    FakeV2 *fake = *state;
    CgroupHierarchy *hierarchy = &fake->cgroup.layout.items[0];
    LinuxResources resources = { .memory = { .limit = { true, 100 } } };
    _cleanup_error_ Error err = {};

    hierarchy->fd = fd_close(hierarchy->fd);
    hierarchy->is_denied = true;
    assert_true(cgroup_limits_apply(&fake->cgroup, &resources, false, &err) < 0);
    assert_int_equal(err.kind, ERROR_DENIED);
    assert_non_null(strstr(error_message(&err), "'memory.limit': no permission"));
}

static void test_unified_names_the_file_that_is_not_there(void **state)
{
    FakeV2 *fake = *state;
    LinuxResources resources = {};
    _cleanup_error_ Error err = {};

    string_map_set(&resources.unified, "memory.nothing", "1");
    assert_true(cgroup_limits_apply(&fake->cgroup, &resources, false, &err) < 0);
    string_map_done(&resources.unified);
    assert_int_equal(err.kind, ERROR_UNSUPPORTED);
    assert_string_equal(error_message(&err),
                        "limit 'unified.memory.nothing': this kernel has no memory.nothing");
}

/* Kernel memory was limited until Linux 5.15; later ones take the number and forget it, and v2
 * never had it. */
static void test_a_value_that_the_kernel_takes_and_forgets_is_refused(void **state)
{
    LinuxResources resources = { .memory = { .kernel = { true, 16 << 20 } } };
    Cgroup *cgroup = NULL;
    _cleanup_error_ Error err = {};

    (void)state;
    if (fixture_try_create(AS_MOUNTED, "a", &resources, &cgroup, &err) == 0) {
        fixture_assert_control(cgroup, CGROUP_MEMORY, "memory.kmem.limit_in_bytes", "16777216");
        fixture_remove(cgroup);
        return;
    }
    assert_int_equal(err.kind, ERROR_UNSUPPORTED);
    assert_non_null(strstr(error_message(&err), "'memory.kernel'"));
}

static void test_controllers_are_wanted_for_the_limits_that_need_them(void **state)
{
    LinuxResources resources = { .memory = { .limit = { true, 100 } } };

    (void)state;
    string_map_set(&resources.unified, "io.weight", "5");
    assert_int_equal(cgroup_limits_wanted(&resources),
                     CGROUP_BIT(CGROUP_MEMORY) | CGROUP_BIT(CGROUP_IO));
    string_map_done(&resources.unified);
}

static void test_an_update_below_the_usage_is_refused_where_asked_to(void **state)
{
    FakeV2 *fake = *state;
    LinuxResources resources = {
        .memory = { .limit = { true, 100 }, .check_before_update = { true, true } },
    };
    _cleanup_error_ Error err = {};

    assert_int_equal(file_poke_at(fake->cgroup.layout.items[0].fd, "memory.current", "101\n"), 0);
    assert_int_equal(cgroup_limits_apply(&fake->cgroup, &resources, true, &err), -EBUSY);
    assert_int_equal(err.kind, ERROR_CONFLICT);
    assert_v2_file(fake, "memory.max", "");
}

#define real_test(function) cmocka_unit_test_teardown(function, fixture_teardown)
#define fake_test(function) cmocka_unit_test_setup_teardown(function, fake_setup, fake_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        real_test(test_limits_reach_the_kernel),
        real_test(test_an_update_finds_the_order_that_works_and_leaves_the_rest),
        real_test(test_a_value_that_the_kernel_refuses_is_named_and_leaves_nothing),
        real_test(test_an_update_that_the_kernel_refuses_changes_nothing),
        real_test(test_a_limit_without_a_controller_is_unsupported_by_name),
        fake_test(test_v2_limits_are_converted),
        fake_test(test_cpu_shares_become_weights_along_the_agreed_curve),
        fake_test(test_v2_refuses_what_only_v1_has),
        fake_test(test_what_is_not_asked_for_is_not_written),
        fake_test(test_v2_weights_are_those_of_the_scheduler_that_there_is),
        fake_test(test_huge_pages_are_limited_by_reservation_where_that_is_counted),
        fake_test(test_a_period_alone_keeps_the_quota),
        fake_test(test_v2_swap_is_what_goes_beyond_the_limit_that_is_there),
        fake_test(test_unlimited_memory_takes_the_limit_of_swap_along),
        fake_test(test_a_cgroup_that_was_not_permitted_is_named_with_the_limit),
        fake_test(test_unified_names_the_file_that_is_not_there),
        real_test(test_a_value_that_the_kernel_takes_and_forgets_is_refused),
        cmocka_unit_test(test_controllers_are_wanted_for_the_limits_that_need_them),
        fake_test(test_an_update_below_the_usage_is_refused_where_asked_to),
    };

    fixture_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
