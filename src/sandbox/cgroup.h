/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One control group per container behind one interface, whatever the host mounts: v1 hierarchies
 * one by one, the hybrid of both, or pure v2. The layout is found from /proc/self/mountinfo.
 *
 * A cgroup path is absolute ("/cay-<id>") and is taken below the root of every hierarchy as this
 * process sees it. Parents that had to be made are removed again with the last child. With systemd,
 * the cgroup is that of a unit, which systemd makes and removes; all else is the same.
 *
 * What a process without privileges may not make is left out, as long as no limit needs it: the
 * cgroup then is in fewer hierarchies, or in none (cgroup_is_empty()), and everything below works
 * on what there is. Nothing but its own process tells then what belongs to a container.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "sandbox/cgroup-stats.h"
#include "sandbox/runtime-config.h"

typedef struct Cgroup Cgroup;

typedef struct CgroupOptions {
    /*
     * linux.cgroupsPath. Absolute: from the root of each hierarchy as mounted. Relative: below the
     * root, or without privileges below the caller's own cgroup where that is delegated to it.
     * With systemd: "slice:prefix:name", the unit "prefix-name.scope" in that slice ("" for
     * system.slice, or user.slice of a user's own manager), or "name" if that ends in ".slice".
     */
    const char *path;
    bool systemd;
} CgroupOptions;

/* The cgroupsPath of a container @id that names none; free it. */
char *cgroup_default_path(const char *id, bool systemd);

/*
 * Make the cgroup in every hierarchy and apply @resources (may be NULL). Devices are denied
 * unless listed, but for those that every container has (config-linux.md, default devices) and
 * making nodes. An empty cgroup that somebody left there is replaced. On failure nothing is left
 * behind.
 * Errors: CONFLICT (it exists and has processes), INVALID (a path that is none; a value the kernel
 * refuses, named), UNSUPPORTED (no controller for a limit that was asked for), DENIED (a limit was
 * asked for and the cgroup for it cannot be made), UNAVAILABLE (no systemd), SYSTEM.
 */
int cgroup_create(const CgroupOptions *options, const LinuxResources *resources, Cgroup **ret,
                  Error *err);

/*
 * Give it to @uid and @gid, to make cgroups of their own in it; its own limits stay ours. Errors:
 * DENIED, SYSTEM.
 */
int cgroup_delegate(Cgroup *cgroup, uid_t uid, gid_t gid, Error *err);

/* Does the specification want it given to root of the container, and who is that outside? It does
 * where that has cgroups of its own and may write to them (config-linux.md, cgroup ownership). */
bool cgroup_wants_delegation(const RuntimeConfig *config, uid_t *ret_uid, gid_t *ret_gid);

/*
 * The first process is in it. Until then a process of ours may hold the place, because systemd
 * keeps no scope without one; it ends here, or with its parent.
 */
void cgroup_settle(Cgroup *cgroup);

/* Where it is: what cgroup_open() takes. Of an empty one, where it would be. */
const char *cgroup_path(const Cgroup *cgroup);

/* Attach to the existing cgroup cgroup_path(), to examine, join, kill or remove it, whoever has
 * made it. NOT_FOUND when no hierarchy has it. */
int cgroup_open(const char *path, Cgroup **ret, Error *err);

/* The same for one that was made with CgroupOptions.systemd. */
int cgroup_open_unit(const char *path, Cgroup **ret, Error *err);

/*
 * Attach to the cgroups that process @pid is in now. Another process joins it there when the
 * container's own cgroup in v2 takes none: a container may have moved its processes further down
 * and enabled controllers, and then the kernel says EBUSY. To be joined and read, not to be
 * removed. NOT_FOUND when there is no such process.
 */
int cgroup_open_of_process(pid_t pid, Cgroup **ret, Error *err);

/* True when it is in no hierarchy at all. */
bool cgroup_is_empty(const Cgroup *cgroup);

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

/* Apply changed limits to a running container. Fields that are not set stay as they are. When the
 * kernel refuses one, none has changed. Errors: as of cgroup_create(). */
int cgroup_update(Cgroup *cgroup, const LinuxResources *resources, Error *err);

/*
 * Can cgroups of this host limit swap? v1 may have been built or booted without; v2 counts swap
 * wherever the kernel has any. False where nothing is mounted.
 */
bool cgroup_can_limit_swap(void);

/* SIGKILL every process in it, children's cgroups included, also while they fork; returns once none
 * is left. */
int cgroup_kill(Cgroup *cgroup, Error *err);

/* True while a process that is not yet dead is in it or below. */
bool cgroup_is_populated(const Cgroup *cgroup);

/*
 * Stop all processes in it and below, or let them go on. Returns once the kernel has stopped the
 * last one: by cgroup.freeze of v2 where there is a v2 hierarchy, else by the freezer of v1. One
 * that is not frozen within ten seconds is let go again.
 * Errors: UNSUPPORTED (neither is there), UNAVAILABLE (a process cannot be stopped now), SYSTEM.
 */
int cgroup_freeze(Cgroup *cgroup, Error *err);
int cgroup_thaw(Cgroup *cgroup, Error *err);

/* True when all is frozen, by cgroup_freeze() or by somebody else. */
bool cgroup_is_frozen(const Cgroup *cgroup);

/* The processes in it and below, as this pid namespace numbers them, each once and ascending; free
 * the array. One that starts or ends meanwhile may be in it or not. */
int cgroup_list_pids(const Cgroup *cgroup, pid_t **ret_pids, size_t *ret_count, Error *err);

/* Read what the kernel counts. What a hierarchy cannot tell is zero or absent, see CgroupStats. */
int cgroup_read_stats(const Cgroup *cgroup, CgroupStats *ret, Error *err);

/* How often the kernel's OOM killer has struck here; 0 where it cannot tell. */
uint64_t cgroup_oom_kills(const Cgroup *cgroup);

/* Tells of each time that a cgroup runs out of memory from here on. */
typedef struct CgroupOomWatch CgroupOomWatch;

/* Errors: UNSUPPORTED (the cgroup has no memory controller), SYSTEM. */
int cgroup_oom_watch_new(const Cgroup *cgroup, CgroupOomWatch **ret, Error *err);
void cgroup_oom_watch_free(CgroupOomWatch *watch);
DEFINE_CLEANUP(CgroupOomWatch *, cgroup_oom_watch_free);

/* To be polled for input; stays the watch's. */
int cgroup_oom_watch_fd(const CgroupOomWatch *watch);

/*
 * Take what has happened, without waiting. Returns how often memory ran out since the last call (0:
 * not at all), or -ENODEV once the cgroup is gone; v2 tells that already when its last process is.
 */
int cgroup_oom_watch_read(CgroupOomWatch *watch);

/* Remove it with its children; missing is success. Processes must be gone. */
int cgroup_remove(Cgroup *cgroup, Error *err);

/* Forget the handle; the cgroup itself stays. */
void cgroup_free(Cgroup *cgroup);
DEFINE_CLEANUP(Cgroup *, cgroup_free);
