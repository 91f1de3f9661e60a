/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Limits as control files. A table says for each member of the resources which file it goes to in
 * v1 and in v2 and how its value is written there; lists (devices of block I/O, page sizes) have
 * their own. All that is asked for is collected first and then written (cgroup-settings.c).
 */

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/parse.h"
#include "sandbox/cgroup-settings-private.h"

#define VALUE_SIZE 96
#define CONTROL_SIZE_MAX 65536

/* Writes @value, as v1 or v2 has it; false where there is nothing to write after all. */
typedef bool (*LimitFormat)(const Settings *settings, const LinuxResources *resources,
                            int64_t value, char *text);

typedef struct LimitForm {
    const char *file;       /* NULL: not to be had in this version */
    LimitFormat format;     /* NULL: a plain number */
    const char *other_file; /* where the kernel has this one instead */
    LimitFormat other_format;
} LimitForm;

typedef enum LimitType {
    LIMIT_INT64,
    LIMIT_UINT64,
    LIMIT_BOOL,
    LIMIT_STRING,
    LIMIT_PIDS,
} LimitType;

typedef enum LimitFlags {
    LIMIT_ZERO_UNSET = 1 << 0,    /* 0 asks for nothing, as all runtimes have it */
    LIMIT_MINUS_DEFAULT = 1 << 1, /* -1 is what a new cgroup has: only an update writes it */
    LIMIT_READ_BACK = 1 << 2,     /* kernels may take it and do nothing */
} LimitFlags;

typedef struct Limit {
    const char *field;
    CgroupController controller;
    LimitType type;
    size_t offset;
    unsigned flags;
    LimitForm v1, v2;
} Limit;

/* The first word of a control file of the cgroup; "" where it has no such file. */
static void read_current(const Settings *settings, CgroupController controller, const char *file,
                         char text[static 32])
{
    const CgroupHierarchy *hierarchy = cgroup_find_controller(settings->cgroup, controller);
    _cleanup_free_ char *content = NULL;

    text[0] = '\0';
    if (hierarchy && file_read_at(hierarchy->fd, file, CONTROL_SIZE_MAX, &content, NULL) == 0)
        (void)snprintf(text, 32, "%.*s", (int)strcspn(content, " \n"), content);
}

static bool format_max(const Settings *settings, const LinuxResources *resources, int64_t value,
                       char *text)
{
    (void)settings;
    (void)resources;
    if (value < 0)
        (void)snprintf(text, VALUE_SIZE, "max");
    else
        (void)snprintf(text, VALUE_SIZE, "%lld", (long long)value);
    return true;
}

static bool format_pids(const Settings *settings, const LinuxResources *resources, int64_t value,
                        char *text)
{
    return format_max(settings, resources, value <= 0 ? -1 : value, text);
}

/*
 * v2 limits swap alone, the configuration memory and swap together. Less than the memory alone
 * becomes a negative number, which the kernel refuses as v1 does.
 */
static bool format_swap(const Settings *settings, const LinuxResources *resources, int64_t value,
                        char *text)
{
    int64_t memory = resources->memory.limit.value;

    if (value > 0 && (!resources->memory.limit.is_set || memory == 0)) {
        char current[32];

        read_current(settings, CGROUP_MEMORY, "memory.max", current);
        if (parse_i64(current, &memory) < 0)
            memory = 0; /* "max" */
    }
    if (value < 0)
        return format_max(settings, resources, value, text);
    (void)snprintf(text, VALUE_SIZE, "%lld", (long long)(memory > 0 ? value - memory : value));
    return true;
}

static bool format_period(const Settings *settings, const LinuxResources *resources, int64_t value,
                          char *text)
{
    char quota[32];

    /* Where there is a quota, cpu.max is written for it, with the period. */
    if (resources->cpu.quota.is_set && resources->cpu.quota.value != 0)
        return false;
    read_current(settings, CGROUP_CPU, "cpu.max", quota);
    (void)snprintf(text, VALUE_SIZE, "%s %lld", quota[0] ? quota : "max", (long long)value);
    return true;
}

static bool format_quota(const Settings *settings, const LinuxResources *resources, int64_t value,
                         char *text)
{
    char quota[32] = "max";
    uint64_t period = resources->cpu.period.value;

    (void)settings;
    if (value > 0)
        (void)snprintf(quota, sizeof(quota), "%lld", (long long)value);
    if (resources->cpu.period.is_set && period > 0)
        (void)snprintf(text, VALUE_SIZE, "%s %llu", quota, (unsigned long long)period);
    else
        (void)snprintf(text, VALUE_SIZE, "%s", quota);
    return true;
}

