/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What holds for a part of the configuration as a whole: members that must agree with each other,
 * lists without duplicates, settings that would be the host's without a namespace. Each rule
 * takes the struct that it is for, with all required members present.
 */

#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>

#include "base/memory.h"
#include "base/path.h"
#include "sandbox/runtime-config-private.h"

/* glibc 2.36 lacks it. */
#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

#define ID_MAPPINGS_MAX 340 /* UID_GID_MAP_MAX_EXTENTS */
#define GROUPS_MAX 65536    /* NGROUPS_MAX */

typedef struct NamedValue {
    const char *name;
    int value;
} NamedValue;

static const NamedValue namespaces[] = {
    { "mount", CLONE_NEWNS },  { "pid", CLONE_NEWPID },       { "network", CLONE_NEWNET },
    { "uts", CLONE_NEWUTS },   { "ipc", CLONE_NEWIPC },       { "user", CLONE_NEWUSER },
    { "time", CLONE_NEWTIME }, { "cgroup", CLONE_NEWCGROUP },
};

static const NamedValue rlimits[] = {
    { "RLIMIT_AS", RLIMIT_AS },
    { "RLIMIT_CORE", RLIMIT_CORE },
    { "RLIMIT_CPU", RLIMIT_CPU },
    { "RLIMIT_DATA", RLIMIT_DATA },
    { "RLIMIT_FSIZE", RLIMIT_FSIZE },
    { "RLIMIT_LOCKS", RLIMIT_LOCKS },
    { "RLIMIT_MEMLOCK", RLIMIT_MEMLOCK },
    { "RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE },
    { "RLIMIT_NICE", RLIMIT_NICE },
    { "RLIMIT_NOFILE", RLIMIT_NOFILE },
    { "RLIMIT_NPROC", RLIMIT_NPROC },
    { "RLIMIT_RSS", RLIMIT_RSS },
    { "RLIMIT_RTPRIO", RLIMIT_RTPRIO },
    { "RLIMIT_RTTIME", RLIMIT_RTTIME },
    { "RLIMIT_SIGPENDING", RLIMIT_SIGPENDING },
    { "RLIMIT_STACK", RLIMIT_STACK },
};

int linux_namespace_flag(const char *type)
{
    for (size_t i = 0; i < ARRAY_SIZE(namespaces); i++) {
        if (strcmp(namespaces[i].name, type) == 0)
            return namespaces[i].value;
    }
    return 0;
}

const LinuxNamespace *linux_namespace_find(const LinuxConfig *config, const char *type)
{
    for (size_t i = 0; i < config->namespaces.count; i++)
        if (strcmp(config->namespaces.items[i].type, type) == 0)
            return &config->namespaces.items[i];

    return NULL;
}

void linux_namespace_names(StringList *ret)
{
    for (size_t i = 0; i < ARRAY_SIZE(namespaces); i++)
        string_list_add(ret, namespaces[i].name);
}

int runtime_rlimit_number(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(rlimits); i++) {
        if (strcmp(rlimits[i].name, name) == 0)
            return rlimits[i].value;
    }
    return -EINVAL;
}

static bool has_namespace(const RuntimeConfig *config, int flag)
{
    for (size_t i = 0; i < config->linux_config.namespaces.count; i++) {
        if (linux_namespace_flag(config->linux_config.namespaces.items[i].type) == flag)
            return true;
    }
    return false;
}

static int invalid(Error *err, const char *what)
{
    return error_set(err, ERROR_INVALID, "%s", what);
}

int runtime_rule_user(const void *value, Error *err)
{
    const RuntimeUser *user = value;

    /* -1 means "leave as it is" to setresuid(2) and its kin. */
    if (user->uid == UINT32_MAX || user->gid == UINT32_MAX)
        return error_set(err, ERROR_INVALID, "%s: %u is not an id",
                         user->uid == UINT32_MAX ? "uid" : "gid", UINT32_MAX);
    if (user->additional_gids.count > GROUPS_MAX)
        return error_set(err, ERROR_INVALID, "additionalGids: more than %d groups", GROUPS_MAX);
    for (size_t i = 0; i < user->additional_gids.count; i++) {
        if (user->additional_gids.items[i] == UINT32_MAX)
            return error_set(err, ERROR_INVALID, "additionalGids[%zu]: %u is not an id", i,
                             UINT32_MAX);
    }
    return 0;
}

