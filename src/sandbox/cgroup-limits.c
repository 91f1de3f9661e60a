/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Limits as control files. A table says for each member of the resources which file it goes to in
 * v1 and in v2 and how its value is written there; lists (devices of block I/O, page sizes) have
 * their own. All that is asked for is collected first and then written. What the kernel refuses
 * is tried again after the rest, because some limits bound each other (memory and memory plus
 * swap, quota and period) and only one order works, which depends on what was there before.
 */

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/parse.h"
#include "sandbox/cgroup-private.h"

#define VALUE_SIZE 96
#define CONTROL_SIZE_MAX 65536

/* Writes @value, as v1 or v2 has it; false where there is nothing to write after all. */
typedef bool (*LimitFormat)(const LinuxResources *resources, int64_t value, char *text);

typedef struct LimitForm {
    const char *file;        /* NULL: not to be had in this version */
    const char *alternative; /* where the kernel may have this file instead */
    LimitFormat format;      /* NULL: a plain number */
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
} LimitFlags;

typedef struct Limit {
    const char *field;
    CgroupController controller;
    LimitType type;
    size_t offset;
    unsigned flags;
    LimitForm v1, v2;
} Limit;

static bool format_max(const LinuxResources *resources, int64_t value, char *text)
{
    (void)resources;
    if (value < 0)
        (void)snprintf(text, VALUE_SIZE, "max");
    else
        (void)snprintf(text, VALUE_SIZE, "%lld", (long long)value);
    return true;
}

static bool format_pids(const LinuxResources *resources, int64_t value, char *text)
{
    return format_max(resources, value <= 0 ? -1 : value, text);
}

/* v2 limits swap alone, the configuration memory and swap together. */
static bool format_swap(const LinuxResources *resources, int64_t value, char *text)
{
    if (value > 0 && resources->memory.limit.is_set && resources->memory.limit.value > 0)
        value -= resources->memory.limit.value;
    return format_max(resources, value, text);
}

static bool format_period(const LinuxResources *resources, int64_t value, char *text)
{
    /* Where there is a quota, cpu.max is written for it, with the period. */
    if (resources->cpu.quota.is_set && resources->cpu.quota.value != 0)
        return false;
    (void)snprintf(text, VALUE_SIZE, "max %lld", (long long)value);
    return true;
}