/*
 * Shares from 2 to 262144 become weights from 1 to 10000 so that both defaults, 1024 and 100, mean
 * the same. A straight line would not: this is the curve through the three points that container
 * runtimes have agreed on.
 */
uint64_t cgroup_shares_to_weight(uint64_t shares)
{
    double magnitude, exponent;

    shares = shares < 2 ? 2 : shares > 262144 ? 262144 : shares;
    magnitude = log2((double)shares);
    exponent = (magnitude * magnitude + 125 * magnitude) / 612.0 - 7.0 / 34.0;
    return (uint64_t)ceil(pow(10, exponent) - 1e-9);
}

static bool format_shares(const Settings *settings, const LinuxResources *resources, int64_t value,
                          char *text)
{
    (void)settings;
    (void)resources;
    (void)snprintf(text, VALUE_SIZE, "%llu",
                   (unsigned long long)cgroup_shares_to_weight((uint64_t)value));
    return true;
}

static bool format_io_weight(const Settings *settings, const LinuxResources *resources,
                             int64_t value, char *text)
{
    (void)settings;
    (void)resources;
    (void)snprintf(text, VALUE_SIZE, "default %lld", (long long)settings_io_weight(value));
    return true;
}

#define MEMBER(member) offsetof(LinuxResources, member)

static const Limit limits[] = {
    { "memory.limit",
      CGROUP_MEMORY,
      LIMIT_INT64,
      MEMBER(memory.limit),
      LIMIT_ZERO_UNSET | LIMIT_MINUS_DEFAULT,
      { "memory.limit_in_bytes" },
      { "memory.max", .format = format_max } },
    { "memory.swap",
      CGROUP_MEMORY,
      LIMIT_INT64,
      MEMBER(memory.swap),
      LIMIT_ZERO_UNSET | LIMIT_MINUS_DEFAULT,
      { "memory.memsw.limit_in_bytes" },
      { "memory.swap.max", .format = format_swap } },
    { "memory.reservation",
      CGROUP_MEMORY,
      LIMIT_INT64,
      MEMBER(memory.reservation),
      LIMIT_ZERO_UNSET | LIMIT_MINUS_DEFAULT,
      { "memory.soft_limit_in_bytes" },
      { "memory.low", .format = format_max } },
    /* Gone since Linux 5.16, where the file may still take a value. */
    { "memory.kernel",
      CGROUP_MEMORY,
      LIMIT_INT64,
      MEMBER(memory.kernel),
      LIMIT_ZERO_UNSET | LIMIT_MINUS_DEFAULT | LIMIT_READ_BACK,
      { "memory.kmem.limit_in_bytes" },
      { NULL } },
    { "memory.kernelTCP",
      CGROUP_MEMORY,
      LIMIT_INT64,
      MEMBER(memory.kernel_tcp),
      LIMIT_ZERO_UNSET | LIMIT_MINUS_DEFAULT | LIMIT_READ_BACK,
      { "memory.kmem.tcp.limit_in_bytes" },
      { NULL } },
    { "memory.swappiness",
      CGROUP_MEMORY,
      LIMIT_UINT64,
      MEMBER(memory.swappiness),
      0,
      { "memory.swappiness" },
      { NULL } },
    { "memory.disableOOMKiller",
      CGROUP_MEMORY,
      LIMIT_BOOL,
      MEMBER(memory.disable_oom_killer),
      0,
      { "memory.oom_control" },
      { NULL } },

    { "cpu.shares",
      CGROUP_CPU,
      LIMIT_UINT64,
      MEMBER(cpu.shares),
      LIMIT_ZERO_UNSET,
      { "cpu.shares" },
      { "cpu.weight", .format = format_shares } },
    { "cpu.period",
      CGROUP_CPU,
      LIMIT_UINT64,
      MEMBER(cpu.period),
      LIMIT_ZERO_UNSET,
      { "cpu.cfs_period_us" },
      { "cpu.max", .format = format_period } },
    { "cpu.quota",
      CGROUP_CPU,
      LIMIT_INT64,
      MEMBER(cpu.quota),
      LIMIT_ZERO_UNSET | LIMIT_MINUS_DEFAULT,
      { "cpu.cfs_quota_us" },
      { "cpu.max", .format = format_quota } },
    { "cpu.burst",
      CGROUP_CPU,
      LIMIT_UINT64,
      MEMBER(cpu.burst),
      LIMIT_ZERO_UNSET,
      { "cpu.cfs_burst_us" },
      { "cpu.max.burst" } },
    { "cpu.realtimePeriod",
      CGROUP_CPU,
      LIMIT_UINT64,
      MEMBER(cpu.realtime_period),
      LIMIT_ZERO_UNSET,
      { "cpu.rt_period_us" },
      { NULL } },
    { "cpu.realtimeRuntime",
      CGROUP_CPU,
      LIMIT_INT64,
      MEMBER(cpu.realtime_runtime),
      LIMIT_ZERO_UNSET,
      { "cpu.rt_runtime_us" },
      { NULL } },
    { "cpu.idle", CGROUP_CPU, LIMIT_INT64, MEMBER(cpu.idle), 0, { "cpu.idle" }, { "cpu.idle" } },
    { "cpu.cpus",
      CGROUP_CPUSET,
      LIMIT_STRING,
      MEMBER(cpu.cpus),
      0,
      { "cpuset.cpus" },
      { "cpuset.cpus" } },
    { "cpu.mems",
      CGROUP_CPUSET,
      LIMIT_STRING,
      MEMBER(cpu.mems),
      0,
      { "cpuset.mems" },
      { "cpuset.mems" } },

    { "pids.limit",
      CGROUP_PIDS,
      LIMIT_PIDS,
      MEMBER(pids),
      0,
      { "pids.max", .format = format_pids },
      { "pids.max", .format = format_pids } },

    { "blockIO.weight",
      CGROUP_IO,
      LIMIT_UINT64,
      MEMBER(block_io.weight),
      LIMIT_ZERO_UNSET,
      { "blkio.bfq.weight", .other_file = "blkio.weight" },
      { "io.bfq.weight", .other_file = "io.weight", .other_format = format_io_weight } },
    { "blockIO.leafWeight",
      CGROUP_IO,
      LIMIT_UINT64,
      MEMBER(block_io.leaf_weight),
      LIMIT_ZERO_UNSET,
      { "blkio.leaf_weight" },
      { NULL } },
    { "network.classID",
      CGROUP_NET_CLS,
      LIMIT_UINT64,
      MEMBER(network.class_id),
      LIMIT_ZERO_UNSET,
      { "net_cls.classid" },
      { NULL } },
};

