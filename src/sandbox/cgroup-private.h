/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Inside of cgroups: the hierarchies of this host, each with the handle of one cgroup in it.
 * cgroup-layout.c finds them, cgroup-place.c tells where processes are in them, cgroup-v1.c and
 * cgroup-v2.c know what differs, cgroup-limits.c and cgroup-devices.c know what resources mean,
 * cgroup-settings.c writes it, cgroup-tree.c makes and removes directories, cgroup-processes.c
 * finds and ends processes, cgroup-systemd.c has systemd make the cgroup.
 */

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "sandbox/cgroup.h"

typedef enum CgroupController {
    CGROUP_CPU,
    CGROUP_CPUACCT,
    CGROUP_CPUSET,
    CGROUP_MEMORY,
    CGROUP_DEVICES, /* v2 has a BPF program instead */
    CGROUP_FREEZER, /* v2 has it in every cgroup */
    CGROUP_IO,      /* "blkio" in v1 */
    CGROUP_PIDS,
    CGROUP_HUGETLB,
    CGROUP_NET_CLS,
    CGROUP_NET_PRIO,
    CGROUP_RDMA,
    _CGROUP_CONTROLLER_MAX,
} CgroupController;

/* The controller's name in v1 or v2. */
const char *cgroup_controller_name(CgroupController controller, bool is_v2);

/* Those of a list such as "cpu memory" or "rw,cpu,cpuacct" as a mask; others do not count. */
unsigned cgroup_controllers_parse(const char *list, bool is_v2);

#define CGROUP_BIT(controller) (1U << (controller))
#define CGROUP_HIERARCHIES_MAX 16

typedef struct CgroupHierarchy {
    bool is_v2;
    unsigned controllers; /* mounted here; of v2: available in the cgroup */
    dev_t device;         /* of its file system: what tells hierarchies apart */
    char *options;        /* of its file system, of v1: the controllers or "name=..." */
    char *mount_root;     /* the cgroup that is mounted: "/", or below it */
    int root_fd;          /* where it is mounted */
    int fd;               /* the cgroup's directory, -EBADF where it has none */
    bool is_denied;       /* it has none because we may not make one */
} CgroupHierarchy;

typedef struct CgroupLayout {
    CgroupHierarchy items[CGROUP_HIERARCHIES_MAX]; /* v2 first */
    size_t count;
} CgroupLayout;

typedef struct CgroupUnit CgroupUnit;

struct Cgroup {
    char *path; /* absolute; cgroup_relative_path() is without the first slash */
    CgroupLayout layout;
    CgroupUnit *unit; /* NULL: not of systemd */
    bool is_borrowed; /* of a process: in each hierarchy somewhere else */
};

/* As the calls below a root_fd take it. */
const char *cgroup_relative_path(const Cgroup *cgroup);

/* Find and open all hierarchies. Errors: UNSUPPORTED (none is mounted), SYSTEM. */
int cgroup_layout_find(CgroupLayout *ret, Error *err);
void cgroup_layout_done(CgroupLayout *layout);
void cgroup_hierarchy_done(CgroupHierarchy *hierarchy);

/* cgroup_create() without systemd, and cgroup_open(), in the hierarchies of @layout, which is
 * consumed. */
int cgroup_create_in(CgroupLayout *layout, const char *path, const LinuxResources *resources,
                     Cgroup **ret, Error *err);
int cgroup_open_in(CgroupLayout *layout, const char *path, Cgroup **ret, Error *err);

/* The hierarchy that has @controller, or NULL. */
CgroupHierarchy *cgroup_find_controller(Cgroup *cgroup, CgroupController controller);

/* The v2 hierarchy with this cgroup in it, or NULL. */
const CgroupHierarchy *cgroup_unified(const Cgroup *cgroup);

/* Places (cgroup-place.c). */

/* True where we are not root over the machine: in a user namespace, or without CAP_SYS_ADMIN. */
bool cgroup_is_unprivileged(void);

/* What the kernel says to those who may not do something here. */
static inline bool cgroup_is_denial(int r)
{
    return r == -EACCES || r == -EPERM || r == -EROFS;
}

/*
 * The cgroup of a process in the hierarchy, from the text of /proc/PID/cgroup: a path below root_fd
 * without a slash in front ("." for the root itself). Free it. NULL where it is out of reach.
 */
char *cgroup_place_find(const CgroupHierarchy *hierarchy, const char *text);

/* The absolute path that linux.cgroupsPath, absolute or not, means; free it. @wanted: the
 * controllers that it needs. */
char *cgroup_place_resolve(const CgroupLayout *layout, const char *path, unsigned wanted);

/* Directories (cgroup-tree.c). Each works in one hierarchy. */

/*
 * Make the directory @path below the hierarchy's root with missing parents, which are marked as
 * ours, and open it. An existing one is replaced, or with @keeps taken as it is.
 * Returns 0 or -errno (-EBUSY: it exists and has processes).
 */
int cgroup_tree_make(CgroupHierarchy *hierarchy, const char *path, bool keeps);

