/* SPDX-License-Identifier: Apache-2.0 */

/*
 * JSON written straight into text: the numbers have all 64 bits, which jansson's have not. All
 * names are the kernel's or ours, and ids are plain, so that nothing needs to be escaped. Members
 * that runc leaves out when they are zero are left out here.
 */

#include "oci/stats-text.h"

#include <inttypes.h>

#include "base/string-buffer.h"

/* The next member, or element where @name is NULL. */
static void add_name(StringBuffer *text, const char *name)
{
    char last = text->length > 0 ? text->data[text->length - 1] : '{';

    if (last != '{' && last != '[')
        string_buffer_add_char(text, ',');
    if (name)
        string_buffer_printf(text, "\"%s\":", name);
}

static void open_object(StringBuffer *text, const char *name)
{
    add_name(text, name);
    string_buffer_add_char(text, '{');
}

static void close_object(StringBuffer *text)
{
    string_buffer_add_char(text, '}');
}

static void add_number(StringBuffer *text, const char *name, uint64_t value)
{
    add_name(text, name);
    string_buffer_printf(text, "%" PRIu64, value);
}

static void add_non_zero(StringBuffer *text, const char *name, uint64_t value)
{
    if (value != 0)
        add_number(text, name, value);
}

static void add_numbers(StringBuffer *text, const char *name, const CgroupNumbers *numbers)
{
    if (numbers->count == 0)
        return;
    add_name(text, name);
    string_buffer_add_char(text, '[');
    for (size_t i = 0; i < numbers->count; i++)
        add_number(text, NULL, numbers->items[i]);
    string_buffer_add_char(text, ']');
}

static void add_pressure(StringBuffer *text, const char *name, const CgroupPressure *pressure)
{
    open_object(text, name);
    string_buffer_printf(text, "\"avg10\":%.2f,\"avg60\":%.2f,\"avg300\":%.2f,\"total\":%" PRIu64,
                         pressure->avg10, pressure->avg60, pressure->avg300, pressure->total);
    close_object(text);
}

static void add_pressures(StringBuffer *text, const CgroupPressures *pressures)
{
    if (!pressures->is_set)
        return;
    open_object(text, "psi");
    add_pressure(text, "some", &pressures->some);
    add_pressure(text, "full", &pressures->full);
    close_object(text);
}

static void add_cpu(StringBuffer *text, const CgroupCpuStats *cpu)
{
    open_object(text, "cpu");
    open_object(text, "usage");
    add_non_zero(text, "total", cpu->total);
    add_numbers(text, "percpu", &cpu->percpu);
    add_numbers(text, "percpu_kernel", &cpu->percpu_kernel);
    add_numbers(text, "percpu_user", &cpu->percpu_user);
    add_number(text, "kernel", cpu->kernel);
    add_number(text, "user", cpu->user);
    close_object(text);
    open_object(text, "throttling");
    add_non_zero(text, "periods", cpu->periods);
    add_non_zero(text, "throttledPeriods", cpu->throttled_periods);
    add_non_zero(text, "throttledTime", cpu->throttled_time);
    close_object(text);
    add_pressures(text, &cpu->pressure);
    close_object(text);
}

static void add_cpuset(StringBuffer *text, const CgroupCpusetStats *cpuset)
{
    open_object(text, "cpuset");
    add_numbers(text, "cpus", &cpuset->cpus);
    add_number(text, "cpu_exclusive", cpuset->cpu_exclusive);
    add_numbers(text, "mems", &cpuset->mems);
    add_number(text, "mem_hardwall", cpuset->mem_hardwall);
    add_number(text, "mem_exclusive", cpuset->mem_exclusive);
    add_number(text, "memory_migrate", cpuset->memory_migrate);
    add_number(text, "memory_spread_page", cpuset->memory_spread_page);
    add_number(text, "memory_spread_slab", cpuset->memory_spread_slab);
    add_number(text, "memory_pressure", cpuset->memory_pressure);
    add_number(text, "sched_load_balance", cpuset->sched_load_balance);
    add_name(text, "sched_relax_domain_level");
    string_buffer_printf(text, "%" PRId64, cpuset->sched_relax_domain_level);
    close_object(text);
}

static void add_memory_entry(StringBuffer *text, const char *name, const CgroupMemoryEntry *entry)
{
    open_object(text, name);
    add_number(text, "limit", entry->limit);
    add_non_zero(text, "usage", entry->usage);
    add_non_zero(text, "max", entry->max);
    add_number(text, "failcnt", entry->fail_count);
    close_object(text);
}

