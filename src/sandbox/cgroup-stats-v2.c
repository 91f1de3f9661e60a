/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the v2 hierarchy counts, in v1's units. cpu.stat and the pressure files are there whichever
 * controllers the cgroup has, also on a hybrid host.
 */

#include <stdlib.h>
#include <string.h>

#include "sandbox/cgroup-stats-private.h"

#define NANOSECONDS 1000 /* in a microsecond */

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=0" */
static void add_pressure(char *const *words, size_t count, void *data)
{
    CgroupPressures *pressures = data;
    bool is_some = strcmp(words[0], "some") == 0;
    CgroupPressure *target = is_some ? &pressures->some : &pressures->full;

    if (!is_some && strcmp(words[0], "full") != 0)
        return;
    pressures->is_set = true;
    for (size_t i = 1; i < count; i++) {
        const char *value = strchr(words[i], '=');

        if (!value)
            continue;
        value++;
        if (strncmp(words[i], "avg10=", 6) == 0)
            target->avg10 = strtod(value, NULL);
        else if (strncmp(words[i], "avg60=", 6) == 0)
            target->avg60 = strtod(value, NULL);
        else if (strncmp(words[i], "avg300=", 7) == 0)
            target->avg300 = strtod(value, NULL);
        else if (strncmp(words[i], "total=", 6) == 0)
            target->total = stats_parse(value);
    }
}

/* v2 goes first: where v1 has a controller, its numbers replace these. */
static void read_cpu(int fd, CgroupCpuStats *ret)
{
    stats_read_lines(fd, "cpu.pressure", add_pressure, &ret->pressure);
    ret->total = cgroup_read_key(fd, "cpu.stat", "usage_usec") * NANOSECONDS;
    ret->user = cgroup_read_key(fd, "cpu.stat", "user_usec") * NANOSECONDS;
    ret->kernel = cgroup_read_key(fd, "cpu.stat", "system_usec") * NANOSECONDS;
    ret->periods = cgroup_read_key(fd, "cpu.stat", "nr_periods");
    ret->throttled_periods = cgroup_read_key(fd, "cpu.stat", "nr_throttled");
    ret->throttled_time = cgroup_read_key(fd, "cpu.stat", "throttled_usec") * NANOSECONDS;
}

static uint64_t add_limits(uint64_t a, uint64_t b)
{
    return a > CGROUP_UNLIMITED - b ? CGROUP_UNLIMITED : a + b;
}

static void read_memory(int fd, CgroupMemoryStats *ret)
{
    stats_read_memory_raw(fd, ret);
    ret->cache = stats_memory_raw(ret, "file");
    ret->usage.usage = stats_read_number(fd, "memory.current");
    ret->usage.limit = stats_read_number(fd, "memory.max");
    ret->usage.max = stats_read_number(fd, "memory.peak");
    ret->usage.fail_count = cgroup_read_key(fd, "memory.events", "max");
    /* v1 counts both together, and who reads this expects that. */
    ret->swap.usage = stats_read_number(fd, "memory.swap.current") + ret->usage.usage;
    ret->swap.limit = add_limits(stats_read_number(fd, "memory.swap.max"), ret->usage.limit);
    ret->kernel.usage = stats_memory_raw(ret, "kernel");
    ret->events.is_set = true;
    ret->events.low = cgroup_read_key(fd, "memory.events", "low");
    ret->events.high = cgroup_read_key(fd, "memory.events", "high");
    ret->events.max = ret->usage.fail_count;
    ret->events.oom = cgroup_read_key(fd, "memory.events", "oom");
    ret->events.oom_kill = cgroup_read_key(fd, "memory.events", "oom_kill");
}

/* "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6" */
static void add_io_line(char *const *words, size_t count, void *data)
{
    static const struct {
        const char *key, *op;
        size_t table;
    } columns[] = {
        { "rbytes=", "Read", offsetof(CgroupIoStats, service_bytes) },
        { "wbytes=", "Write", offsetof(CgroupIoStats, service_bytes) },
        { "dbytes=", "Discard", offsetof(CgroupIoStats, service_bytes) },
        { "rios=", "Read", offsetof(CgroupIoStats, serviced) },
        { "wios=", "Write", offsetof(CgroupIoStats, serviced) },
        { "dios=", "Discard", offsetof(CgroupIoStats, serviced) },
    };

    for (size_t i = 1; i < count; i++) {
        for (size_t j = 0; j < ARRAY_SIZE(columns); j++) {
            size_t length = strlen(columns[j].key);

            if (strncmp(words[i], columns[j].key, length) == 0)
                stats_add_io((CgroupIoTable *)((char *)data + columns[j].table), words[0],
                             columns[j].op, stats_parse(words[i] + length));
        }
    }
}

void stats_read_v2(const CgroupHierarchy *hierarchy, CgroupStats *ret)
{
    int fd = hierarchy->fd;

    read_cpu(fd, &ret->cpu);
    stats_read_lines(fd, "memory.pressure", add_pressure, &ret->memory.pressure);
    stats_read_lines(fd, "io.pressure", add_pressure, &ret->block_io.pressure);
    if (hierarchy->controllers & CGROUP_BIT(CGROUP_CPUSET)) {
        stats_read_list(fd, "cpuset.cpus.effective", &ret->cpuset.cpus);
        stats_read_list(fd, "cpuset.mems.effective", &ret->cpuset.mems);
    }
    if (hierarchy->controllers & CGROUP_BIT(CGROUP_MEMORY))
        read_memory(fd, &ret->memory);
    if (hierarchy->controllers & CGROUP_BIT(CGROUP_IO))
        stats_read_lines(fd, "io.stat", add_io_line, &ret->block_io);
    if (hierarchy->controllers & CGROUP_BIT(CGROUP_PIDS))
        stats_read_pids(fd, &ret->pids);
    if (hierarchy->controllers & CGROUP_BIT(CGROUP_HUGETLB))
        stats_read_hugetlb(fd, true, ret);
    if (hierarchy->controllers & CGROUP_BIT(CGROUP_RDMA))
        stats_read_rdma(fd, ret);
}