/* Remove it, all below it, and those parents of ours that are empty now. Missing is success. */
int cgroup_tree_remove(const CgroupHierarchy *hierarchy, const char *path);

/* Processes (cgroup-processes.c), each named by the directory of a cgroup. */

/* The paths below @fd of all cgroups in it, itself as ".", parents before children. */
int cgroup_list_tree(int fd, StringList *ret);

/* True while it or one below it has a process that is not dead, or cannot be read. */
bool cgroup_has_processes(int fd);

typedef struct CgroupPids {
    pid_t *items;
    size_t count;
    size_t capacity;
} CgroupPids;

/* Those that are in it and below. Returns 0 or -errno. */
int cgroup_pids_read(int fd, CgroupPids *ret);
void cgroup_pids_done(CgroupPids *pids);

/* Processes by pidfd: `CgroupProcesses processes = {}` is none. */
typedef struct CgroupProcesses {
    struct pollfd *items;
    size_t count;
} CgroupProcesses;

void cgroup_processes_done(CgroupProcesses *processes);

/* Those that are there now, in it and below. Returns 0 or -errno. */
int cgroup_processes_open(int fd, CgroupProcesses *ret);
void cgroup_processes_kill(const CgroupProcesses *processes);
/* Wait until all have ended. Returns 0 or -errno. */
int cgroup_processes_wait(CgroupProcesses *processes);

/*
 * What only v1 needs: a cpuset that allows nothing gets what its parent allows. With @is_parent,
 * what is made below starts with that.
 */
int cgroup_v1_prepare(const CgroupHierarchy *hierarchy, int fd, bool is_parent);
/* Kill through the v1 hierarchies; for hosts without cgroup.kill. */
int cgroup_v1_kill(Cgroup *cgroup, Error *err);
/* Let go what the v1 freezer holds in it and below, where there is one. Returns 0 or -errno. */
int cgroup_v1_thaw(const Cgroup *cgroup);

/*
 * Switch on the controllers @wanted for the cgroup in the v2 hierarchy, in all its parents, and
 * note which it has. Those that cannot be had are left out. Returns 0 or -errno.
 */
int cgroup_v2_prepare(CgroupHierarchy *hierarchy, const char *path, unsigned wanted);
/* Returns 1 when all is killed, 0 where the kernel has no cgroup.kill, or -errno. */
int cgroup_v2_kill(const Cgroup *cgroup, const CgroupHierarchy *hierarchy);
bool cgroup_v2_is_populated(const CgroupHierarchy *hierarchy);

/*
 * Whether cgroup.events says that @key ("populated", "frozen") is 1, from its descriptor. Reading
 * arms the next poll(2) for POLLPRI, which tells of a change. Returns 0, 1 or -errno (-ENODEV: the
 * cgroup is gone).
 */
int cgroup_v2_read_event(int events_fd, const char *key);

/* The controllers that @resources ask for. */
unsigned cgroup_limits_wanted(const LinuxResources *resources);

/*
 * Write the limits that are set. With @is_update also values that a new cgroup has anyway.
 * Errors: INVALID, UNSUPPORTED, CONFLICT (more is in use), SYSTEM; each names field and value.
 */
int cgroup_limits_apply(Cgroup *cgroup, const LinuxResources *resources, bool is_update,
                        Error *err);

/* Deny all devices but the default ones and those that @rules allow. Errors: as above. */
int cgroup_devices_apply(Cgroup *cgroup, const LinuxDeviceRules *rules, Error *err);

/*
 * What the rules allow, as a list of devices in systemd's DeviceAllow: pairs of a device
 * ("/dev/char/1:3", "char-pts", "block-*") and the access ("rwm"). False where such a list cannot
 * say it: all is allowed, or all but something.
 */
bool cgroup_devices_list(const LinuxDeviceRules *rules, StringList *ret_devices,
                         StringList *ret_access);

/* Read the number after @key in a file of "key value" lines; 0 where there is none. */
uint64_t cgroup_read_key(int fd, const char *file, const char *key);

/* Shares of v1 as weight of v2. */
uint64_t cgroup_shares_to_weight(uint64_t shares);

/* systemd (cgroup-systemd.c). */

/*
 * Have systemd make a unit for linux.cgroupsPath "slice:prefix:name", with a process of ours in it
 * where it takes one. *ret_path is its cgroup; free it.
 */
int cgroup_unit_start(const char *cgroups_path, const LinuxResources *resources, CgroupUnit **ret,
                      char **ret_path, Error *err);
/* The unit that has the cgroup @path. */
CgroupUnit *cgroup_unit_of(const char *path);
/* End our process in it. */
void cgroup_unit_settle(CgroupUnit *unit);
int cgroup_unit_update(const CgroupUnit *unit, const LinuxResources *resources, Error *err);
/* A unit that is gone already is success. */
int cgroup_unit_stop(const CgroupUnit *unit, Error *err);
void cgroup_unit_free(CgroupUnit *unit);
