/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What must hold of a container's limits, whichever front end asked for them. Minimums and ranges
 * are Docker's; what the kernel of this host lacks is found out when the container is made.
 */

#include <inttypes.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/parse.h"
#include "engine/container-private.h"
#include "engine/container-spec.h"

#define MEMORY_MIN (INT64_C(6) << 20)
#define CPU_SHARES_MIN 2
#define CPU_PERIOD_MIN 1000
#define CPU_PERIOD_MAX 1000000
#define BLKIO_WEIGHT_MIN 10
#define BLKIO_WEIGHT_MAX 1000
#define CPU_SHARES_MAX 262144
#define NANO_CPUS_MIN INT64_C(10000000)
#define NANO_CPUS_PER_CPU INT64_C(1000000000)

static const char *const ulimit_names[] = {
    "core",   "cpu",   "data", "fsize",  "locks",  "memlock",    "msgqueue", "nice",
    "nofile", "nproc", "rss",  "rtprio", "rttime", "sigpending", "stack",
};

static bool ulimit_is_known(const char *name)
{
    for (size_t i = 0; name && i < ARRAY_SIZE(ulimit_names); i++)
        if (strcmp(ulimit_names[i], name) == 0)
            return true;
    return false;
}

static int check_ulimits(const ContainerSpec *spec, Error *err)
{
    for (size_t i = 0; i < spec->ulimits.count; i++) {
        const ContainerUlimit *limit = &spec->ulimits.items[i];

        if (!ulimit_is_known(limit->name))
            return error_set(err, ERROR_INVALID, "unknown ulimit '%s', see getrlimit(2)",
                             limit->name ? limit->name : "");
        if (limit->soft < -1 || limit->hard < -1)
            return error_set(err, ERROR_INVALID,
                             "ulimit '%s' is negative: only -1, for unlimited, is allowed",
                             limit->name);
        if (limit->hard != -1 && (limit->soft == -1 || limit->soft > limit->hard))
            return error_set(err, ERROR_INVALID,
                             "ulimit '%s': the soft limit %" PRId64
                             " must not be above the hard limit %" PRId64,
                             limit->name, limit->soft, limit->hard);
    }
    return 0;
}

static int check_shm_size(const ContainerSpec *spec, Error *err)
{
    if (spec->shm_size < 0)
        return error_set(err, ERROR_INVALID, "the size of /dev/shm cannot be negative");
    return 0;
}

static int check_memory(const ContainerSpec *spec, Error *err)
{
    if (spec->memory != 0 && spec->memory < MEMORY_MIN)
        return error_set(err, ERROR_INVALID,
                         "memory limit of %" PRId64 " bytes is too low: the minimum is 6MB",
                         spec->memory);
    if (spec->memory_swap < -1)
        return error_set(err, ERROR_INVALID,
                         "memory-swap limit cannot be negative: only -1, for unlimited swap, is "
                         "allowed");
    if (spec->memory_swap > 0 && spec->memory == 0)
        return error_set(err, ERROR_INVALID,
                         "memory-swap limit needs a memory limit: set '--memory' as well");
    if (spec->memory_swap > 0 && spec->memory_swap < spec->memory)
        return error_set(err, ERROR_INVALID,
                         "memory-swap limit is the sum of memory and swap: it cannot be below the "
                         "memory limit of %" PRId64 " bytes",
                         spec->memory);
    return 0;
}

static int check_cpus(const ContainerSpec *spec, Error *err)
{
    long n_cpus;

    /* Asking for their number opens a file; most containers have no limit. */
    if (spec->nano_cpus != 0) {
        n_cpus = sysconf(_SC_NPROCESSORS_ONLN);
        if (spec->nano_cpus < NANO_CPUS_MIN || spec->nano_cpus > n_cpus * NANO_CPUS_PER_CPU)
            return error_set(err, ERROR_INVALID,
                             "range of CPUs is from 0.01 to %ld.00, as there are only %ld CPUs "
                             "available",
                             n_cpus, n_cpus);
    }
    if (spec->cpu_shares != 0 &&
        (spec->cpu_shares < CPU_SHARES_MIN || spec->cpu_shares > CPU_SHARES_MAX))
        return error_set(err, ERROR_INVALID, "cpu shares of %" PRId64 " are not from %d to %d",
                         spec->cpu_shares, CPU_SHARES_MIN, CPU_SHARES_MAX);
    if (spec->cpuset_cpus && *spec->cpuset_cpus && parse_cpu_list(spec->cpuset_cpus) < 0)
        return error_set(err, ERROR_INVALID,
                         "invalid list of CPUs '%s': write it as '0-3' or '0,2'",
                         spec->cpuset_cpus);
    return 0;
}

