/* SPDX-License-Identifier: Apache-2.0 */

/* What cgroups count, from plain files with what the kernel writes, and from this host's own. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "cgroup-fixture.h"

typedef struct Fake {
    char directory[64];
    Cgroup cgroup;
} Fake;

static int fake_setup(void **state)
{
    static Fake fake;

    fake = (Fake) { .directory = "/tmp/cay-test-stats-XXXXXX" };
    if (!mkdtemp(fake.directory))
        return -1;
    fake.cgroup.path = fake.directory;
    fake.cgroup.layout.count = 1;
    fake.cgroup.layout.items[0] =
        (CgroupHierarchy) { .is_v2 = true, .controllers = ~0U, .root_fd = -EBADF };
    fake.cgroup.layout.items[0].fd = open(fake.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *state = &fake;
    return 0;
}

static int fake_teardown(void **state)
{
    Fake *fake = *state;

    cgroup_layout_done(&fake->cgroup.layout);
    return path_remove_tree(AT_FDCWD, fake->directory);
}

typedef struct File {
    const char *name, *text;
} File;

static void write_files(const Fake *fake, const File *files, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_int_equal(file_write_at(fake->cgroup.layout.items[0].fd, files[i].name,
                                       files[i].text, strlen(files[i].text), 0600, 0),
                         0);
}

static const File v2_files[] = {
    { "cpu.stat", "usage_usec 300\nuser_usec 200\nsystem_usec 100\nnr_periods 4\n"
                  "nr_throttled 3\nthrottled_usec 2\n" },
    { "cpu.pressure", "some avg10=31.17 avg60=9.30 avg300=16.22 total=204559389\n"
                      "full avg10=0.00 avg60=1.00 avg300=0.00 total=7\n" },
    { "cpuset.cpus.effective", "0-2,5\n" },
    { "cpuset.mems.effective", "0\n" },
    { "memory.current", "1000\n" },
    { "memory.max", "5000\n" },
    { "memory.peak", "1500\n" },
    { "memory.swap.current", "10\n" },
    { "memory.swap.max", "max\n" },
    { "memory.stat", "anon 1\nfile 600\nkernel 33\n" },
    { "memory.events", "low 1\nhigh 2\nmax 3\noom 4\noom_kill 5\n" },
    { "io.stat", "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6\n252:16 rbytes=9\n" },
    { "pids.current", "6\n" },
    { "pids.max", "77\n" },
    { "hugetlb.2MB.current", "2097152\n" },
    { "hugetlb.2MB.rsvd.current", "4194304\n" },
    { "hugetlb.2MB.events", "max 8\n" },
    { "hugetlb.1GB.current", "0\n" },
    { "rdma.current", "mlx5_1 hca_handle=2 hca_object=20\n" },
    { "rdma.max", "mlx5_1 hca_handle=3 hca_object=max\n" },
};

static void assert_io(const CgroupIoTable *table, size_t index, const char *op, uint64_t major,
                      uint64_t value)
{
    assert_true(index < table->count);
    assert_string_equal(table->items[index].op, op);
    assert_int_equal(table->items[index].major, major);
    assert_int_equal(table->items[index].value, value);
}

static void check_v2_tables(const CgroupStats *stats)
{
    const CgroupHugetlbEntry *large = NULL;

    assert_int_equal(stats->block_io.service_bytes.count, 4);
    assert_io(&stats->block_io.service_bytes, 0, "Read", 8, 1);
    assert_io(&stats->block_io.service_bytes, 1, "Write", 8, 2);
    assert_io(&stats->block_io.service_bytes, 2, "Discard", 8, 5);
    assert_io(&stats->block_io.service_bytes, 3, "Read", 252, 9);
    assert_int_equal(stats->block_io.service_bytes.items[3].minor, 16);
    assert_io(&stats->block_io.serviced, 1, "Write", 8, 4);
    assert_int_equal(stats->hugetlb.count, 2);
    for (size_t i = 0; i < 2; i++)
        if (strcmp(stats->hugetlb.items[i].page_size, "2MB") == 0)
            large = &stats->hugetlb.items[i];
    assert_non_null(large);
    assert_int_equal(large->usage, 4194304);
    assert_int_equal(large->fail_count, 8);
    assert_int_equal(stats->rdma.count, 1);
    assert_string_equal(stats->rdma.items[0].device, "mlx5_1");
    assert_int_equal(stats->rdma.items[0].hca_objects, 20);
    assert_int_equal(stats->rdma.items[0].hca_handles_limit, 3);
    assert_true(stats->rdma.items[0].hca_objects_limit == CGROUP_UNLIMITED);
}

static void test_v2_is_counted_in_the_units_of_v1(void **state)
{
    const Fake *fake = *state;
    _cleanup_cgroup_stats_ CgroupStats stats = {};

    write_files(fake, v2_files, ARRAY_SIZE(v2_files));
    assert_int_equal(cgroup_read_stats(&fake->cgroup, &stats, NULL), 0);
    assert_int_equal(stats.cpu.total, 300000);
    assert_int_equal(stats.cpu.user, 200000);
    assert_int_equal(stats.cpu.kernel, 100000);
    assert_int_equal(stats.cpu.periods, 4);
    assert_int_equal(stats.cpu.throttled_periods, 3);
    assert_int_equal(stats.cpu.throttled_time, 2000);
    assert_true(stats.cpu.pressure.is_set);
    assert_true(stats.cpu.pressure.some.avg10 > 31.16 && stats.cpu.pressure.some.avg10 < 31.18);
    assert_true(stats.cpu.pressure.some.avg300 > 16.21 && stats.cpu.pressure.some.avg300 < 16.23);
    assert_int_equal(stats.cpu.pressure.some.total, 204559389);
    assert_int_equal(stats.cpu.pressure.full.total, 7);
    assert_false(stats.memory.pressure.is_set);
    assert_int_equal(stats.cpuset.cpus.count, 4);
    assert_int_equal(stats.cpuset.cpus.items[3], 5);
    assert_int_equal(stats.memory.cache, 600);
    assert_int_equal(stats.memory.usage.usage, 1000);
    assert_int_equal(stats.memory.usage.limit, 5000);
    assert_int_equal(stats.memory.usage.max, 1500);
    assert_int_equal(stats.memory.swap.usage, 1010);
    assert_true(stats.memory.swap.limit == CGROUP_UNLIMITED);
    assert_int_equal(stats.memory.kernel.usage, 33);
    assert_int_equal(stats.memory.raw.count, 3);
    assert_string_equal(stats.memory.raw.items[1].name, "file");
    assert_int_equal(stats.memory.events.oom_kill, 5);
    assert_int_equal(stats.pids.current, 6);
    assert_int_equal(stats.pids.limit, 77);
    check_v2_tables(&stats);
}

static const File v1_files[] = {
    { "cpuacct.usage", "300\n" },
    { "cpuacct.usage_user", "200\n" },
    { "cpuacct.usage_sys", "100\n" },
    { "cpuacct.usage_all", "cpu user system\n0 150 60\n1 50 40\n" },
    { "cpu.stat", "nr_periods 4\nnr_throttled 3\nthrottled_time 2\n" },
    { "cpuset.cpus", "0,2\n" },
    { "cpuset.sched_load_balance", "1\n" },
    { "cpuset.sched_relax_domain_level", "-1\n" },
    { "memory.stat", "cache 600\nrss 5\n" },
    { "memory.usage_in_bytes", "1000\n" },
    { "memory.limit_in_bytes", "5000\n" },
    { "memory.max_usage_in_bytes", "1500\n" },
    { "memory.failcnt", "2\n" },
    { "memory.memsw.usage_in_bytes", "1010\n" },
    { "memory.kmem.tcp.limit_in_bytes", "44\n" },
    { "blkio.throttle.io_service_bytes_recursive", "8:0 Read 4096\n8:0 Write 0\nTotal 4096\n" },
    { "blkio.bfq.io_serviced_recursive", "8:0 Read 2\n" },
    { "blkio.throttle.io_serviced_recursive", "8:0 Read 99\n" },
    { "blkio.time_recursive", "8:0 12\n" },
    { "pids.current", "6\n" },
    { "pids.max", "max\n" },
    { "hugetlb.2MB.usage_in_bytes", "2097152\n" },
    { "hugetlb.2MB.max_usage_in_bytes", "4194304\n" },
    { "hugetlb.2MB.failcnt", "8\n" },
};

static void test_v1_is_counted_file_by_file(void **state)
{
    Fake *fake = *state;
    _cleanup_cgroup_stats_ CgroupStats stats = {};

    fake->cgroup.layout.items[0].is_v2 = false;
    write_files(fake, v1_files, ARRAY_SIZE(v1_files));
    assert_int_equal(cgroup_read_stats(&fake->cgroup, &stats, NULL), 0);
    assert_int_equal(stats.cpu.total, 300);
    assert_int_equal(stats.cpu.user, 200);
    assert_int_equal(stats.cpu.percpu.count, 2);
    assert_int_equal(stats.cpu.percpu.items[0], 210);
    assert_int_equal(stats.cpu.percpu_kernel.items[1], 40);
    assert_int_equal(stats.cpu.throttled_time, 2);
    assert_false(stats.cpu.pressure.is_set);
    assert_int_equal(stats.cpuset.cpus.count, 2);
    assert_int_equal(stats.cpuset.sched_load_balance, 1);
    assert_int_equal(stats.cpuset.sched_relax_domain_level, -1);
    assert_int_equal(stats.memory.cache, 600);
    assert_int_equal(stats.memory.usage.fail_count, 2);
    assert_int_equal(stats.memory.swap.usage, 1010);
    assert_int_equal(stats.memory.kernel_tcp.limit, 44);
    assert_false(stats.memory.events.is_set);
    assert_int_equal(stats.block_io.service_bytes.count, 2);
    assert_io(&stats.block_io.service_bytes, 0, "Read", 8, 4096);
    assert_int_equal(stats.block_io.serviced.count, 1);
    assert_io(&stats.block_io.serviced, 0, "Read", 8, 2);
    assert_io(&stats.block_io.time, 0, "", 8, 12);
    assert_int_equal(stats.pids.limit, 0);
    assert_int_equal(stats.hugetlb.items[0].max, 4194304);
}

static int use_processor(void *data)
{
    volatile unsigned work = 0;

    (void)data;
    for (unsigned i = 0; i < 20000000; i++)
        work += i;
    return 0;
}

static void test_the_kernel_counts_what_a_process_has_used(void **state)
{
    LinuxPids pids = { 17 };
    LinuxResources resources = { .memory = { .limit = { true, 64 << 20 } }, .pids = &pids };
    Cgroup *cgroup = fixture_create(AS_MOUNTED, "a", &resources);
    _cleanup_cgroup_stats_ CgroupStats stats = {};
    int status;

    (void)state;
    assert_true(waitpid(fixture_clone_into(cgroup, use_processor, NULL), &status, 0) > 0);
    assert_int_equal(cgroup_read_stats(cgroup, &stats, NULL), 0);
    assert_true(stats.cpu.total > 0);
    assert_int_equal(stats.memory.usage.limit, 64 << 20);
    assert_true(stats.memory.raw.count > 10);
    assert_int_equal(stats.pids.limit, 17);
    fixture_remove(cgroup);
}

/* The memory of this host's own kind, until the kernel kills for it. */
static int use_memory(void *data)
{
    size_t size = 64 << 20;
    char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)data;
    if (memory == MAP_FAILED)
        return 1;
    memset(memory, 1, size);
    return 0;
}

