/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * When a process gets a CPU or a disk: scheduler, I/O priority, affinity. Set from outside, by
 * whoever has the rights for it: the process in its user namespace has none that count here.
 */

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "sandbox/runtime-config.h"

/* Each returns 0, or -EINVAL for an unknown name. */
int scheduler_policy_from_name(const char *name, uint32_t *ret);
int scheduler_flag_from_name(const char *name, uint32_t *ret);
int io_priority_class_from_name(const char *name, uint32_t *ret);

/*
 * Apply process.scheduler and process.ioPriority to @pid (our child). Errors name the member:
 * DENIED (CAP_SYS_NICE, or no realtime budget in the cgroup), UNSUPPORTED, SYSTEM.
 */
int scheduling_apply(pid_t pid, const RuntimeProcess *process, Error *err);

/*
 * Apply one of process.execCPUAffinity's lists to @pid; NULL or empty: leave it alone. @member is
 * "initial" (before the process is moved into the container's cgroup) or "final" (after it, right
 * before the program). For `exec`: a container's first process has none. Errors: INVALID (no CPU
 * of the list may be used), SYSTEM.
 */
int cpu_affinity_apply(pid_t pid, const char *list, const char *member, Error *err);