static bool format_quota(const LinuxResources *resources, int64_t value, char *text)
{
    char quota[32] = "max";
    uint64_t period = resources->cpu.period.value;

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
static bool format_shares(const LinuxResources *resources, int64_t value, char *text)
{
    double magnitude, exponent;

    (void)resources;
    value = value < 2 ? 2 : value > 262144 ? 262144 : value;
    magnitude = log2((double)value);
    exponent = (magnitude * magnitude + 125 * magnitude) / 612.0 - 7.0 / 34.0;
    (void)snprintf(text, VALUE_SIZE, "%.0f", ceil(pow(10, exponent) - 1e-9));
    return true;
}

static int64_t io_weight_to_v2(int64_t value)
{
    return 1 + (value - 10) * 9999 / 990;
}

static bool format_io_weight(const LinuxResources *resources, int64_t value, char *text)
{
    (void)resources;
    (void)snprintf(text, VALUE_SIZE, "default %lld", (long long)io_weight_to_v2(value));
    return true;
}

#define MEMBER(member) offsetof(LinuxResources, member)

/* memory.useHierarchy is not here: since Linux 5.11 every memory cgroup is hierarchical. */
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
    /* The kernel takes a value for kernel memory and ignores it since Linux 5.16. */
    { "memory.kernel",
      CGROUP_MEMORY,
      LIMIT_INT64,
      MEMBER(memory.kernel),
      LIMIT_ZERO_UNSET | LIMIT_MINUS_DEFAULT,
      { NULL },
      { NULL } },
    { "memory.kernelTCP",
      CGROUP_MEMORY,
      LIMIT_INT64,
      MEMBER(memory.kernel_tcp),
      LIMIT_ZERO_UNSET | LIMIT_MINUS_DEFAULT,
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
      { "blkio.bfq.weight", "blkio.weight" },
      { "io.bfq.weight", "io.weight", .format = format_io_weight } },
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

static const struct {
    const char *field;
    size_t offset;
    const char *v1_file;
    const char *v2_key; /* in io.max */
} throttles[] = {
    { "blockIO.throttleReadBpsDevice", MEMBER(block_io.throttle_read_bps),
      "blkio.throttle.read_bps_device", "rbps" },
    { "blockIO.throttleWriteBpsDevice", MEMBER(block_io.throttle_write_bps),
      "blkio.throttle.write_bps_device", "wbps" },
    { "blockIO.throttleReadIOPSDevice", MEMBER(block_io.throttle_read_iops),
      "blkio.throttle.read_iops_device", "riops" },
    { "blockIO.throttleWriteIOPSDevice", MEMBER(block_io.throttle_write_iops),
      "blkio.throttle.write_iops_device", "wiops" },
};

/* One thing to write. */
typedef struct Setting {
    const char *field;
    CgroupController controller; /* _CGROUP_CONTROLLER_MAX: the v2 hierarchy, whatever it has */
    char *file;                  /* owned, as the two below; NULL: this version cannot do it */
    char *alternative;
    char *text;
} Setting;

typedef struct Settings {
    Cgroup *cgroup;
    Setting *items;
    size_t count;
    size_t capacity;
} Settings;

static void settings_done(Settings *settings)
{
    for (size_t i = 0; i < settings->count; i++) {
        free(settings->items[i].file);
        free(settings->items[i].alternative);
        free(settings->items[i].text);
    }
    free(settings->items);
}

/* Strings are copied. */
static void settings_add(Settings *settings, Setting setting)
{
    settings->items =
        memory_grow(settings->items, &settings->capacity, settings->count + 1, sizeof(Setting));
    settings->items[settings->count++] = (Setting) {
        .field = setting.field,
        .controller = setting.controller,
        .file = memory_strdup(setting.file),
        .alternative = memory_strdup(setting.alternative),
        .text = memory_strdup(setting.text),
    };
}

/* Where there is no such controller, the error comes when it is written; until then it is as v2. */
static bool is_in_v2(const Settings *settings, CgroupController controller)
{
    const CgroupHierarchy *hierarchy = cgroup_find_controller(settings->cgroup, controller);

    return !hierarchy || hierarchy->is_v2;
}

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

static void collect_limit(Settings *settings, const Limit *limit, const LinuxResources *resources,
                          bool is_update)
{
    const LimitForm *form = is_in_v2(settings, limit->controller) ? &limit->v2 : &limit->v1;
    Setting setting = { limit->field, limit->controller, (char *)form->file,
                        (char *)form->alternative, NULL };
    char text[VALUE_SIZE];
    int64_t value;

    if (!limit_is_set(limit, form, resources, is_update, &value))
        return;
    setting.text = text;
    if (limit->type == LIMIT_STRING)
        setting.text = *(char *const *)((const char *)resources + limit->offset);
    else if (!form->format)
        (void)snprintf(text, sizeof(text), "%lld", (long long)value);
    else if (!form->format(resources, value, text))
        return;
    settings_add(settings, setting);
}

static void collect_block_io(Settings *settings, const LinuxResources *resources)
{
    bool is_v2 = is_in_v2(settings, CGROUP_IO);
    char text[VALUE_SIZE];

    for (size_t i = 0; i < ARRAY_SIZE(throttles); i++) {
        const LinuxBlockIoThrottles *list =
            (const void *)((const char *)resources + throttles[i].offset);

        for (size_t j = 0; j < list->count; j++) {
            const LinuxBlockIoThrottle *item = &list->items[j];
            const char *file = is_v2 ? "io.max" : throttles[i].v1_file;

            if (!is_v2)
                (void)snprintf(text, sizeof(text), "%lld:%lld %llu", (long long)item->major,
                               (long long)item->minor, (unsigned long long)item->rate);
            else if (item->rate == 0)
                (void)snprintf(text, sizeof(text), "%lld:%lld %s=max", (long long)item->major,
                               (long long)item->minor, throttles[i].v2_key);
            else
                (void)snprintf(text, sizeof(text), "%lld:%lld %s=%llu", (long long)item->major,
                               (long long)item->minor, throttles[i].v2_key,
                               (unsigned long long)item->rate);
            settings_add(settings,
                         (Setting) { throttles[i].field, CGROUP_IO, (char *)file, NULL, text });
        }
    }
    for (size_t i = 0; i < resources->block_io.weight_devices.count; i++) {
        const LinuxBlockIoWeight *item = &resources->block_io.weight_devices.items[i];
        Setting setting = { "blockIO.weightDevice", CGROUP_IO,
                            is_v2 ? "io.bfq.weight" : "blkio.bfq.weight_device",
                            is_v2 ? "io.weight" : "blkio.weight_device", text };
        int64_t weight = (int64_t)item->weight.value;

        if (item->weight.is_set && weight > 0) {
            (void)snprintf(text, sizeof(text), "%lld:%lld %lld", (long long)item->major,
                           (long long)item->minor,
                           (long long)(is_v2 ? io_weight_to_v2(weight) : weight));
            settings_add(settings, setting);
        }
        if (item->leaf_weight.is_set && item->leaf_weight.value > 0) {
            (void)snprintf(text, sizeof(text), "%lld:%lld %llu", (long long)item->major,
                           (long long)item->minor, (unsigned long long)item->leaf_weight.value);
            setting.file = is_v2 ? NULL : "blkio.leaf_weight_device";
            setting.alternative = NULL;
            settings_add(settings, setting);
        }
    }
}

static void collect_hugepages(Settings *settings, const LinuxResources *resources)
{
    const char *suffix = is_in_v2(settings, CGROUP_HUGETLB) ? "max" : "limit_in_bytes";

    for (size_t i = 0; i < resources->hugepage_limits.count; i++) {
        const LinuxHugepageLimit *item = &resources->hugepage_limits.items[i];
        char file[64], text[VALUE_SIZE];

        (void)snprintf(file, sizeof(file), "hugetlb.%s.%s", item->page_size, suffix);
        (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)item->limit);
        settings_add(settings, (Setting) { "hugepageLimits", CGROUP_HUGETLB, file, NULL, text });
    }
}