int runtime_rule_rlimits(const void *value, Error *err)
{
    const RuntimeProcess *process = value;
    unsigned seen = 0;

    for (size_t i = 0; i < process->rlimits.count; i++) {
        const RuntimeRlimit *limit = &process->rlimits.items[i];
        int number = runtime_rlimit_number(limit->type);

        if (number < 0)
            return error_set(err, ERROR_INVALID, "rlimits[%zu].type: '%s' is not known", i,
                             limit->type);
        if (seen & (1U << number))
            return error_set(err, ERROR_INVALID, "rlimits[%zu].type: '%s' is there twice", i,
                             limit->type);
        if (limit->soft > limit->hard)
            return error_set(err, ERROR_INVALID,
                             "rlimits[%zu].soft: %llu is more than the hard limit", i,
                             (unsigned long long)limit->soft);
        seen |= 1U << number;
    }
    return 0;
}

static bool ranges_overlap(uint32_t a, uint32_t size_a, uint32_t b, uint32_t size_b)
{
    return (uint64_t)a < (uint64_t)b + size_b && (uint64_t)b < (uint64_t)a + size_a;
}

static int check_mappings(const char *name, const LinuxIdMappings *mappings, Error *err)
{
    if (mappings->count > ID_MAPPINGS_MAX)
        return error_set(err, ERROR_INVALID, "%s: more than %d mappings", name, ID_MAPPINGS_MAX);
    for (size_t i = 0; i < mappings->count; i++) {
        const LinuxIdMapping *mapping = &mappings->items[i];

        if (mapping->size == 0)
            return error_set(err, ERROR_INVALID, "%s[%zu].size: must not be 0", name, i);
        /* The last id is no id. */
        if (mapping->container_id > UINT32_MAX - mapping->size ||
            mapping->host_id > UINT32_MAX - mapping->size)
            return error_set(err, ERROR_INVALID, "%s[%zu]: goes beyond the last id", name, i);
        for (size_t j = 0; j < i; j++) {
            const LinuxIdMapping *other = &mappings->items[j];

            if (ranges_overlap(mapping->container_id, mapping->size, other->container_id,
                               other->size) ||
                ranges_overlap(mapping->host_id, mapping->size, other->host_id, other->size))
                return error_set(err, ERROR_INVALID, "%s[%zu]: overlaps %s[%zu]", name, i, name, j);
        }
    }
    return 0;
}

int runtime_rule_mount(const void *value, Error *err)
{
    const RuntimeMount *mount = value;
    int r;

    r = check_mappings("uidMappings", &mount->uid_mappings, err);
    if (r < 0)
        return r;
    r = check_mappings("gidMappings", &mount->gid_mappings, err);
    if (r < 0)
        return r;
    if ((mount->uid_mappings.count == 0) != (mount->gid_mappings.count == 0))
        return invalid(err, "uidMappings: is only of use with gidMappings");
    return 0;
}

int runtime_rule_device(const void *value, Error *err)
{
    const LinuxDevice *device = value;

    if (device->major < 0 || device->minor < 0 || device->major > UINT32_MAX ||
        device->minor > UINT32_MAX)
        return error_set(err, ERROR_INVALID, "major: %lld:%lld is not a device number",
                         (long long)device->major, (long long)device->minor);
    return 0;
}

int runtime_rule_memory(const void *value, Error *err)
{
    const LinuxMemory *memory = value;

    if (memory->swap.is_set && memory->swap.value > 0) {
        if (!memory->limit.is_set || memory->limit.value <= 0)
            return invalid(err, "swap: needs a memory limit as well");
        if (memory->swap.value < memory->limit.value)
            return error_set(err, ERROR_INVALID,
                             "swap: %lld is memory plus swap, so not less than the memory limit",
                             (long long)memory->swap.value);
    }
    return 0;
}

