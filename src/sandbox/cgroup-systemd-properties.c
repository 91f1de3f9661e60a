/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Resources as systemd's properties. The cgroup's files are written by ourselves all the same: what
 * systemd is told here is what it would otherwise reset, whenever it looks at the unit again. The
 * names are those of v2; on v1, systemd translates them.
 */

#include "sandbox/cgroup-systemd-private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/parse.h"
#include "sandbox/cgroup-settings-private.h"

#define UNLIMITED UINT64_MAX
#define DEFAULT_PERIOD 100000 /* microseconds, the kernel's */
#define SECOND 1000000
/* systemd keeps whole percents of a CPU. */
#define QUOTA_STEP 10000
#define LIST_BYTES_MAX 1024 /* 8192 CPUs, as parse_cpu_list() has it */

static void begin(BusWriter *writer, const char *name, const char *signature)
{
    bus_write_struct(writer);
    bus_write_string(writer, name);
    bus_write_signature(writer, signature);
}

void unit_property_bool(BusWriter *writer, const char *name, bool value)
{
    begin(writer, name, "b");
    bus_write_bool(writer, value);
}

void unit_property_string(BusWriter *writer, const char *name, const char *value)
{
    begin(writer, name, "s");
    bus_write_string(writer, value);
}

void unit_property_u64(BusWriter *writer, const char *name, uint64_t value)
{
    begin(writer, name, "t");
    bus_write_u64(writer, value);
}

void unit_property_pid(BusWriter *writer, const char *name, uint32_t pid)
{
    size_t array;

    begin(writer, name, "au");
    array = bus_write_array(writer, sizeof(uint32_t));
    bus_write_u32(writer, pid);
    bus_write_array_end(writer, array, sizeof(uint32_t));
}

/* "0-3,8" as a set of bits, the first byte first. */
static void write_list(BusWriter *writer, const char *name, const char *list)
{
    uint8_t bits[LIST_BYTES_MAX] = {};
    _cleanup_free_ char *copy = NULL;
    size_t used = 0, array;
    char *rest, *part;

    if (!list || !*list || parse_cpu_list(list) < 0)
        return;
    rest = copy = memory_strdup(list);
    while ((part = strsep(&rest, ","))) {
        unsigned long first = strtoul(part, &part, 10);
        unsigned long last = *part == '-' ? strtoul(part + 1, NULL, 10) : first;

        for (unsigned long i = first; i <= last && i / 8 < sizeof(bits); i++) {
            bits[i / 8] |= (uint8_t)(1U << (i % 8));
            used = i / 8 + 1 > used ? i / 8 + 1 : used;
        }
    }
    begin(writer, name, "ay");
    array = bus_write_array(writer, 1);
    for (size_t i = 0; i < used; i++)
        bus_write_byte(writer, bits[i]);
    bus_write_array_end(writer, array, 1);
}

static void write_quota(BusWriter *writer, int64_t quota, uint64_t period)
{
    uint64_t each_second = UNLIMITED;

    if (period > 0)
        unit_property_u64(writer, "CPUQuotaPeriodUSec", period);
    period = period > 0 ? period : DEFAULT_PERIOD;
    if (quota > 0) {
        each_second =
            (uint64_t)quota > UNLIMITED / SECOND ? UNLIMITED : (uint64_t)quota * SECOND / period;
        /* Up, or systemd would allow less than was asked for. */
        if (each_second % QUOTA_STEP != 0)
            each_second += QUOTA_STEP - each_second % QUOTA_STEP;
    }
    unit_property_u64(writer, "CPUQuotaPerSecUSec", each_second);
}

static void write_memory(BusWriter *writer, const LinuxMemory *memory)
{
    if (memory->limit.is_set && memory->limit.value != 0)
        unit_property_u64(writer, "MemoryMax", (uint64_t)memory->limit.value);
    if (memory->reservation.is_set && memory->reservation.value != 0)
        unit_property_u64(writer, "MemoryLow", (uint64_t)memory->reservation.value);
    if (memory->swap.is_set && memory->swap.value == -1)
        unit_property_u64(writer, "MemorySwapMax", UNLIMITED);
    else if (memory->swap.is_set && memory->swap.value >= memory->limit.value &&
             memory->limit.value > 0)
        unit_property_u64(writer, "MemorySwapMax",
                          (uint64_t)(memory->swap.value - memory->limit.value));
}

