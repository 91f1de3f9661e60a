/* SPDX-License-Identifier: Apache-2.0 */

/* What the controllers of v1 count. */

#include <string.h>

#include "sandbox/cgroup-stats-private.h"

static void add_per_cpu(char *const *words, size_t count, void *data)
{
    CgroupCpuStats *cpu = data;

    /* "cpu user system", and then a line for each */
    if (count != 3 || strcmp(words[0], "cpu") == 0)
        return;
    stats_add_number(&cpu->percpu_user, stats_parse(words[1]));
    stats_add_number(&cpu->percpu_kernel, stats_parse(words[2]));
    stats_add_number(&cpu->percpu, stats_parse(words[1]) + stats_parse(words[2]));
}

static void read_cpuacct(int fd, CgroupCpuStats *ret)
{
    ret->total = stats_read_number(fd, "cpuacct.usage");
    ret->user = stats_read_number(fd, "cpuacct.usage_user");
    ret->kernel = stats_read_number(fd, "cpuacct.usage_sys");
    stats_read_lines(fd, "cpuacct.usage_all", add_per_cpu, ret);
}

static void read_cpu(int fd, CgroupCpuStats *ret)
{
    ret->periods = cgroup_read_key(fd, "cpu.stat", "nr_periods");
    ret->throttled_periods = cgroup_read_key(fd, "cpu.stat", "nr_throttled");
    ret->throttled_time = cgroup_read_key(fd, "cpu.stat", "throttled_time");
}

static void read_cpuset(int fd, CgroupCpusetStats *ret)
{
    stats_read_list(fd, "cpuset.cpus", &ret->cpus);
    stats_read_list(fd, "cpuset.mems", &ret->mems);
    ret->cpu_exclusive = stats_read_number(fd, "cpuset.cpu_exclusive");
    ret->mem_hardwall = stats_read_number(fd, "cpuset.mem_hardwall");
    ret->mem_exclusive = stats_read_number(fd, "cpuset.mem_exclusive");
    ret->memory_migrate = stats_read_number(fd, "cpuset.memory_migrate");
    ret->memory_spread_page = stats_read_number(fd, "cpuset.memory_spread_page");
    ret->memory_spread_slab = stats_read_number(fd, "cpuset.memory_spread_slab");
    ret->memory_pressure = stats_read_number(fd, "cpuset.memory_pressure");
    ret->sched_load_balance = stats_read_number(fd, "cpuset.sched_load_balance");
    ret->sched_relax_domain_level = stats_read_signed(fd, "cpuset.sched_relax_domain_level");
}

static void read_entry(int fd, const char *kind, CgroupMemoryEntry *ret)
{
    static const char *const names[] = { "usage_in_bytes", "limit_in_bytes", "max_usage_in_bytes",
                                         "failcnt" };
    uint64_t *const values[] = { &ret->usage, &ret->limit, &ret->max, &ret->fail_count };

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        char file[64];

        (void)snprintf(file, sizeof(file), "memory.%s%s", kind, names[i]);
        *values[i] = stats_read_number(fd, file);
    }
}

static void read_memory(int fd, CgroupMemoryStats *ret)
{
    stats_read_memory_raw(fd, ret);
    ret->cache = stats_memory_raw(ret, "cache");
    read_entry(fd, "", &ret->usage);
    read_entry(fd, "memsw.", &ret->swap);
    read_entry(fd, "kmem.", &ret->kernel);
    read_entry(fd, "kmem.tcp.", &ret->kernel_tcp);
}

/* "8:0 Read 4096", or "8:0 4096" where there are no kinds */
static void add_io_line(char *const *words, size_t count, void *data)
{
    if (count == 3)
        stats_add_io(data, words[0], words[1], stats_parse(words[2]));
    else if (count == 2)
        stats_add_io(data, words[0], "", stats_parse(words[1]));
}

/* A scheduler's own table where one counts, else the one of throttling, which is of all devices. */
static void read_table(int fd, const char *name, CgroupIoTable *ret)
{
    static const char *const owners[] = { "bfq.", "", "throttle." };

    for (size_t i = 0; i < ARRAY_SIZE(owners) && ret->count == 0; i++) {
        char file[96];

        (void)snprintf(file, sizeof(file), "blkio.%s%s_recursive", owners[i], name);
        stats_read_lines(fd, file, add_io_line, ret);
    }
}

static void read_io(int fd, CgroupIoStats *ret)
{
    read_table(fd, "io_service_bytes", &ret->service_bytes);
    read_table(fd, "io_serviced", &ret->serviced);
    read_table(fd, "io_queued", &ret->queued);
    read_table(fd, "io_service_time", &ret->service_time);
    read_table(fd, "io_wait_time", &ret->wait_time);
    read_table(fd, "io_merged", &ret->merged);
    read_table(fd, "time", &ret->time);
    read_table(fd, "sectors", &ret->sectors);
}

void stats_read_v1(const CgroupHierarchy *hierarchy, CgroupStats *ret)
{
    if (hierarchy->controllers & CGROUP_BIT(CGROUP_CPUACCT))
        read_cpuacct(hierarchy->fd, &ret->cpu);
    if (hierarchy->controllers & CGROUP_BIT(CGROUP_CPU))
        read_cpu(hierarchy->fd, &ret->cpu);
    if (hierarchy->controllers & CGROUP_BIT(CGROUP_CPUSET))
        read_cpuset(hierarchy->fd, &ret->cpuset);
    if (hierarchy->controllers & CGROUP_BIT(CGROUP_MEMORY))
        read_memory(hierarchy->fd, &ret->memory);
    if (hierarchy->controllers & CGROUP_BIT(CGROUP_IO))
        read_io(hierarchy->fd, &ret->block_io);
    if (hierarchy->controllers & CGROUP_BIT(CGROUP_PIDS))
        stats_read_pids(hierarchy->fd, &ret->pids);
    if (hierarchy->controllers & CGROUP_BIT(CGROUP_HUGETLB))
        stats_read_hugetlb(hierarchy->fd, false, ret);
    if (hierarchy->controllers & CGROUP_BIT(CGROUP_RDMA))
        stats_read_rdma(hierarchy->fd, ret);
}