static int check_pids_limit(const ContainerSpec *spec, Error *err)
{
    if (spec->pids_limit < -1)
        return error_set(err, ERROR_INVALID,
                         "pids limit of %" PRId64 " is invalid: use a positive number, or -1 for "
                         "unlimited",
                         spec->pids_limit);
    return 0;
}

static int check_weight(const char *what, int64_t weight, Error *err)
{
    if (weight != 0 && (weight < BLKIO_WEIGHT_MIN || weight > BLKIO_WEIGHT_MAX))
        return error_set(err, ERROR_INVALID, "%s weight of %" PRId64 " is not from %d to %d", what,
                         weight, BLKIO_WEIGHT_MIN, BLKIO_WEIGHT_MAX);
    return 0;
}

static int check_block_io(const ContainerSpec *spec, Error *err)
{
    int r = check_weight("blkio", spec->blkio_weight, err);

    for (size_t i = 0; i < spec->blkio_weight_devices.count && r >= 0; i++)
        r = check_weight(spec->blkio_weight_devices.items[i].path,
                         spec->blkio_weight_devices.items[i].weight, err);
    return r;
}

static int check_oom(const ContainerSpec *spec, Error *err)
{
    if (spec->oom_score_adj < -1000 || spec->oom_score_adj > 1000)
        return error_set(err, ERROR_INVALID,
                         "OOM score adjustment of %" PRId64 " is not from -1000 to 1000",
                         spec->oom_score_adj);
    if (spec->memory_swappiness.is_set &&
        (spec->memory_swappiness.value < -1 || spec->memory_swappiness.value > 100))
        return error_set(err, ERROR_INVALID,
                         "memory swappiness of %" PRId64 " is not from 0 to 100",
                         spec->memory_swappiness.value);
    if (spec->memory_reservation != 0 && spec->memory_reservation < MEMORY_MIN)
        return error_set(err, ERROR_INVALID,
                         "memory reservation of %" PRId64 " bytes is too low: the minimum is 6MB",
                         spec->memory_reservation);
    if (spec->memory != 0 && spec->memory_reservation > spec->memory)
        return error_set(err, ERROR_INVALID,
                         "the memory reservation cannot be above the memory limit");
    return 0;
}

static int check_cpu_period(const ContainerSpec *spec, Error *err)
{
    if (spec->nano_cpus != 0 && (spec->cpu_period != 0 || spec->cpu_quota != 0))
        return error_set(err, ERROR_INVALID,
                         "conflicting options: '--cpus' is a period and a quota of its own");
    if (spec->cpu_period != 0 &&
        (spec->cpu_period < CPU_PERIOD_MIN || spec->cpu_period > CPU_PERIOD_MAX))
        return error_set(err, ERROR_INVALID,
                         "CPU period of %" PRId64 " microseconds is not from 1000 to 1000000",
                         spec->cpu_period);
    if (spec->cpu_quota != 0 && spec->cpu_quota != -1 && spec->cpu_quota < CPU_PERIOD_MIN)
        return error_set(err, ERROR_INVALID, "CPU quota of %" PRId64 " microseconds is below 1000",
                         spec->cpu_quota);
    if (spec->cpu_rt_runtime != 0 && spec->cpu_rt_period != 0 &&
        spec->cpu_rt_runtime > spec->cpu_rt_period)
        return error_set(err, ERROR_INVALID,
                         "the real-time runtime cannot be longer than the real-time period");
    if (spec->cpuset_mems && *spec->cpuset_mems && parse_cpu_list(spec->cpuset_mems) < 0)
        return error_set(err, ERROR_INVALID,
                         "invalid list of memory nodes '%s': write it as '0-3' or '0,2'",
                         spec->cpuset_mems);
    return 0;
}

int container_limits_validate(const ContainerSpec *spec, Error *err)
{
    static int (*const checks[])(const ContainerSpec *, Error *) = {
        check_ulimits,    check_shm_size, check_memory, check_cpus,
        check_pids_limit, check_block_io, check_oom,    check_cpu_period,
    };

    for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
        int r = checks[i](spec, err);

        if (r < 0)
            return r;
    }
    return 0;
}