static void collect_network_and_rdma(Settings *settings, const LinuxResources *resources)
{
    for (size_t i = 0; i < resources->network.priorities.count; i++) {
        const LinuxInterfacePriority *item = &resources->network.priorities.items[i];
        _cleanup_free_ char *text = memory_printf("%s %u", item->name, item->priority);

        settings_add(settings, (Setting) { "network.priorities", CGROUP_NET_PRIO,
                                           "net_prio.ifpriomap", NULL, text });
    }
    for (size_t i = 0; i < resources->rdma.count; i++) {
        const LinuxRdma *item = &resources->rdma.items[i];
        char handles[32] = "max", objects[32] = "max";
        _cleanup_free_ char *text = NULL;

        if (item->hca_handles.is_set)
            (void)snprintf(handles, sizeof(handles), "%llu",
                           (unsigned long long)item->hca_handles.value);
        if (item->hca_objects.is_set)
            (void)snprintf(objects, sizeof(objects), "%llu",
                           (unsigned long long)item->hca_objects.value);
        text = memory_printf("%s hca_handle=%s hca_object=%s", item->device, handles, objects);
        settings_add(settings, (Setting) { "rdma", CGROUP_RDMA, "rdma.max", NULL, text });
    }
}

static void collect(Settings *settings, const LinuxResources *resources, bool is_update)
{
    for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
        collect_limit(settings, &limits[i], resources, is_update);
    collect_block_io(settings, resources);
    collect_hugepages(settings, resources);
    collect_network_and_rdma(settings, resources);
    for (size_t i = 0; i < resources->unified.count; i++)
        settings_add(settings,
                     (Setting) { "unified", _CGROUP_CONTROLLER_MAX, resources->unified.items[i].key,
                                 NULL, resources->unified.items[i].value });
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

        if (setting->controller != _CGROUP_CONTROLLER_MAX) {
            wanted |= CGROUP_BIT(setting->controller);
        } else {
            /* "memory.high" belongs to the controller before its dot. */
            _cleanup_free_ char *name = memory_strndup(setting->file, strcspn(setting->file, "."));

            wanted |= cgroup_controllers_parse(name, true);
        }
    }
    return wanted;
}

