/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a container sees of cgroups: its own one, and nothing above it. Each hierarchy is shown by a
 * bind of the container's directory, which in a cgroup namespace looks exactly like a mount of the
 * whole file system, costs a fraction of one, and cannot show more even without the namespace.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "sandbox/cgroup-private.h"
#include "sandbox/mounts-private.h"

static int add_hierarchy(MountTable *table, const char *destination,
                         const CgroupHierarchy *hierarchy, const MountOptions *options, Error *err)
{
    MountEntry *entry = mount_table_add(table, destination);
    MountAttributes attributes = options->own;
    int r;

    attributes.propagation = MS_PRIVATE;
    entry->fd = mount_clone(hierarchy->fd, false);
    r = entry->fd < 0 ? entry->fd : mount_attributes_apply(entry->fd, &attributes, false);
    return r < 0 ? error_result(err, r, "show the cgroup at '%s'", destination) : 0;
}

/* The host's name for the hierarchy ("cpu,cpuacct", "systemd"): that of its mount point. */
static int hierarchy_name(const CgroupHierarchy *hierarchy, char **ret)
{
    char link[32], path[PATH_MAX], *slash;
    ssize_t length = readlink(path_of_fd(link, hierarchy->root_fd), path, sizeof(path) - 1);

    if (length < 0)
        return -errno;
    path[length] = '\0';
    slash = strrchr(path, '/');
    if (!slash || !path_is_name(slash + 1))
        return -EINVAL;
    *ret = memory_strdup(slash + 1);
    return 0;
}

/* Programs look for "cpu" also where it is mounted together with others, as "cpu,cpuacct". */
static void add_links(MountTable *table, const char *directory, const char *name)
{
    _cleanup_string_list_ StringList controllers = {};

    string_list_split(&controllers, name, ',');
    for (size_t i = 0; controllers.count > 1 && i < controllers.count; i++) {
        _cleanup_free_ char *path = memory_printf("%s/%s", directory, controllers.items[i]);

        mount_table_add(table, path)->link_target = memory_strdup(name);
    }
}

static int add_named_hierarchy(MountTable *table, const char *directory,
                               const CgroupHierarchy *hierarchy, const MountOptions *options,
                               Error *err)
{
    _cleanup_free_ char *name = NULL, *path = NULL;
    int r = hierarchy_name(hierarchy, &name);

    if (r < 0)
        return error_result(err, r, "find the name of a cgroup hierarchy");

    path = memory_printf("%s/%s", directory, name);
    add_links(table, directory, name);
    return add_hierarchy(table, path, hierarchy, options, err);
}

/* The directory that the v1 hierarchies are mounted in. */
static void add_directory(MountTable *table, const char *destination, const MountOptions *options)
{
    MountEntry *entry = mount_table_add(table, destination);

    entry->type = memory_strdup("tmpfs");
    entry->source = memory_strdup("cgroup");
    entry->options.own = options->own;
    string_map_set(&entry->options.data, "mode", "755");
    entry->is_sealed = options->own.value & MOUNT_ATTR_RDONLY;
}

int mount_table_add_cgroups(MountTable *table, const RuntimeMount *mount, const Cgroup *cgroup,
                            Error *err)
{
    _cleanup_mount_options_ MountOptions options = {};
    int r = mount_options_parse(&mount->options, &options, err);

    if (r < 0)
        return error_wrap(err, r, "mount '%s'", mount->destination);
    if (options.data.count > 0)
        return error_set(err, ERROR_INVALID, "mount '%s': a cgroup mount has no option '%s'",
                         mount->destination, options.data.items[0].key);
    if (!cgroup)
        return error_set(err, ERROR_INVALID,
                         "mount '%s': the container has no cgroup, linux.cgroupsPath is not set",
                         mount->destination);
    if (cgroup->layout.count == 1 && cgroup->layout.items[0].is_v2)
        return add_hierarchy(table, mount->destination, &cgroup->layout.items[0], &options, err);

    add_directory(table, mount->destination, &options);
    for (size_t i = 0; i < cgroup->layout.count; i++) {
        const CgroupHierarchy *hierarchy = &cgroup->layout.items[i];

        if (hierarchy->fd < 0)
            continue;
        r = add_named_hierarchy(table, mount->destination, hierarchy, &options, err);
        if (r < 0)
            return r;
    }
    return 0;
}