/* The value of a member; false where it asks for nothing. */
static bool limit_is_set(const Limit *limit, const LimitForm *form, const LinuxResources *resources,
                         bool is_update, int64_t *ret)
{
    const void *member = (const char *)resources + limit->offset;
    const LinuxPids *pids;
    const char *string;
    bool is_set;

    switch (limit->type) {
    case LIMIT_INT64:
        is_set = ((const OptionalInt64 *)member)->is_set;
        *ret = ((const OptionalInt64 *)member)->value;
        break;
    case LIMIT_UINT64:
        is_set = ((const OptionalUint64 *)member)->is_set;
        *ret = (int64_t)((const OptionalUint64 *)member)->value;
        break;
    case LIMIT_BOOL:
        is_set = ((const OptionalBool *)member)->is_set;
        *ret = ((const OptionalBool *)member)->value;
        break;
    case LIMIT_PIDS:
        pids = *(LinuxPids *const *)member;
        *ret = pids ? pids->limit : 0;
        return pids && (is_update || pids->limit > 0);
    default:
        string = *(char *const *)member;
        return string && *string;
    }
    if (!is_set || (limit->flags & LIMIT_ZERO_UNSET && *ret == 0))
        return false;
    /* false is what a new cgroup has, and where there is no file, all that can be. */
    if (limit->type == LIMIT_BOOL && *ret == 0)
        return is_update && form->file;
    return is_update || *ret != -1 || !(limit->flags & LIMIT_MINUS_DEFAULT);
}

/* Write the value into @text, which may be pointed elsewhere; false where there is nothing to
 * write. */
static bool format_value(const Settings *settings, LimitFormat format,
                         const LinuxResources *resources, int64_t value, char *text)
{
    if (format)
        return format(settings, resources, value, text);
    (void)snprintf(text, VALUE_SIZE, "%lld", (long long)value);
    return true;
}

static void collect_limit(Settings *settings, const Limit *limit, const LinuxResources *resources,
                          bool is_update)
{
    const LimitForm *form = settings_is_v2(settings, limit->controller) ? &limit->v2 : &limit->v1;
    char text[VALUE_SIZE], other_text[VALUE_SIZE];
    Setting setting = {
        .field = limit->field,
        .controller = limit->controller,
        .file = form->file,
        .text = text,
        .other_file = form->other_file,
        .other_text = form->other_format ? other_text : NULL,
        .flags = limit->flags & LIMIT_READ_BACK ? SETTING_IS_READ_BACK : 0,
    };
    int64_t value;

    if (!limit_is_set(limit, form, resources, is_update, &value))
        return;
    if (limit->type == LIMIT_STRING)
        setting.text = *(char *const *)((const char *)resources + limit->offset);
    else if (!format_value(settings, form->format, resources, value, text))
        return;
    if (form->other_format)
        (void)form->other_format(settings, resources, value, other_text);
    settings_add(settings, setting);
}