static void test_a_watch_tells_of_memory_that_ran_out_and_of_the_end(void **state)
{
    LinuxResources resources = {
        .memory = { .limit = { true, 16 << 20 }, .swap = { true, 16 << 20 } },
    };
    Cgroup *cgroup = fixture_create(AS_MOUNTED, "a", &resources);
    _cleanup_(cgroup_oom_watch_freep) CgroupOomWatch *watch = NULL;
    struct pollfd event = { .events = POLLIN };
    _cleanup_error_ Error err = {};
    int status;

    (void)state;
    if (cgroup_oom_watch_new(cgroup, &watch, &err) < 0)
        fail_msg("%s", error_message(&err));
    event.fd = cgroup_oom_watch_fd(watch);
    assert_int_equal(poll(&event, 1, 0), 0);
    assert_true(waitpid(fixture_clone_into(cgroup, use_memory, NULL), &status, 0) > 0);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(poll(&event, 1, -1), 1);
    assert_true(cgroup_oom_watch_read(watch) > 0);
    assert_true(cgroup_oom_kills(cgroup) > 0);
    fixture_remove(cgroup);
    assert_int_equal(poll(&event, 1, -1), 1);
    assert_int_equal(cgroup_oom_watch_read(watch), -ENODEV);
}

/* As v2 has it, on plain files: the count grows, and then the last process goes. */
static void test_a_v2_watch_reads_counts_and_the_last_process(void **state)
{
    static const File before[] = { { "memory.events", "oom_kill 1\n" },
                                   { "cgroup.events", "populated 1\n" } };
    const Fake *fake = *state;
    int fd = fake->cgroup.layout.items[0].fd;
    _cleanup_(cgroup_oom_watch_freep) CgroupOomWatch *watch = NULL;
    struct pollfd event = { .events = POLLIN };

    write_files(fake, before, ARRAY_SIZE(before));
    assert_int_equal(cgroup_oom_watch_new(&fake->cgroup, &watch, NULL), 0);
    event.fd = cgroup_oom_watch_fd(watch);
    assert_int_equal(poll(&event, 1, 0), 0);
    assert_int_equal(cgroup_oom_watch_read(watch), 0);
    assert_int_equal(file_poke_at(fd, "memory.events", "oom_kill 3\n"), 0);
    assert_int_equal(poll(&event, 1, 0), 1);
    assert_int_equal(cgroup_oom_watch_read(watch), 2);
    assert_int_equal(poll(&event, 1, 0), 0);
    assert_int_equal(file_poke_at(fd, "cgroup.events", "populated 0\n"), 0);
    assert_int_equal(poll(&event, 1, 0), 1);
    assert_int_equal(cgroup_oom_watch_read(watch), -ENODEV);
}