/* The kernel takes some of these and silently does something else. */
int runtime_rule_scheduler(const void *value, Error *err)
{
    const RuntimeScheduler *scheduler = value;
    bool is_realtime =
        strcmp(scheduler->policy, "SCHED_FIFO") == 0 || strcmp(scheduler->policy, "SCHED_RR") == 0;
    bool is_deadline = strcmp(scheduler->policy, "SCHED_DEADLINE") == 0;

    if (is_realtime && scheduler->priority == 0)
        return error_set(err, ERROR_INVALID, "priority: is 1 to 99 with %s", scheduler->policy);
    if (!is_realtime && scheduler->priority != 0)
        return error_set(err, ERROR_INVALID, "priority: is of no use with %s", scheduler->policy);
    if (!is_deadline && (scheduler->runtime || scheduler->deadline || scheduler->period))
        return error_set(err, ERROR_INVALID,
                         "runtime: this, deadline and period are of no use with %s",
                         scheduler->policy);
    return 0;
}

int runtime_rule_memory_policy(const void *value, Error *err)
{
    const LinuxMemoryPolicy *policy = value;
    bool has_nodes = policy->nodes && *policy->nodes, takes_nodes, may_lack_nodes;

    if (!policy->mode)
        return invalid(err, "mode: is required");
    takes_nodes =
        strcmp(policy->mode, "MPOL_DEFAULT") != 0 && strcmp(policy->mode, "MPOL_LOCAL") != 0;
    may_lack_nodes = !takes_nodes || strcmp(policy->mode, "MPOL_PREFERRED") == 0;
    if (has_nodes && !takes_nodes)
        return error_set(err, ERROR_INVALID, "nodes: are of no use with %s", policy->mode);
    if (!has_nodes && !may_lack_nodes)
        return error_set(err, ERROR_INVALID, "nodes: are required by %s", policy->mode);
    if (string_list_contains(&policy->flags, "MPOL_F_STATIC_NODES") &&
        string_list_contains(&policy->flags, "MPOL_F_RELATIVE_NODES"))
        return invalid(err, "flags: nodes are either static or relative");
    return 0;
}

/* The specification wants this to fail rather than be ignored. */
static bool carries_errno(const char *action)
{
    return strcmp(action, "SCMP_ACT_ERRNO") == 0 || strcmp(action, "SCMP_ACT_TRACE") == 0;
}

int runtime_rule_seccomp(const void *value, Error *err)
{
    const LinuxSeccomp *seccomp = value;
    bool notifies = false;

    if (seccomp->default_errno_ret.is_set && !carries_errno(seccomp->default_action))
        return error_set(err, ERROR_INVALID, "defaultErrnoRet: is of no use with %s",
                         seccomp->default_action);

    if (strcmp(seccomp->default_action, "SCMP_ACT_NOTIFY") == 0)
        return invalid(err, "defaultAction: cannot be SCMP_ACT_NOTIFY");
    for (size_t i = 0; i < seccomp->syscalls.count; i++) {
        const LinuxSeccompSyscall *rule = &seccomp->syscalls.items[i];

        if (rule->errno_ret.is_set && !carries_errno(rule->action))
            return error_set(err, ERROR_INVALID, "syscalls[%zu].errnoRet: is of no use with %s", i,
                             rule->action);
        if (strcmp(rule->action, "SCMP_ACT_NOTIFY") != 0)
            continue;
        notifies = true;
        /* The agent gets its descriptor with the help of this call: it would wait for itself. */
        if (string_list_contains(&rule->names, "write"))
            return error_set(err, ERROR_INVALID, "syscalls[%zu]: 'write' cannot be notified", i);
    }
    if (notifies && !seccomp->listener_path)
        return invalid(err, "listenerPath: is required by SCMP_ACT_NOTIFY");
    if (seccomp->listener_metadata && !seccomp->listener_path)
        return invalid(err, "listenerMetadata: is of no use without listenerPath");
    return 0;
}

static int check_namespaces(const LinuxConfig *config, Error *err)
{
    int seen = 0;

    for (size_t i = 0; i < config->namespaces.count; i++) {
        const LinuxNamespace *namespace = &config->namespaces.items[i];
        int flag = linux_namespace_flag(namespace->type);
        const char *problem = flag == 0 ? "is not known" : (seen & flag) ? "is there twice" : NULL;

        if (problem)
            return error_set(err, ERROR_INVALID, "namespaces[%zu].type: '%s' %s", i,
                             namespace->type, problem);
        seen |= flag;
    }
    return 0;
}

