/* SPDX-License-Identifier: Apache-2.0 */

/* Memory, CPU and process limits in the units of the OCI configuration. */

#include "engine/config-resources.h"

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
}

static void add_cpu(LinuxCpu *cpu, const ContainerSpec *spec)
{
    if (spec->nano_cpus > 0) {
        cpu->period = (OptionalUint64) { .is_set = true, .value = CONTAINER_CPU_PERIOD };
        cpu->quota = (OptionalInt64) {
            .is_set = true,
            .value = spec->nano_cpus / (NANOSECONDS_PER_SECOND / CONTAINER_CPU_PERIOD),
        };
    }
    if (spec->cpu_shares > 0)
        cpu->shares = (OptionalUint64) { .is_set = true, .value = (uint64_t)spec->cpu_shares };
    cpu->cpus = memory_strdup(spec->cpuset_cpus);
}

void config_add_resources(RuntimeConfig *config, const ContainerSpec *spec)
{
    LinuxResources *resources = &config->linux_config.resources;

    add_memory(&resources->memory, spec);
    add_cpu(&resources->cpu, spec);
    resources->pids = NEW(LinuxPids);
    resources->pids->limit =
        spec->pids_limit != 0 ? spec->pids_limit : CONTAINER_DEFAULT_PIDS_LIMIT;
}
