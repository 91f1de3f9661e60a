/* SPDX-License-Identifier: Apache-2.0 */

/* The names of scheduling attributes and the three system calls that take them. */

#include "sandbox/scheduling-private.h"

#include <errno.h>
#include <linux/ioprio.h>
#include <linux/sched.h>
#include <linux/sched/types.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/parse.h"
#include "sandbox/named-numbers-private.h"

/* Reserved by the kernel, implemented by none that was released. */
#define POLICY_ISO 4

static const NamedNumber policies[] = {
    { "SCHED_OTHER", SCHED_NORMAL },
    { "SCHED_FIFO", SCHED_FIFO },
    { "SCHED_RR", SCHED_RR },
    { "SCHED_BATCH", SCHED_BATCH },
    { "SCHED_ISO", POLICY_ISO },
    { "SCHED_IDLE", SCHED_IDLE },
    { "SCHED_DEADLINE", SCHED_DEADLINE },
};

static const NamedNumber scheduler_flags[] = {
    { "SCHED_FLAG_RESET_ON_FORK", SCHED_FLAG_RESET_ON_FORK },
    { "SCHED_FLAG_RECLAIM", SCHED_FLAG_RECLAIM },
    { "SCHED_FLAG_DL_OVERRUN", SCHED_FLAG_DL_OVERRUN },
    { "SCHED_FLAG_KEEP_POLICY", SCHED_FLAG_KEEP_POLICY },
    { "SCHED_FLAG_KEEP_PARAMS", SCHED_FLAG_KEEP_PARAMS },
    { "SCHED_FLAG_UTIL_CLAMP_MIN", SCHED_FLAG_UTIL_CLAMP_MIN },
    { "SCHED_FLAG_UTIL_CLAMP_MAX", SCHED_FLAG_UTIL_CLAMP_MAX },
};

static const NamedNumber io_priority_classes[] = {
    { "IOPRIO_CLASS_RT", IOPRIO_CLASS_RT },
    { "IOPRIO_CLASS_BE", IOPRIO_CLASS_BE },
    { "IOPRIO_CLASS_IDLE", IOPRIO_CLASS_IDLE },
};

int scheduler_policy_from_name(const char *name, uint32_t *ret)
{
    return named_number_find(policies, ARRAY_SIZE(policies), name, ret);
}

int scheduler_flag_from_name(const char *name, uint32_t *ret)
{
    return named_number_find(scheduler_flags, ARRAY_SIZE(scheduler_flags), name, ret);
}

int io_priority_class_from_name(const char *name, uint32_t *ret)
{
    return named_number_find(io_priority_classes, ARRAY_SIZE(io_priority_classes), name, ret);
}

static bool is_realtime(uint32_t policy)
{
    return policy == SCHED_FIFO || policy == SCHED_RR;
}

static int set_scheduler(pid_t pid, const RuntimeScheduler *scheduler, Error *err)
{
    struct sched_attr attributes = {
        .size = sizeof(attributes),
        .sched_nice = scheduler->nice,
        .sched_priority = (uint32_t)scheduler->priority,
        .sched_runtime = scheduler->runtime,
        .sched_deadline = scheduler->deadline,
        .sched_period = scheduler->period,
    };

    /* Validated: the names are known. */
    (void)scheduler_policy_from_name(scheduler->policy, &attributes.sched_policy);
    for (size_t i = 0; i < scheduler->flags.count; i++) {
        uint32_t flag = 0;

        (void)scheduler_flag_from_name(scheduler->flags.items[i], &flag);
        attributes.sched_flags |= flag;
    }
    if (syscall(SYS_sched_setattr, pid, &attributes, 0) == 0)
        return 0;
    if (errno == EINVAL && attributes.sched_policy == POLICY_ISO)
        return error_set(err, ERROR_UNSUPPORTED, "process.scheduler: the kernel has no SCHED_ISO");
    if (errno == EPERM && is_realtime(attributes.sched_policy))
        return error_set(
            err, ERROR_DENIED,
            "process.scheduler: %s takes CAP_SYS_NICE, and a realtime budget where the "
            "kernel shares it out among cgroups",
            scheduler->policy);
    if (errno == EPERM)
        return error_set(err, ERROR_DENIED, "process.scheduler: %s takes CAP_SYS_NICE",
                         scheduler->policy);
    return error_errno(err, "process.scheduler: set %s", scheduler->policy);
}

static int set_io_priority(pid_t pid, const RuntimeIoPriority *priority, Error *err)
{
    uint32_t class_number = IOPRIO_CLASS_NONE;

    (void)io_priority_class_from_name(priority->class_name, &class_number); /* validated */
    if (syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, pid,
                IOPRIO_PRIO_VALUE(class_number, priority->priority)) < 0)
        return error_errno(err, "process.ioPriority: set %s, %d", priority->class_name,
                           priority->priority);
    return 0;
}

int scheduling_apply(pid_t pid, const RuntimeProcess *process, Error *err)
{
    int r = process->scheduler ? set_scheduler(pid, process->scheduler, err) : 0;

    if (r == 0 && process->io_priority)
        r = set_io_priority(pid, process->io_priority, err);
    return r;
}

int cpu_affinity_apply(pid_t pid, const char *list, const char *member, Error *err)
{
    NumberSet cpus;

    if (!list || *list == '\0')
        return 0;
    if (parse_number_set(list, &cpus) < 0)
        return error_set(err, ERROR_INVALID, "process.execCPUAffinity.%s: '%s' is not a list",
                         member, list);
    if (syscall(SYS_sched_setaffinity, pid, sizeof(cpus.bits), cpus.bits) == 0)
        return 0;
    if (errno == EINVAL)
        return error_set(err, ERROR_INVALID,
                         "process.execCPUAffinity.%s: none of the CPUs '%s' may be used", member,
                         list);
    return error_errno(err, "process.execCPUAffinity.%s: set '%s'", member, list);
}
