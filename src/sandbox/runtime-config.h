/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The OCI runtime configuration (config.json, runtime specification 1.3) as plain structs: what
 * the engine writes and the sandbox turns into a process. Members are named after the
 * specification's; see its config.md and config-linux.md for what each one means.
 *
 * A RuntimeConfig owns all that it points to. Reading and writing go through field tables; what
 * the tables cannot express is checked by runtime_config_validate(), so that a configuration
 * that was parsed can be used without further checks of its form. Members for platforms other
 * than Linux are ignored.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/id-map.h"
#include "base/json-fields.h"
#include "base/string-list.h"

/* Of the specification, what is written. */
#define RUNTIME_CONFIG_VERSION "1.3.0"

/* A larger config.json is refused. */
#define RUNTIME_CONFIG_SIZE_MAX (4U << 20)

typedef struct RuntimeRoot {
    char *path; /* absolute, or relative to the bundle */
    bool readonly;
} RuntimeRoot;

typedef IdMapping LinuxIdMapping;
typedef IdRanges LinuxIdMappings;

typedef struct RuntimeMount {
    char *destination; /* a relative one starts at "/", too */
    char *type;        /* NULL for a bind mount */
    char *source;
    StringList options;
    LinuxIdMappings uid_mappings;
    LinuxIdMappings gid_mappings;
} RuntimeMount;

typedef struct RuntimeUser {
    uint32_t uid;
    uint32_t gid;
    OptionalUint64 umask; /* at most 07777 */
    JSON_ARRAY_OF(uint32_t) additional_gids;
    char *username; /* not used on Linux */
} RuntimeUser;

typedef struct RuntimeConsoleSize {
    uint64_t height; /* rows, at most 65535 */
    uint64_t width;
} RuntimeConsoleSize;

/* Names as "CAP_CHOWN". */
typedef struct RuntimeCapabilities {
    StringList bounding;
    StringList effective;
    StringList inheritable;
    StringList permitted;
    StringList ambient;
} RuntimeCapabilities;

typedef struct RuntimeRlimit {
    char *type; /* "RLIMIT_NOFILE" */
    uint64_t soft;
    uint64_t hard;
} RuntimeRlimit;

typedef struct RuntimeIoPriority {
    char *class_name; /* "IOPRIO_CLASS_BE" */
    int32_t priority; /* 0 to 7 */
} RuntimeIoPriority;

typedef struct RuntimeScheduler {
    char *policy; /* "SCHED_OTHER" */
    int32_t nice;
    int32_t priority;
    StringList flags; /* "SCHED_FLAG_RESET_ON_FORK" */
    uint64_t runtime; /* nanoseconds, of SCHED_DEADLINE, as the two below */
    uint64_t deadline;
    uint64_t period;
} RuntimeScheduler;

typedef struct RuntimeExecCpuAffinity {
    char *initial; /* CPU list: "0-3,7" */
    char *final;
} RuntimeExecCpuAffinity;

typedef struct RuntimeProcess {
    bool terminal;
    RuntimeConsoleSize *console_size; /* NULL: not set */
    RuntimeUser user;
    StringList args;
    StringList env;                    /* "NAME=value" */
    char *cwd;                         /* absolute */
    RuntimeCapabilities *capabilities; /* NULL: none at all */
    JSON_ARRAY_OF(RuntimeRlimit) rlimits;
    bool no_new_privileges;
    char *apparmor_profile;
    char *selinux_label;
    OptionalInt64 oom_score_adj; /* -1000 to 1000; not set: inherited */
    RuntimeIoPriority *io_priority;
    RuntimeScheduler *scheduler;
    RuntimeExecCpuAffinity exec_cpu_affinity;
} RuntimeProcess;

typedef struct RuntimeHook {
    char *path;      /* absolute, in the runtime's namespace */
    StringList args; /* argv, with argv[0]; empty: the path alone */
    StringList env;
    OptionalInt64 timeout; /* seconds, at least 1 */
} RuntimeHook;

typedef JSON_ARRAY_OF(RuntimeHook) RuntimeHookList;

typedef struct RuntimeHooks {
    RuntimeHookList prestart;
    RuntimeHookList create_runtime;
    RuntimeHookList create_container;
    RuntimeHookList start_container;
    RuntimeHookList poststart;
    RuntimeHookList poststop;
} RuntimeHooks;

typedef struct LinuxNamespace {
    char *type; /* "pid"; linux_namespace_flag() gives the CLONE_NEW* flag */
    char *path; /* absolute: join this one; NULL: make a new one */
} LinuxNamespace;

typedef struct LinuxTimeOffset {
    int64_t secs;
    uint32_t nanosecs;
} LinuxTimeOffset;

typedef struct LinuxTimeOffsets {
    LinuxTimeOffset boottime;
    LinuxTimeOffset monotonic;
} LinuxTimeOffsets;