/* The hierarchy of a setting, or an error that says why it cannot be met. */
static int find_place(const Settings *settings, const Setting *setting, const CgroupHierarchy **ret,
                      Error *err)
{
    if (setting->controller == _CGROUP_CONTROLLER_MAX) {
        *ret = cgroup_unified(settings->cgroup);
        if (!*ret)
            return error_set(err, ERROR_UNSUPPORTED,
                             "limit 'unified.%s': this host has no cgroup2 hierarchy",
                             setting->file);
        return 0;
    }
    *ret = cgroup_find_controller(settings->cgroup, setting->controller);
    if (!*ret)
        return error_set(err, ERROR_UNSUPPORTED,
                         "limit '%s': this host has no cgroup controller '%s'", setting->field,
                         cgroup_controller_name(setting->controller, false));
    if (!setting->file)
        return error_set(err, ERROR_UNSUPPORTED,
                         "limit '%s': this kernel's cgroups have no such "
                         "limit",
                         setting->field);
    return 0;
}

static int report(const Setting *setting, int r, Error *err)
{
    switch (r) {
    case -EINVAL:
    case -ERANGE:
    case -EOVERFLOW:
    case -ENODEV:
    case -ENXIO:
    case -EACCES: /* CPUs or nodes that the parent does not have */
        return error_set(err, ERROR_INVALID, "limit '%s': the kernel refuses '%s' for %s",
                         setting->field, setting->text, setting->file);
    case -ENOENT:
    case -EOPNOTSUPP:
        return error_set(err, ERROR_UNSUPPORTED, "limit '%s': this kernel has no %s",
                         setting->field, setting->file);
    case -EBUSY:
        return error_set(err, ERROR_CONFLICT, "limit '%s': more than '%s' is in use",
                         setting->field, setting->text);
    default:
        return error_result(err, r, "limit '%s': write '%s' to %s", setting->field, setting->text,
                            setting->file);
    }
}

static int write_setting(const CgroupHierarchy *hierarchy, const Setting *setting)
{
    int r = file_poke_at(hierarchy->fd, setting->file, setting->text);

    if (r == -ENOENT && setting->alternative)
        r = file_poke_at(hierarchy->fd, setting->alternative, setting->text);
    return r;
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
    size_t pending, before;
    int r;

    collect(&settings, resources, is_update);
    if (is_update) {
        r = check_usage(cgroup, &resources->memory, err);
        if (r < 0)
            return r;
    }
    /* What is left over from one round goes into the next, until a round achieves nothing. */
    pending = settings.count;
    do {
        size_t refused = 0;

        before = pending;
        for (size_t i = 0; i < pending; i++) {
            const CgroupHierarchy *hierarchy;
            Setting swapped;

            r = find_place(&settings, &settings.items[i], &hierarchy, err);
            if (r < 0)
                return r;
            r = write_setting(hierarchy, &settings.items[i]);
            if (r < 0 && r != -EINVAL)
                return report(&settings.items[i], r, err);
            if (r == 0)
                continue;
            swapped = settings.items[refused];
            settings.items[refused++] = settings.items[i];
            settings.items[i] = swapped;
        }
        pending = refused;
    } while (pending > 0 && pending < before);
    return pending > 0 ? report(&settings.items[0], -EINVAL, err) : 0;
}
