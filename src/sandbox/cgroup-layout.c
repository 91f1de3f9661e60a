/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Which cgroup hierarchies this host has, from /proc/self/mountinfo. Each is opened once and used
 * by handle; a mount that something else was mounted over is told by its device number and passed
 * over. Several mounts of one hierarchy count as one.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/mount-info.h"
#include "sandbox/cgroup-private.h"

static const struct {
    const char *v1;
    const char *v2;
} controller_names[_CGROUP_CONTROLLER_MAX] = {
    [CGROUP_CPU] = { "cpu", "cpu" },
    [CGROUP_CPUACCT] = { "cpuacct", NULL },
    [CGROUP_CPUSET] = { "cpuset", "cpuset" },
    [CGROUP_MEMORY] = { "memory", "memory" },
    [CGROUP_DEVICES] = { "devices", NULL },
    [CGROUP_FREEZER] = { "freezer", NULL },
    [CGROUP_IO] = { "blkio", "io" },
    [CGROUP_PIDS] = { "pids", "pids" },
    [CGROUP_HUGETLB] = { "hugetlb", "hugetlb" },
    [CGROUP_NET_CLS] = { "net_cls", NULL },
    [CGROUP_NET_PRIO] = { "net_prio", NULL },
    [CGROUP_RDMA] = { "rdma", "rdma" },
};

const char *cgroup_controller_name(CgroupController controller, bool is_v2)
{
    return is_v2 ? controller_names[controller].v2 : controller_names[controller].v1;
}

unsigned cgroup_controllers_parse(const char *list, bool is_v2)
{
    unsigned mask = 0;

    while (*list) {
        size_t length = strcspn(list, ", \n");

        for (CgroupController i = 0; i < _CGROUP_CONTROLLER_MAX; i++) {
            const char *name = cgroup_controller_name(i, is_v2);

            if (name && strlen(name) == length && strncmp(name, list, length) == 0)
                mask |= CGROUP_BIT(i);
        }
        list += length;
        list += strspn(list, ", \n");
    }
    return mask;
}

/* Open the mount if it is what is seen at its place, and not yet known. */
static int open_mount(const MountInfo *mount, const CgroupLayout *layout)
{
    dev_t device = makedev(mount->major, mount->minor);
    _cleanup_close_ int fd = -EBADF;
    struct stat status;

    for (size_t i = 0; i < layout->count; i++) {
        if (layout->items[i].device == device)
            return -EBADF;
    }
    fd = open(mount->mount_point, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || fstat(fd, &status) < 0 || status.st_dev != device)
        return -EBADF;
    return TAKE_FD(fd);
}

static void add_mount(const MountInfo *mount, CgroupLayout *layout)
{
    bool is_v2 = strcmp(mount->type, "cgroup2") == 0;
    CgroupHierarchy hierarchy = { .is_v2 = is_v2,
                                  .device = makedev(mount->major, mount->minor),
                                  .fd = -EBADF };

    if (layout->count == CGROUP_HIERARCHIES_MAX)
        return;
    hierarchy.root_fd = open_mount(mount, layout);
    if (hierarchy.root_fd < 0)
        return;
    hierarchy.mount_root = memory_strdup(mount->root);
    if (!is_v2) {
        hierarchy.controllers = cgroup_controllers_parse(mount->options, false);
        hierarchy.options = memory_strdup(mount->options);
    }

    /* v2 goes first: whoever is killed half-way through attaching is found there. */
    if (is_v2) {
        memmove(&layout->items[1], &layout->items[0], layout->count * sizeof(hierarchy));
        layout->items[0] = hierarchy;
    } else {
        layout->items[layout->count] = hierarchy;
    }
    layout->count++;
}

int cgroup_layout_find(CgroupLayout *ret, Error *err)
{
    _cleanup_(cgroup_layout_done) CgroupLayout layout = {};
    _cleanup_free_ char *text = NULL;
    MountInfo mount;
    char *rest;
    int r = mount_info_read(MOUNT_INFO_OWN, &text);

    if (r < 0)
        return error_result(err, r, "read " MOUNT_INFO_OWN);
    rest = text;
    while (mount_info_next(&rest, " - cgroup", &mount)) {
        if (strcmp(mount.type, "cgroup") == 0 || strcmp(mount.type, "cgroup2") == 0)
            add_mount(&mount, &layout);
    }
    if (layout.count == 0)
        return error_set(err, ERROR_UNSUPPORTED,
                         "no cgroup hierarchy is mounted: mount cgroup2 at /sys/fs/cgroup");

    *ret = layout;
    layout.count = 0;
    return 0;
}

void cgroup_hierarchy_done(CgroupHierarchy *hierarchy)
{
    fd_closep(&hierarchy->fd);
    fd_closep(&hierarchy->root_fd);
    free(hierarchy->options);
    free(hierarchy->mount_root);
}

void cgroup_layout_done(CgroupLayout *layout)
{
    for (size_t i = 0; i < layout->count; i++)
        cgroup_hierarchy_done(&layout->items[i]);
    layout->count = 0;
}