/* What follows from the members of memory together. */
static void collect_memory(Settings *settings, const LinuxMemory *memory, bool is_update)
{
    bool is_v2 = settings_is_v2(settings, CGROUP_MEMORY);

    /* Since Linux 5.11 every memory cgroup is hierarchical. */
    if (memory->use_hierarchy.is_set && !memory->use_hierarchy.value)
        settings_add(
            settings,
            (Setting) { .field = "memory.useHierarchy", .controller = CGROUP_MEMORY, .text = "0" });
    /* Without a limit for memory there is none for both, or v1 would refuse. */
    if (is_update && memory->limit.is_set && memory->limit.value == -1 && !memory->swap.is_set)
        settings_add(settings,
                     (Setting) { .field = "memory.swap",
                                 .controller = CGROUP_MEMORY,
                                 .file = is_v2 ? "memory.swap.max" : "memory.memsw.limit_in_bytes",
                                 .text = is_v2 ? "max" : "-1",
                                 .flags = SETTING_IS_OPTIONAL });
}

static void collect(Settings *settings, const LinuxResources *resources, bool is_update)
{
    for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
        collect_limit(settings, &limits[i], resources, is_update);
    collect_memory(settings, &resources->memory, is_update);
    settings_add_lists(settings, resources);
    for (size_t i = 0; i < resources->unified.count; i++)
        settings_add(settings, (Setting) { .field = "unified",
                                           .controller = CGROUP_UNIFIED,
                                           .file = resources->unified.items[i].key,
                                           .text = resources->unified.items[i].value });
}

unsigned cgroup_limits_wanted(const LinuxResources *resources)
{
    _cleanup_(settings_done) Settings settings = {};
    Cgroup nothing = {};
    unsigned wanted = 0;

    settings.cgroup = &nothing;
    collect(&settings, resources, false);
    for (size_t i = 0; i < settings.count; i++) {
        const Setting *setting = &settings.items[i];

        if (setting->controller != CGROUP_UNIFIED) {
            wanted |= CGROUP_BIT(setting->controller);
        } else {
            /* "memory.high" belongs to the controller before its dot. */
            _cleanup_free_ char *name = memory_strndup(setting->file, strcspn(setting->file, "."));

            wanted |= cgroup_controllers_parse(name, true);
        }
    }
    return wanted;
}

/* A limit below what is used kills in v2, at once; the configuration may ask to be told instead. */
static int check_usage(Cgroup *cgroup, const LinuxMemory *memory, Error *err)
{
    const CgroupHierarchy *hierarchy = cgroup_find_controller(cgroup, CGROUP_MEMORY);
    const char *file;
    _cleanup_free_ char *text = NULL;

    if (!hierarchy || !memory->check_before_update.value || memory->limit.value <= 0)
        return 0;
    file = hierarchy->is_v2 ? "memory.current" : "memory.usage_in_bytes";
    if (file_read_at(hierarchy->fd, file, CONTROL_SIZE_MAX, &text, NULL) < 0)
        return 0;
    if (strtoull(text, NULL, 10) > (unsigned long long)memory->limit.value)
        return error_set(err, ERROR_CONFLICT, "limit 'memory.limit': more than '%lld' is in use",
                         (long long)memory->limit.value);
    return 0;
}

int cgroup_limits_apply(Cgroup *cgroup, const LinuxResources *resources, bool is_update, Error *err)
{
    _cleanup_(settings_done) Settings settings = { .cgroup = cgroup };

    collect(&settings, resources, is_update);
    if (is_update) {
        int r = check_usage(cgroup, &resources->memory, err);

        if (r < 0)
            return r;
        return settings_replace(&settings, err);
    }
    return settings_write(&settings, err);
}

bool cgroup_can_limit_swap(void)
{
    _cleanup_(cgroup_layout_done) CgroupLayout layout = {};

    if (cgroup_layout_find(&layout, NULL) < 0)
        return false;
    for (size_t i = 0; i < layout.count; i++) {
        const CgroupHierarchy *hierarchy = &layout.items[i];

        if (!hierarchy->is_v2 && hierarchy->controllers & CGROUP_BIT(CGROUP_MEMORY))
            return faccessat(hierarchy->root_fd, "memory.memsw.limit_in_bytes", F_OK, 0) == 0;
    }
    return layout.items[0].is_v2 && access("/proc/swaps", F_OK) == 0;
}