/* A device node to make in the container. */
typedef struct LinuxDevice {
    char *path;    /* absolute */
    char *type;    /* "c" or "u", "b", "p" */
    int64_t major; /* not of "p" */
    int64_t minor;
    OptionalUint64 file_mode; /* permission bits; others do not count */
    OptionalUint64 uid;
    OptionalUint64 gid;
} LinuxDevice;

/* A network device of the host that is moved into the container. */
typedef struct LinuxNetDevice {
    char *host_name; /* the member's name in the JSON object; has to be first */
    char *name;      /* in the container; NULL: the same */
} LinuxNetDevice;

/* One rule of the device controller. Rules are applied in order over "deny all". */
typedef struct LinuxDeviceRule {
    bool allow;
    char *type;          /* "a", "b", "c"; NULL: "a" */
    OptionalInt64 major; /* not set or -1: all */
    OptionalInt64 minor;
    char *access; /* of the letters "rwm"; NULL: all */
} LinuxDeviceRule;

typedef JSON_ARRAY_OF(LinuxDeviceRule) LinuxDeviceRules;

/* Bytes; -1 is unlimited. @swap is memory plus swap. */
typedef struct LinuxMemory {
    OptionalInt64 limit;
    OptionalInt64 reservation;
    OptionalInt64 swap;
    OptionalInt64 kernel;
    OptionalInt64 kernel_tcp;
    OptionalUint64 swappiness; /* 0 to 100 */
    OptionalBool disable_oom_killer;
    OptionalBool use_hierarchy;
    OptionalBool check_before_update;
} LinuxMemory;

/* Times in microseconds. */
typedef struct LinuxCpu {
    OptionalUint64 shares; /* 2 to 262144; 0: the default */
    OptionalInt64 quota;   /* -1: none */
    OptionalUint64 burst;
    OptionalUint64 period;
    OptionalInt64 realtime_runtime;
    OptionalUint64 realtime_period;
    char *cpus; /* CPU list */
    char *mems; /* memory node list */
    OptionalInt64 idle;
} LinuxCpu;

typedef struct LinuxPids {
    int64_t limit; /* 0 or less: unlimited */
} LinuxPids;

typedef struct LinuxBlockIoWeight {
    int64_t major;
    int64_t minor;
    OptionalUint64 weight;
    OptionalUint64 leaf_weight;
} LinuxBlockIoWeight;

typedef struct LinuxBlockIoThrottle {
    int64_t major;
    int64_t minor;
    uint64_t rate; /* bytes or operations a second; 0: unlimited */
} LinuxBlockIoThrottle;

typedef JSON_ARRAY_OF(LinuxBlockIoThrottle) LinuxBlockIoThrottles;

typedef struct LinuxBlockIo {
    OptionalUint64 weight; /* 10 to 1000 */
    OptionalUint64 leaf_weight;
    JSON_ARRAY_OF(LinuxBlockIoWeight) weight_devices;
    LinuxBlockIoThrottles throttle_read_bps;
    LinuxBlockIoThrottles throttle_write_bps;
    LinuxBlockIoThrottles throttle_read_iops;
    LinuxBlockIoThrottles throttle_write_iops;
} LinuxBlockIo;

typedef struct LinuxHugepageLimit {
    char *page_size; /* "2MB" */
    uint64_t limit;  /* bytes */
} LinuxHugepageLimit;

typedef struct LinuxInterfacePriority {
    char *name;
    uint32_t priority;
} LinuxInterfacePriority;

typedef struct LinuxNetwork {
    OptionalUint64 class_id; /* 32 bits */
    JSON_ARRAY_OF(LinuxInterfacePriority) priorities;
} LinuxNetwork;

typedef struct LinuxRdma {
    char *device; /* the member's name in the JSON object; has to be first */
    OptionalUint64 hca_handles;
    OptionalUint64 hca_objects;
} LinuxRdma;

/* What a cgroup limits. */
typedef struct LinuxResources {
    LinuxDeviceRules devices;
    LinuxMemory memory;
    LinuxCpu cpu;
    LinuxPids *pids; /* NULL: not set */
    LinuxBlockIo block_io;
    JSON_ARRAY_OF(LinuxHugepageLimit) hugepage_limits;
    LinuxNetwork network;
    JSON_ARRAY_OF(LinuxRdma) rdma;
    StringMap unified; /* file of the v2 cgroup -> what to write */
} LinuxResources;

typedef struct LinuxSeccompArg {
    uint32_t index; /* 0 to 5 */
    uint64_t value;
    uint64_t value_two; /* of SCMP_CMP_MASKED_EQ: what (argument & value) must equal */
    char *op;           /* "SCMP_CMP_EQ" */
} LinuxSeccompArg;