static void add_memory(StringBuffer *text, const CgroupMemoryStats *memory)
{
    open_object(text, "memory");
    add_non_zero(text, "cache", memory->cache);
    add_memory_entry(text, "usage", &memory->usage);
    add_memory_entry(text, "swap", &memory->swap);
    add_memory_entry(text, "kernel", &memory->kernel);
    add_memory_entry(text, "kernelTCP", &memory->kernel_tcp);
    open_object(text, "raw");
    for (size_t i = 0; i < memory->raw.count; i++)
        add_number(text, memory->raw.items[i].name, memory->raw.items[i].value);
    close_object(text);
    if (memory->events.is_set) {
        open_object(text, "event_count");
        add_number(text, "low", memory->events.low);
        add_number(text, "high", memory->events.high);
        add_number(text, "max", memory->events.max);
        add_number(text, "oom", memory->events.oom);
        add_number(text, "oom_kill", memory->events.oom_kill);
        close_object(text);
    }
    add_pressures(text, &memory->pressure);
    close_object(text);
}

static void add_io_table(StringBuffer *text, const char *name, const CgroupIoTable *table)
{
    if (table->count == 0)
        return;
    add_name(text, name);
    string_buffer_add_char(text, '[');
    for (size_t i = 0; i < table->count; i++) {
        const CgroupIoEntry *entry = &table->items[i];

        open_object(text, NULL);
        add_non_zero(text, "major", entry->major);
        add_non_zero(text, "minor", entry->minor);
        if (entry->op[0]) {
            add_name(text, "op");
            string_buffer_printf(text, "\"%s\"", entry->op);
        }
        add_non_zero(text, "value", entry->value);
        close_object(text);
    }
    string_buffer_add_char(text, ']');
}

static void add_block_io(StringBuffer *text, const CgroupIoStats *io)
{
    open_object(text, "blkio");
    add_io_table(text, "ioServiceBytesRecursive", &io->service_bytes);
    add_io_table(text, "ioServicedRecursive", &io->serviced);
    add_io_table(text, "ioQueueRecursive", &io->queued);
    add_io_table(text, "ioServiceTimeRecursive", &io->service_time);
    add_io_table(text, "ioWaitTimeRecursive", &io->wait_time);
    add_io_table(text, "ioMergedRecursive", &io->merged);
    add_io_table(text, "ioTimeRecursive", &io->time);
    add_io_table(text, "sectorsRecursive", &io->sectors);
    add_pressures(text, &io->pressure);
    close_object(text);
}

static void add_rest(StringBuffer *text, const CgroupStats *stats)
{
    open_object(text, "pids");
    add_non_zero(text, "current", stats->pids.current);
    add_non_zero(text, "limit", stats->pids.limit);
    close_object(text);
    add_block_io(text, &stats->block_io);
    open_object(text, "hugetlb");
    for (size_t i = 0; i < stats->hugetlb.count; i++) {
        const CgroupHugetlbEntry *entry = &stats->hugetlb.items[i];

        open_object(text, entry->page_size);
        add_non_zero(text, "usage", entry->usage);
        add_non_zero(text, "max", entry->max);
        add_number(text, "failcnt", entry->fail_count);
        close_object(text);
    }
    close_object(text);
    open_object(text, "rdma");
    for (size_t i = 0; i < stats->rdma.count; i++) {
        const CgroupRdmaEntry *entry = &stats->rdma.items[i];

        open_object(text, entry->device);
        add_number(text, "hcaHandles", entry->hca_handles);
        add_number(text, "hcaObjects", entry->hca_objects);
        add_number(text, "hcaHandlesLimit", entry->hca_handles_limit);
        add_number(text, "hcaObjectsLimit", entry->hca_objects_limit);
        close_object(text);
    }
    close_object(text);
}

char *event_stats_text(const char *id, const CgroupStats *stats)
{
    StringBuffer text = {};

    string_buffer_printf(&text, "{\"type\":\"stats\",\"id\":\"%s\",\"data\":{", id);
    add_cpu(&text, &stats->cpu);
    add_cpuset(&text, &stats->cpuset);
    add_memory(&text, &stats->memory);
    add_rest(&text, stats);
    string_buffer_add(&text, ",\"intel_rdt\":{},\"network_interfaces\":null}}\n");
    return string_buffer_take(&text);
}

char *event_oom_text(const char *id)
{
    StringBuffer text = {};

    string_buffer_printf(&text, "{\"type\":\"oom\",\"id\":\"%s\"}\n", id);
    return string_buffer_take(&text);
}
