/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One control group per container behind one interface, whatever the host mounts: v1 hierarchies
 * one by one, the hybrid of both, or pure v2. The layout is found from /proc/self/mountinfo.
 *
 * A cgroup path is absolute ("/cay-<id>") and is taken below the root of every hierarchy as this
 * process sees it. Parents that had to be made are removed again with the last child.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "sandbox/runtime-config.h"

typedef struct Cgroup Cgroup;

/*
 * Make the cgroup @path in every hierarchy and apply @resources (may be NULL). Devices are denied
 * unless listed, but for those that every container has (config-linux.md, default devices) and
 * making nodes. An empty cgroup that somebody left there is replaced. On failure nothing is left
 * behind.
 * Errors: CONFLICT (it exists and has processes), INVALID (a value the kernel refuses, named),
 * UNSUPPORTED (no controller for a limit that was asked for), SYSTEM.
 */
int cgroup_create(const char *path, const LinuxResources *resources, Cgroup **ret, Error *err);

/* Attach to an existing cgroup, to examine, kill or remove it. NOT_FOUND when no hierarchy has it.
 */
int cgroup_open(const char *path, Cgroup **ret, Error *err);

/*
 * Move a process (as this pid namespace numbers it) into the cgroup in every hierarchy. The kernel
 * waits for an RCU grace period here, some ten milliseconds: a new process is better cloned into
 * cgroup_unified_fd() and then calls cgroup_enter() itself.
 */
int cgroup_attach(Cgroup *cgroup, pid_t pid, Error *err);

/*
 * For a single-threaded child between clone and exec: move itself into the cgroup in every v1
 * hierarchy, which takes the kernel microseconds. CLONE_INTO_CGROUP has done the v2 one. To be
 * called with the credentials and the user namespace of the parent, or as the root of a new one
 * that maps the parent's user. Returns 0 or -errno.
 */
int cgroup_enter(const Cgroup *cgroup);

/* The directory of the v2 hierarchy, for CLONE_INTO_CGROUP; -EBADF where there is none. Stays the
 * cgroup's. */
int cgroup_unified_fd(const Cgroup *cgroup);

/* Apply changed limits to a running container. Fields that are not set stay as they are. */
int cgroup_update(Cgroup *cgroup, const LinuxResources *resources, Error *err);

/* SIGKILL every process in it, children's cgroups included, also while they fork; returns once none
 * is left. */
int cgroup_kill(Cgroup *cgroup, Error *err);

/* True while a process that is not yet dead is in it or below. */
bool cgroup_is_populated(const Cgroup *cgroup);

/* How often the kernel's OOM killer has struck here; 0 where it cannot tell. */
uint64_t cgroup_oom_kills(const Cgroup *cgroup);

/* Remove it with its children; missing is success. Processes must be gone. */
int cgroup_remove(Cgroup *cgroup, Error *err);

/* Forget the handle; the cgroup itself stays. */
void cgroup_free(Cgroup *cgroup);
DEFINE_CLEANUP(Cgroup *, cgroup_free);
