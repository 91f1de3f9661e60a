/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The /dev of a container with a user namespace, made by us: nobody in such a namespace may make a
 * device node, but one that is there works, with the owner and mode that were asked for. The ids of
 * the file system are mapped, so that they are the container's.
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "sandbox/devices-private.h"
#include "sandbox/id-mapping.h"

#define DEV "/dev"

/* The new file system that the container will see at /dev; NULL: it is something else. */
static MountEntry *find_entry(MountTable *mounts)
{
    for (size_t i = mounts->count; i > 0; i--) {
        MountEntry *entry = &mounts->items[i - 1];

        if (strcmp(entry->destination, DEV) != 0)
            continue;
        return entry->type && strcmp(entry->type, "tmpfs") == 0 && entry->id_map_fd < 0 &&
                       !entry->keeps_mode && !entry->options.copy_up && !entry->label
                   ? entry
                   : NULL;
    }
    return NULL;
}

static int make_node(int root_fd, const DeviceEntry *device)
{
    const char *path = device->directory + strlen(DEV);
    _cleanup_close_ int fd = path_make_directories(root_fd, *path ? path : "/", 0755, 0, 0);

    if (fd < 0)
        return fd;
    if (mknodat(fd, device->name, device->mode, device->number) < 0)
        return -errno;
    if (fchownat(fd, device->name, device->uid, device->gid, AT_SYMLINK_NOFOLLOW) < 0 ||
        fchmodat(fd, device->name, device->mode & 07777, 0) < 0)
        return -errno;
    return 0;
}

static int fill(int root_fd, const DeviceTable *devices)
{
    for (size_t i = 0; i < devices->count; i++) {
        int r = device_is_in_dev(&devices->items[i]) ? make_node(root_fd, &devices->items[i]) : 0;

        if (r < 0 && r != -EEXIST) /* the same device twice */
            return r;
    }
    return 0;
}

/* What does not work here, for lack of rights or of a kernel that maps a tmpfs's ids (Linux 6.3).
 */
static bool is_refusal(int r)
{
    return r == -EPERM || r == -EINVAL || r == -EACCES;
}

static int make_file_system(const MountEntry *entry, const DeviceTable *devices, int id_map_fd,
                            int *ret_fd, Error *err)
{
    MountAttributes attributes = mount_options_merged(&entry->options);
    const MountAttributes propagation = { .propagation = attributes.propagation };
    Report report;
    _cleanup_close_ int fd = mount_new("tmpfs", entry->source, &entry->options.data,
                                       attributes.value & ~(uint64_t)MOUNT_ATTR_RDONLY, &report);
    _cleanup_close_ int root_fd = -EBADF;
    int r;

    if (fd < 0) {
        r = report_to_error(&report, err);
        return error_wrap(err, r, "mount '" DEV "'");
    }
    root_fd = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    r = root_fd < 0 ? -errno : fill(root_fd, devices);
    if (r >= 0)
        r = mount_map_ids(fd, id_map_fd, false);
    if (r >= 0)
        r = mount_attributes_apply(fd, &propagation, false);
    if (is_refusal(r))
        return 0;
    if (r < 0)
        return error_result(err, r, "make the devices of '" DEV "'");
    *ret_fd = TAKE_FD(fd);
    return 1;
}

int device_tree_make(MountTable *mounts, DeviceTable *devices, const RuntimeConfig *config,
                     Error *err)
{
    const LinuxIdMappings *uids = &config->linux_config.uid_mappings;
    MountEntry *entry = find_entry(mounts);
    int id_map_fd, r;

    /* Where there is no root, nobody could put anything into what is root's. */
    if (!entry || (uids->count > 0 && !id_mapping_has(uids, 0)))
        return 0;
    r = mount_table_open_ids(mounts, config, &id_map_fd, err);
    if (r < 0)
        return r;
    r = make_file_system(entry, devices, id_map_fd, &entry->fd, err);
    if (r <= 0)
        return r;
    free(TAKE_PTR(entry->type)); /* it is a mount already, as a bind is */
    for (size_t i = 0; i < devices->count; i++)
        devices->items[i].must_exist |= device_is_in_dev(&devices->items[i]);
    return 0;
}
