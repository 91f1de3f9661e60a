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
    MountAttributes attributes = mount_options_merged(options);
    int r;

    if (attributes.propagation == 0)
        attributes.propagation = MS_PRIVATE;
    entry->fd = mount_clone(hierarchy->fd, false);
    r = entry->fd < 0 ? entry->fd : mount_attributes_apply(entry->fd, &attributes, false);
    return r < 0 ? error_result(err, r, "show the cgroup at '%s'", destination) : 0;
}

/*
 * v2 without a cgroup of the container's own, for it was not permitted: the one that it runs in,
 * which is ours. Nothing may be written there, or it would be a way out (CVE-2023-25809).
 */
static int add_own_cgroup(MountTable *table, const char *destination, const MountOptions *options,
                          Error *err)
{
    _cleanup_(cgroup_freep) Cgroup *own = NULL;
    MountOptions sealed = *options; /* strings stay the caller's */
    int r = cgroup_open_of_process(getpid(), &own, err);

    if (r < 0)
        return r;
    sealed.own.value |= MOUNT_ATTR_RDONLY;
    sealed.own.mask |= MOUNT_ATTR_RDONLY;
    return add_hierarchy(table, destination, &own->layout.items[0], &sealed, err);
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
static void add_directory(MountTable *table, const char *destination, const MountOptions *options,
                          const RuntimeConfig *config)
{
    MountEntry *entry = mount_table_add(table, destination);

    entry->type = memory_strdup("tmpfs");
    entry->source = memory_strdup("cgroup");
    entry->options.own = mount_options_merged(options);
    string_map_set(&entry->options.data, "mode", "755");
    entry->is_sealed = entry->options.own.value & MOUNT_ATTR_RDONLY;
    mount_label_plan(entry, config);
}

static int check_options(const MountOptions *options, Error *err)
{
    const char *name = NULL;

    if (options->data.count > 0)
        name = options->data.items[0].key;
    else if (options->remount || options->map_ids || options->copy_up)
        name = options->remount ? "remount" : options->map_ids ? "idmap" : "tmpcopyup";
    return name ? error_set(err, ERROR_INVALID, "a cgroup mount has no option '%s'", name) : 0;
}

/* All hierarchies that the container has a cgroup in, side by side. */
static int add_hierarchies(MountTable *table, const char *destination, const Cgroup *cgroup,
                           const MountOptions *options, Error *err)
{
    for (size_t i = 0; i < cgroup->layout.count; i++) {
        const CgroupHierarchy *hierarchy = &cgroup->layout.items[i];
        int r = hierarchy->fd < 0
                    ? 0
                    : add_named_hierarchy(table, destination, hierarchy, options, err);

        if (r < 0)
            return r;
    }
    return 0;
}

int mount_table_add_cgroups(MountTable *table, const RuntimeMount *mount,
                            const RuntimeConfig *config, const Cgroup *cgroup, Error *err)
{
    _cleanup_mount_options_ MountOptions options = {};
    bool only_v2 = strcmp(mount->type, "cgroup2") == 0;
    const CgroupHierarchy *unified;
    int r = mount_options_parse(&mount->options, &options, err);

    if (r == 0)
        r = check_options(&options, err);
    if (r < 0)
        return error_wrap(err, r, "mount '%s'", mount->destination);
    if (!cgroup)
        return error_set(err, ERROR_INVALID,
                         "mount '%s': the container has no cgroup, linux.cgroupsPath is not set",
                         mount->destination);
    unified = cgroup_unified(cgroup);
    if (!unified && cgroup->layout.count == 1 && cgroup->layout.items[0].is_v2)
        return add_own_cgroup(table, mount->destination, &options, err);
    if (only_v2 && !unified)
        return error_set(err, ERROR_UNSUPPORTED, "mount '%s': the host has no cgroup v2",
                         mount->destination);
    if (only_v2 || (unified && cgroup->layout.count == 1))
        return add_hierarchy(table, mount->destination, unified, &options, err);

    add_directory(table, mount->destination, &options, config);
    return add_hierarchies(table, mount->destination, cgroup, &options, err);
}
