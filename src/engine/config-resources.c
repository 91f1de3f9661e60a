/* SPDX-License-Identifier: Apache-2.0 */

/* Limits of memory, CPU, processes and block devices in the units of the OCI configuration. */

#include "engine/config-resources.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/memory.h"
#include "base/time-format.h"

static OptionalInt64 set_unless_zero(int64_t value)
{
    return (OptionalInt64) { .is_set = value != 0, .value = value };
}

static void add_memory(LinuxMemory *memory, const ContainerSpec *spec)
{
    memory->limit = set_unless_zero(spec->memory);
    memory->swap = set_unless_zero(spec->memory_swap);
    memory->reservation = set_unless_zero(spec->memory_reservation);
    if (spec->memory_swappiness.is_set && spec->memory_swappiness.value >= 0)
        memory->swappiness = (OptionalUint64) { true, (uint64_t)spec->memory_swappiness.value };
    if (spec->oom_kill_disable)
        memory->disable_oom_killer = (OptionalBool) { true, true };
}

static OptionalUint64 set_unless_zero_unsigned(int64_t value)
{
    return (OptionalUint64) { .is_set = value > 0, .value = (uint64_t)value };
}

static void add_cpu(LinuxCpu *cpu, const ContainerSpec *spec)
{
    cpu->period = set_unless_zero_unsigned(spec->cpu_period);
    cpu->quota = set_unless_zero(spec->cpu_quota);
    if (spec->nano_cpus > 0) {
        cpu->period = (OptionalUint64) { .is_set = true, .value = CONTAINER_CPU_PERIOD };
        cpu->quota = (OptionalInt64) {
            .is_set = true,
            .value = spec->nano_cpus / (NANOSECONDS_PER_SECOND / CONTAINER_CPU_PERIOD),
        };
    }
    cpu->shares = set_unless_zero_unsigned(spec->cpu_shares);
    cpu->realtime_period = set_unless_zero_unsigned(spec->cpu_rt_period);
    cpu->realtime_runtime = set_unless_zero(spec->cpu_rt_runtime);
    cpu->cpus = memory_strdup(spec->cpuset_cpus);
    cpu->mems = memory_strdup(spec->cpuset_mems);
}

/* The number of the block device at @path on the host. */
static int find_block_device(const char *path, int64_t *ret_major, int64_t *ret_minor, Error *err)
{
    struct stat st;

    if (stat(path, &st) < 0)
        return error_errno(err, "block device '%s'", path);
    if (!S_ISBLK(st.st_mode))
        return error_set(err, ERROR_INVALID, "'%s' is not a block device", path);
    *ret_major = major(st.st_rdev);
    *ret_minor = minor(st.st_rdev);
    return 0;
}

static int add_throttles(LinuxBlockIoThrottles *throttles, const ContainerDeviceRates *rates,
                         Error *err)
{
    for (size_t i = 0; i < rates->count; i++) {
        LinuxBlockIoThrottle *throttle = JSON_ARRAY_ADD(throttles);
        int r = find_block_device(rates->items[i].path, &throttle->major, &throttle->minor, err);

        if (r < 0)
            return r;
        throttle->rate = (uint64_t)rates->items[i].rate;
    }
    return 0;
}

static int add_block_io(LinuxBlockIo *block_io, const ContainerSpec *spec, Error *err)
{
    int r = 0;

    block_io->weight = set_unless_zero_unsigned(spec->blkio_weight);
    for (size_t i = 0; i < spec->blkio_weight_devices.count && r >= 0; i++) {
        LinuxBlockIoWeight *weight = JSON_ARRAY_ADD(&block_io->weight_devices);

        r = find_block_device(spec->blkio_weight_devices.items[i].path, &weight->major,
                              &weight->minor, err);
        weight->weight = set_unless_zero_unsigned(spec->blkio_weight_devices.items[i].weight);
    }
    if (r >= 0)
        r = add_throttles(&block_io->throttle_read_bps, &spec->blkio_read_bps, err);
    if (r >= 0)
        r = add_throttles(&block_io->throttle_write_bps, &spec->blkio_write_bps, err);
    if (r >= 0)
        r = add_throttles(&block_io->throttle_read_iops, &spec->blkio_read_iops, err);
    if (r >= 0)
        r = add_throttles(&block_io->throttle_write_iops, &spec->blkio_write_iops, err);
    return r;
}

int config_make_resources(LinuxResources *resources, const ContainerSpec *spec, Error *err)
{
    add_memory(&resources->memory, spec);
    add_cpu(&resources->cpu, spec);
    resources->pids = NEW(LinuxPids);
    resources->pids->limit =
        spec->pids_limit != 0 ? spec->pids_limit : CONTAINER_DEFAULT_PIDS_LIMIT;
    return add_block_io(&resources->block_io, spec, err);
}