static bool is_interface_name(const char *name)
{
    size_t length = strlen(name);

    if (length == 0 || length >= IFNAMSIZ || !path_is_name(name))
        return false;
    for (size_t i = 0; i < length; i++) {
        if (isspace((unsigned char)name[i]) || name[i] == ':')
            return false;
    }
    return true;
}

static const char *net_device_target(const LinuxNetDevice *device)
{
    return device->name ? device->name : device->host_name;
}

/* "eth%d": the kernel finds the first number that is free. */
static bool is_template(const char *name)
{
    return strchr(name, '%') != NULL;
}

static bool is_target_name(const char *name)
{
    const char *percent = strchr(name, '%');

    return is_interface_name(name) &&
           (!percent || (percent[1] == 'd' && !strchr(percent + 1, '%')));
}

static int check_net_devices(const LinuxConfig *config, Error *err)
{
    for (size_t i = 0; i < config->net_devices.count; i++) {
        const LinuxNetDevice *device = &config->net_devices.items[i];

        if (!is_interface_name(device->host_name) || is_template(device->host_name) ||
            !is_target_name(net_device_target(device)))
            return error_set(err, ERROR_INVALID, "netDevices.%s: is not an interface's name",
                             device->host_name);
        for (size_t j = 0; j < i; j++) {
            if (!is_template(net_device_target(device)) &&
                strcmp(net_device_target(device),
                       net_device_target(&config->net_devices.items[j])) == 0)
                return error_set(err, ERROR_INVALID, "netDevices.%s: the name '%s' is there twice",
                                 device->host_name, net_device_target(device));
        }
    }
    return 0;
}

int runtime_rule_linux(const void *value, Error *err)
{
    const LinuxConfig *config = value;
    int r;

    r = check_namespaces(config, err);
    if (r < 0)
        return r;
    r = check_mappings("uidMappings", &config->uid_mappings, err);
    if (r < 0)
        return r;
    r = check_mappings("gidMappings", &config->gid_mappings, err);
    if (r < 0)
        return r;
    return check_net_devices(config, err);
}

/* A sysctl that is not of one of the container's own namespaces would be the host's. */
static const struct {
    const char *prefix;
    int namespace;
} sysctls[] = {
    { "net.", CLONE_NEWNET },
    { "fs.mqueue.", CLONE_NEWIPC },
    { "kernel.msgmax", CLONE_NEWIPC },
    { "kernel.msgmnb", CLONE_NEWIPC },
    { "kernel.msgmni", CLONE_NEWIPC },
    { "kernel.msg_next_id", CLONE_NEWIPC },
    { "kernel.sem", CLONE_NEWIPC },
    { "kernel.sem_next_id", CLONE_NEWIPC },
    { "kernel.shmall", CLONE_NEWIPC },
    { "kernel.shmmax", CLONE_NEWIPC },
    { "kernel.shmmni", CLONE_NEWIPC },
    { "kernel.shm_next_id", CLONE_NEWIPC },
    { "kernel.shm_rmid_forced", CLONE_NEWIPC },
    { "kernel.domainname", CLONE_NEWUTS },
    { "user.", CLONE_NEWUSER },
};

/* As sysctl(8): where the first separator is a slash, slashes separate and dots are text. */
static char *dot_sysctl(const char *name)
{
    char *dotted = memory_strdup(name);

    if (dotted[strcspn(dotted, "./")] == '/') {
        for (char *at = dotted; *at; at++)
            *at = *at == '/' ? '.' : *at == '.' ? '/' : *at;
    }
    return dotted;
}

int linux_sysctl_namespace(const char *name)
{
    _cleanup_free_ char *dotted = dot_sysctl(name);

    for (size_t i = 0; i < ARRAY_SIZE(sysctls); i++) {
        size_t length = strlen(sysctls[i].prefix);
        bool is_prefix = sysctls[i].prefix[length - 1] == '.';

        if (is_prefix ? strncmp(dotted, sysctls[i].prefix, length) == 0
                      : strcmp(dotted, sysctls[i].prefix) == 0)
            return sysctls[i].namespace;
    }
    return 0;
}

