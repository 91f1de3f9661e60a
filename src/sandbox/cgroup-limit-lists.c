/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Limits that are lists, with an entry for each block device, page size, network interface or RDMA
 * device: one write to a control file each.
 */

#include <stddef.h>
#include <stdio.h>

#include "base/memory.h"
#include "base/string-buffer.h"
#include "sandbox/cgroup-settings-private.h"

#define VALUE_SIZE 96

static const struct {
    const char *field;
    size_t offset;
    const char *v1_file;
    const char *v2_key; /* in io.max */
} throttles[] = {
    { "blockIO.throttleReadBpsDevice", offsetof(LinuxResources, block_io.throttle_read_bps),
      "blkio.throttle.read_bps_device", "rbps" },
    { "blockIO.throttleWriteBpsDevice", offsetof(LinuxResources, block_io.throttle_write_bps),
      "blkio.throttle.write_bps_device", "wbps" },
    { "blockIO.throttleReadIOPSDevice", offsetof(LinuxResources, block_io.throttle_read_iops),
      "blkio.throttle.read_iops_device", "riops" },
    { "blockIO.throttleWriteIOPSDevice", offsetof(LinuxResources, block_io.throttle_write_iops),
      "blkio.throttle.write_iops_device", "wiops" },
};

int64_t settings_io_weight(int64_t value)
{
    return 1 + (value - 10) * 9999 / 990;
}

static void collect_throttles(Settings *settings, const LinuxResources *resources)
{
    bool is_v2 = settings_is_v2(settings, CGROUP_IO);

    for (size_t i = 0; i < ARRAY_SIZE(throttles); i++) {
        const LinuxBlockIoThrottles *list =
            (const void *)((const char *)resources + throttles[i].offset);

        for (size_t j = 0; j < list->count; j++) {
            const LinuxBlockIoThrottle *item = &list->items[j];
            char rate[32], text[VALUE_SIZE];

            (void)snprintf(rate, sizeof(rate), "%llu", (unsigned long long)item->rate);
            if (is_v2)
                (void)snprintf(text, sizeof(text), "%lld:%lld %s=%s", (long long)item->major,
                               (long long)item->minor, throttles[i].v2_key,
                               item->rate == 0 ? "max" : rate);
            else
                (void)snprintf(text, sizeof(text), "%lld:%lld %s", (long long)item->major,
                               (long long)item->minor, rate);
            settings_add(settings, (Setting) { .field = throttles[i].field,
                                               .controller = CGROUP_IO,
                                               .file = is_v2 ? "io.max" : throttles[i].v1_file,
                                               .text = text });
        }
    }
}

static void format_device_weight(const LinuxBlockIoWeight *item, int64_t weight,
                                 char text[static VALUE_SIZE])
{
    (void)snprintf(text, VALUE_SIZE, "%lld:%lld %lld", (long long)item->major,
                   (long long)item->minor, (long long)weight);
}

static void collect_device_weights(Settings *settings, const LinuxResources *resources)
{
    bool is_v2 = settings_is_v2(settings, CGROUP_IO);

    for (size_t i = 0; i < resources->block_io.weight_devices.count; i++) {
        const LinuxBlockIoWeight *item = &resources->block_io.weight_devices.items[i];
        int64_t weight = (int64_t)item->weight.value;
        char text[VALUE_SIZE], other_text[VALUE_SIZE];
        Setting setting = { .field = "blockIO.weightDevice", .controller = CGROUP_IO };

        setting.text = text;
        if (item->weight.is_set && weight > 0) {
            setting.file = is_v2 ? "io.bfq.weight" : "blkio.bfq.weight_device";
            setting.other_file = is_v2 ? "io.weight" : "blkio.weight_device";
            setting.other_text = other_text;
            format_device_weight(item, weight, text);
            format_device_weight(item, is_v2 ? settings_io_weight(weight) : weight, other_text);
            settings_add(settings, setting);
        }
        if (item->leaf_weight.is_set && item->leaf_weight.value > 0) {
            setting.file = is_v2 ? NULL : "blkio.leaf_weight_device";
            setting.other_file = setting.other_text = NULL;
            format_device_weight(item, (int64_t)item->leaf_weight.value, text);
            settings_add(settings, setting);
        }
    }
}

/* By reservation, and where the kernel (before Linux 5.7) cannot, by use: config-linux.md. */
static void collect_hugepages(Settings *settings, const LinuxResources *resources)
{
    const char *suffix = settings_is_v2(settings, CGROUP_HUGETLB) ? "max" : "limit_in_bytes";

    for (size_t i = 0; i < resources->hugepage_limits.count; i++) {
        const LinuxHugepageLimit *item = &resources->hugepage_limits.items[i];
        char file[64], other_file[64], text[VALUE_SIZE];

        (void)snprintf(file, sizeof(file), "hugetlb.%s.rsvd.%s", item->page_size, suffix);
        (void)snprintf(other_file, sizeof(other_file), "hugetlb.%s.%s", item->page_size, suffix);
        (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)item->limit);
        settings_add(settings, (Setting) { .field = "hugepageLimits",
                                           .controller = CGROUP_HUGETLB,
                                           .file = file,
                                           .text = text,
                                           .other_file = other_file });
    }
}

static void collect_network(Settings *settings, const LinuxResources *resources)
{
    bool is_v2 = settings_is_v2(settings, CGROUP_NET_PRIO);

    for (size_t i = 0; i < resources->network.priorities.count; i++) {
        const LinuxInterfacePriority *item = &resources->network.priorities.items[i];
        _cleanup_free_ char *text = memory_printf("%s %u", item->name, item->priority);

        settings_add(settings, (Setting) { .field = "network.priorities",
                                           .controller = CGROUP_NET_PRIO,
                                           .file = is_v2 ? NULL : "net_prio.ifpriomap",
                                           .text = text });
    }
}

static void collect_rdma(Settings *settings, const LinuxResources *resources)
{
    for (size_t i = 0; i < resources->rdma.count; i++) {
        const LinuxRdma *item = &resources->rdma.items[i];
        _cleanup_string_buffer_ StringBuffer text = {};

        string_buffer_add(&text, item->device);
        if (item->hca_handles.is_set)
            string_buffer_printf(&text, " hca_handle=%llu",
                                 (unsigned long long)item->hca_handles.value);
        if (item->hca_objects.is_set)
            string_buffer_printf(&text, " hca_object=%llu",
                                 (unsigned long long)item->hca_objects.value);
        settings_add(settings, (Setting) { .field = "rdma",
                                           .controller = CGROUP_RDMA,
                                           .file = "rdma.max",
                                           .text = string_buffer_get(&text) });
    }
}

void settings_add_lists(Settings *settings, const LinuxResources *resources)
{
    collect_throttles(settings, resources);
    collect_device_weights(settings, resources);
    collect_hugepages(settings, resources);
    collect_network(settings, resources);
    collect_rdma(settings, resources);
}