static void write_cpu(BusWriter *writer, const LinuxCpu *cpu)
{
    bool has_quota = cpu->quota.is_set && cpu->quota.value != 0;

    if (cpu->shares.is_set && cpu->shares.value != 0)
        unit_property_u64(writer, "CPUWeight", cgroup_shares_to_weight(cpu->shares.value));
    if (has_quota)
        write_quota(writer, cpu->quota.value, cpu->period.is_set ? cpu->period.value : 0);
    else if (cpu->period.is_set && cpu->period.value != 0)
        unit_property_u64(writer, "CPUQuotaPeriodUSec", cpu->period.value);
    write_list(writer, "AllowedCPUs", cpu->cpus);
    write_list(writer, "AllowedMemoryNodes", cpu->mems);
}

/* "max 100000", "50000" */
static void write_unified_quota(BusWriter *writer, const char *value)
{
    _cleanup_free_ char *copy = memory_strdup(value);
    char *rest = copy;
    const char *first = strsep(&rest, " ");
    uint64_t period = 0;
    int64_t quota = -1;

    if (strcmp(first, "max") != 0 && parse_i64(first, &quota) < 0)
        return;
    if (rest && parse_u64(rest, &period) < 0)
        return;
    write_quota(writer, quota, period);
}

static void write_unified(BusWriter *writer, const StringMap *unified)
{
    static const struct {
        const char *file, *property;
    } numbers[] = {
        { "cpu.weight", "CPUWeight" }, { "memory.min", "MemoryMin" },
        { "memory.low", "MemoryLow" }, { "memory.high", "MemoryHigh" },
        { "memory.max", "MemoryMax" }, { "memory.swap.max", "MemorySwapMax" },
        { "pids.max", "TasksMax" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        const char *value = string_map_get(unified, numbers[i].file);
        uint64_t number = UNLIMITED;

        if (value && (strcmp(value, "max") == 0 || parse_u64(value, &number) == 0))
            unit_property_u64(writer, numbers[i].property, number);
    }
    if (string_map_get(unified, "cpu.max"))
        write_unified_quota(writer, string_map_get(unified, "cpu.max"));
    write_list(writer, "AllowedCPUs", string_map_get(unified, "cpuset.cpus"));
    write_list(writer, "AllowedMemoryNodes", string_map_get(unified, "cpuset.mems"));
}

static void write_devices(BusWriter *writer, const LinuxDeviceRules *rules)
{
    _cleanup_string_list_ StringList devices = {}, access = {};
    bool is_list = cgroup_devices_list(rules, &devices, &access);
    size_t array;

    /* Without a list, systemd allows everything, and the rules hold as the cgroup has them. */
    unit_property_string(writer, "DevicePolicy", is_list ? "strict" : "auto");
    begin(writer, "DeviceAllow", "a(ss)"); /* an empty one forgets those before */
    array = bus_write_array(writer, 8);
    bus_write_array_end(writer, array, 8);
    if (!is_list || devices.count == 0)
        return;
    begin(writer, "DeviceAllow", "a(ss)");
    array = bus_write_array(writer, 8);
    for (size_t i = 0; i < devices.count; i++) {
        bus_write_struct(writer);
        bus_write_string(writer, devices.items[i]);
        bus_write_string(writer, access.items[i]);
    }
    bus_write_array_end(writer, array, 8);
}

void unit_properties_write(BusWriter *writer, const LinuxResources *resources, bool is_update)
{
    write_memory(writer, &resources->memory);
    write_cpu(writer, &resources->cpu);
    if (resources->pids && (is_update || resources->pids->limit > 0))
        unit_property_u64(writer, "TasksMax",
                          resources->pids->limit > 0 ? (uint64_t)resources->pids->limit
                                                     : UNLIMITED);
    if (resources->block_io.weight.is_set && resources->block_io.weight.value != 0)
        unit_property_u64(writer, "IOWeight",
                          (uint64_t)settings_io_weight((int64_t)resources->block_io.weight.value));
    write_unified(writer, &resources->unified);
    if (!is_update || resources->devices.count > 0)
        write_devices(writer, &resources->devices);
}
