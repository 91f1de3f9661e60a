/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The parent's part of the mounts: options are sorted, sources become detached clones with their
 * flags already set. Every path of the host that a container will ever see is resolved here.
 */

#include "sandbox/mounts-private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"

static void mount_entry_done(MountEntry *entry)
{
    free(entry->destination);
    free(entry->type);
    free(entry->source);
    free(entry->link_target);
    mount_options_done(&entry->options);
    entry->fd = fd_close(entry->fd);
}

void mount_table_done(MountTable *table)
{
    for (size_t i = 0; i < table->count; i++)
        mount_entry_done(&table->items[i]);
    free(table->items);
    *table = (MountTable) {};
}

MountEntry *mount_table_add(MountTable *table, const char *destination)
{
    MountEntry *entry;

    table->items =
        memory_grow(table->items, &table->capacity, table->count + 1, sizeof(*table->items));
    entry = &table->items[table->count++];
    *entry =
        (MountEntry) { .destination = path_clean(destination), .fd = -EBADF, .is_directory = true };
    return entry;
}

/* What happens to mounts of the host that are shared, when nobody asked for anything. */
static uint64_t default_propagation(const RuntimeConfig *config)
{
    const char *name = config->linux_config.rootfs_propagation;
    bool recursive;
    uint64_t flag = name ? mount_propagation_flag(name, &recursive) : 0;

    if (flag == MS_SHARED)
        return 0;
    return flag == MS_PRIVATE ? MS_PRIVATE : MS_SLAVE;
}

static int clone_source(MountEntry *entry, const RuntimeMount *mount, int bundle_fd, Error *err)
{
    struct stat st;

    if (!mount->source)
        return error_set(err, ERROR_INVALID, "mount '%s': a bind mount needs a source",
                         mount->destination);
    if (entry->options.data.count > 0)
        return error_set(err, ERROR_INVALID, "mount '%s': a bind mount has no option '%s'",
                         mount->destination, entry->options.data.items[0].key);

    entry->fd = open_tree(bundle_fd, mount->source,
                          OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
                              (entry->options.bind_recursive ? AT_RECURSIVE : 0));
    if (entry->fd < 0 || fstat(entry->fd, &st) < 0)
        return error_errno(err, "mount '%s' on '%s'", mount->source, mount->destination);

    entry->is_directory = S_ISDIR(st.st_mode);
    return 0;
}

static int set_attributes(MountEntry *entry, const RuntimeConfig *config, Error *err)
{
    MountOptions *options = &entry->options;
    int r;

    /* A clone of a shared mount is a peer of the host's own until it is told otherwise. */
    if (options->recursive.propagation == 0 && options->own.propagation != MS_SHARED)
        options->recursive.propagation = default_propagation(config);

    r = mount_attributes_apply(entry->fd, &options->recursive, true);
    if (r == 0)
        r = mount_attributes_apply(entry->fd, &options->own, false);
    return r < 0 ? error_result(err, r, "set the flags of mount '%s'", entry->destination) : 0;
}

static bool is_bind(const RuntimeMount *mount, const MountOptions *options)
{
    return options->bind || (mount->type && strcmp(mount->type, "bind") == 0);
}

static bool is_cgroup(const RuntimeMount *mount)
{
    return mount->type &&
           (strcmp(mount->type, "cgroup") == 0 || strcmp(mount->type, "cgroup2") == 0);
}

static int plan_mount(MountTable *table, const RuntimeMount *mount, const RuntimeConfig *config,
                      int bundle_fd, Error *err)
{
    MountEntry *entry = mount_table_add(table, mount->destination);
    int r = mount_options_parse(&mount->options, &entry->options, err);

    if (r < 0)
        return error_wrap(err, r, "mount '%s'", mount->destination);
    if (strcmp(entry->destination, "/") == 0)
        return error_set(err, ERROR_INVALID, "mount '%s': the root is not a place for a mount",
                         mount->destination);
    if (entry->options.remount)
        return 0;
    if (is_bind(mount, &entry->options)) {
        r = clone_source(entry, mount, bundle_fd, err);
        return r < 0 ? r : set_attributes(entry, config, err);
    }
    if (!mount->type)
        return error_set(err, ERROR_INVALID, "mount '%s': neither a type nor 'bind' is given",
                         mount->destination);

    entry->type = memory_strdup(mount->type);
    entry->source = memory_strdup(mount->source);
    entry->is_sealed =
        strcmp(mount->type, "tmpfs") == 0 &&
        ((entry->options.own.value | entry->options.recursive.value) & MOUNT_ATTR_RDONLY);
    return 0;
}

int mount_table_plan(MountTable *table, const RuntimeConfig *config, int bundle_fd,
                     const Cgroup *cgroup, Error *err)
{
    for (size_t i = 0; i < config->mounts.count; i++) {
        const RuntimeMount *mount = &config->mounts.items[i];
        int r;

        if (mount->uid_mappings.count > 0 || mount->gid_mappings.count > 0)
            return error_set(err, ERROR_UNSUPPORTED, "mount '%s': id mappings are not supported",
                             mount->destination);
        r = is_cgroup(mount) ? mount_table_add_cgroups(table, mount, cgroup, err)
                             : plan_mount(table, mount, config, bundle_fd, err);
        if (r < 0)
            return r;
    }
    return 0;
}

bool mount_table_has_bind(const MountTable *table, const char *destination)
{
    for (size_t i = 0; i < table->count; i++)
        if (table->items[i].fd >= 0 && !table->items[i].type &&
            strcmp(table->items[i].destination, destination) == 0)
            return true;

    return false;
}

int mount_table_find_fd(const MountTable *table, const char *type)
{
    for (size_t i = table->count; i > 0; i--)
        if (table->items[i - 1].type && strcmp(table->items[i - 1].type, type) == 0)
            return table->items[i - 1].fd;

    return -EBADF;
}