typedef struct LinuxSeccompSyscall {
    StringList names;
    char *action; /* "SCMP_ACT_ALLOW" */
    OptionalUint64 errno_ret;
    JSON_ARRAY_OF(LinuxSeccompArg) args; /* all must hold */
} LinuxSeccompSyscall;

typedef struct LinuxSeccomp {
    char *default_action;
    OptionalUint64 default_errno_ret;
    StringList architectures; /* "SCMP_ARCH_X86_64"; empty: the native one */
    StringList flags;         /* "SECCOMP_FILTER_FLAG_LOG" */
    char *listener_path;
    char *listener_metadata;
    JSON_ARRAY_OF(LinuxSeccompSyscall) syscalls;
} LinuxSeccomp;

typedef struct LinuxPersonality {
    char *domain; /* "LINUX" or "LINUX32" */
    StringList flags;
} LinuxPersonality;

typedef struct LinuxIntelRdt {
    char *clos_id;
    StringList schemata;
    char *l3_cache_schema;
    char *mem_bw_schema;
    bool enable_monitoring;
} LinuxIntelRdt;

typedef struct LinuxMemoryPolicy {
    char *mode; /* "MPOL_BIND" */
    char *nodes;
    StringList flags; /* "MPOL_F_STATIC_NODES" */
} LinuxMemoryPolicy;

typedef struct LinuxConfig {
    JSON_ARRAY_OF(LinuxNamespace) namespaces;
    LinuxIdMappings uid_mappings;
    LinuxIdMappings gid_mappings;
    LinuxTimeOffsets time_offsets;
    JSON_ARRAY_OF(LinuxDevice) devices;
    JSON_ARRAY_OF(LinuxNetDevice) net_devices;
    char *cgroups_path; /* absolute: from the root of each hierarchy */
    LinuxResources resources;
    char *rootfs_propagation; /* "private", "shared", "slave", "unbindable" */
    StringList masked_paths;
    StringList readonly_paths;
    char *mount_label;
    StringMap sysctl;      /* "net.ipv4.ip_forward" -> "1" */
    LinuxSeccomp *seccomp; /* NULL: no filter */
    LinuxPersonality *personality;
    LinuxIntelRdt *intel_rdt;
    LinuxMemoryPolicy *memory_policy;
} LinuxConfig;

typedef struct RuntimeConfig {
    char *oci_version;
    RuntimeRoot *root; /* never NULL once validated */
    JSON_ARRAY_OF(RuntimeMount) mounts;
    RuntimeProcess *process; /* NULL: the container can be created, not started */
    char *hostname;
    char *domainname;
    RuntimeHooks hooks;
    StringMap annotations;
    LinuxConfig linux_config; /* "linux" is a macro of the compiler */
} RuntimeConfig;

extern const JsonStruct runtime_config_json;
extern const JsonStruct runtime_process_json; /* "process" alone, as of process.json */
extern const JsonStruct linux_resources_json;
extern const JsonStruct linux_seccomp_json;

/* An empty configuration, not yet valid: the version is set and nothing else. */
RuntimeConfig *runtime_config_new(void);
void runtime_config_free(RuntimeConfig *config);
DEFINE_CLEANUP(RuntimeConfig *, runtime_config_free);

/*
 * Parse the text of a config.json (at most RUNTIME_CONFIG_SIZE_MAX bytes) and validate it.
 * Errors: INVALID, naming the member by its path ("linux.namespaces[2].type: ...").
 */
int runtime_config_parse(const char *data, size_t size, RuntimeConfig **ret, Error *err);

/* The same for the file @name in @dir_fd. Errors also: NOT_FOUND, SYSTEM. */
int runtime_config_read_at(int dir_fd, const char *name, RuntimeConfig **ret, Error *err);

/* A new reference; cannot fail. */
json_t *runtime_config_to_json(const RuntimeConfig *config);

/*
 * Check what the types alone cannot express: required members, absolute paths, known names, ranges,
 * duplicates, contradictions. runtime_config_parse() has done so already; this is for
 * configurations made in memory. Errors: INVALID.
 */
int runtime_config_validate(const RuntimeConfig *config, Error *err);

/* The CLONE_NEW* flag of a namespace's type ("network" -> CLONE_NEWNET), 0 for an unknown one. */
int linux_namespace_flag(const char *type);

/* The entry of that type ("pid"), or NULL. */
const LinuxNamespace *linux_namespace_find(const LinuxConfig *config, const char *type);

/* All types that it knows. */
void linux_namespace_names(StringList *ret);

/* The namespace (CLONE_NEW*) that the sysctl @name, in either notation, belongs to; 0: it is not a
 * container's own. */
int linux_sysctl_namespace(const char *name);

/* The RLIMIT_* number of its name ("RLIMIT_NOFILE"), or -EINVAL. */
int runtime_rlimit_number(const char *name);