static int check_sysctl(const RuntimeConfig *config, const char *name, Error *err)
{
    _cleanup_free_ char *dotted = dot_sysctl(name);
    int namespace = linux_sysctl_namespace(name);
    size_t n_dots = 0;

    for (const char *at = dotted; *at; at++)
        n_dots += *at == '.';
    if (n_dots == 0 || dotted[0] == '.' || strstr(dotted, "..") || strstr(dotted, "//") ||
        dotted[strlen(dotted) - 1] == '.')
        return error_set(err, ERROR_INVALID, "linux.sysctl: '%s' is not a sysctl's name", name);
    if (namespace == 0)
        return error_set(err, ERROR_INVALID, "linux.sysctl: '%s' is not a container's own", name);
    if (!has_namespace(config, namespace))
        return error_set(err, ERROR_INVALID,
                         "linux.sysctl: '%s' is the host's without a namespace of its own", name);
    return 0;
}

static bool joins_namespace(const LinuxConfig *config, int flag)
{
    for (size_t i = 0; i < config->namespaces.count; i++)
        if (linux_namespace_flag(config->namespaces.items[i].type) == flag)
            return config->namespaces.items[i].path != NULL;

    return false;
}

/* What needs a namespace that has to be asked for. */
static int check_namespace_needs(const RuntimeConfig *config, Error *err)
{
    const LinuxConfig *linux_config = &config->linux_config;
    const LinuxTimeOffsets *offsets = &linux_config->time_offsets;
    bool has_mappings =
        linux_config->uid_mappings.count > 0 || linux_config->gid_mappings.count > 0;
    bool has_offsets = offsets->boottime.secs || offsets->boottime.nanosecs ||
                       offsets->monotonic.secs || offsets->monotonic.nanosecs;
    const struct {
        bool is_wanted;
        int namespace;
        const char *message;
    } needs[] = {
        { config->hostname, CLONE_NEWUTS, "hostname: needs a 'uts' namespace" },
        { config->domainname, CLONE_NEWUTS, "domainname: needs a 'uts' namespace" },
        { has_mappings, CLONE_NEWUSER, "linux.uidMappings: needs a 'user' namespace" },
        { has_offsets, CLONE_NEWTIME, "linux.timeOffsets: needs a 'time' namespace" },
        { linux_config->net_devices.count > 0, CLONE_NEWNET,
          "linux.netDevices: needs a 'network' namespace" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(needs); i++) {
        if (needs[i].is_wanted && !has_namespace(config, needs[i].namespace))
            return invalid(err, needs[i].message);
    }
    if (has_offsets && joins_namespace(linux_config, CLONE_NEWTIME))
        return invalid(err, "linux.timeOffsets: a joined 'time' namespace has its own");
    return 0;
}

static int check_user_namespace(const LinuxConfig *config, Error *err)
{
    for (size_t i = 0; i < config->namespaces.count; i++) {
        const LinuxNamespace *namespace = &config->namespaces.items[i];

        if (linux_namespace_flag(namespace->type) != CLONE_NEWUSER)
            continue;
        if (!namespace->path &&
            (config->uid_mappings.count == 0 || config->gid_mappings.count == 0))
            return invalid(err, "linux.uidMappings: a new 'user' namespace needs uid and gid "
                                "mappings");
        if (namespace->path && (config->uid_mappings.count > 0 || config->gid_mappings.count > 0))
            return invalid(err, "linux.uidMappings: a joined 'user' namespace has its own");
    }
    return 0;
}

int runtime_rule_config(const void *value, Error *err)
{
    const RuntimeConfig *config = value;
    const StringMap *sysctl = &config->linux_config.sysctl;
    int r;

    r = check_namespace_needs(config, err);
    if (r < 0)
        return r;
    r = check_user_namespace(&config->linux_config, err);
    for (size_t i = 0; r == 0 && i < sysctl->count; i++)
        r = check_sysctl(config, sysctl->items[i].key, err);
    return r;
}