static void test_a_cgroup_in_no_hierarchy_counts_nothing(void **state)
{
    Cgroup nothing = { .path = (char *)"/nothing" };
    CgroupOomWatch *watch = NULL;
    CgroupStats stats;

    (void)state;
    assert_true(cgroup_is_empty(&nothing));
    assert_true(cgroup_read_stats(&nothing, &stats, NULL) < 0);
    assert_true(cgroup_oom_watch_new(&nothing, &watch, NULL) < 0);
    assert_int_equal(cgroup_enter(&nothing), 0);
    assert_int_equal(cgroup_kill(&nothing, NULL), 0);
    assert_int_equal(cgroup_remove(&nothing, NULL), 0);
    assert_true(cgroup_freeze(&nothing, NULL) < 0);
}

#define real_test(function) cmocka_unit_test_teardown(function, fixture_teardown)
#define fake_test(function) cmocka_unit_test_setup_teardown(function, fake_setup, fake_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        fake_test(test_v2_is_counted_in_the_units_of_v1),
        fake_test(test_v1_is_counted_file_by_file),
        real_test(test_the_kernel_counts_what_a_process_has_used),
        real_test(test_a_watch_tells_of_memory_that_ran_out_and_of_the_end),
        fake_test(test_a_v2_watch_reads_counts_and_the_last_process),
        cmocka_unit_test(test_a_cgroup_in_no_hierarchy_counts_nothing),
    };

    fixture_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
