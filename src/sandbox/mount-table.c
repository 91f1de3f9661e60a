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
#include "base/parse.h"
#include "base/path.h"
#include "sandbox/id-mapping.h"

static void mount_entry_done(MountEntry *entry)
{
    free(entry->destination);
    free(entry->type);
    free(entry->source);
    free(entry->link_target);
    mount_options_done(&entry->options);
    entry->fd = fd_close(entry->fd);
    entry->spare_fd = fd_close(entry->spare_fd);
    entry->id_map_fd = fd_close(entry->id_map_fd);
}

void mount_table_done(MountTable *table)
{
    for (size_t i = 0; i < table->count; i++)
        mount_entry_done(&table->items[i]);
    free(table->items);
    if (table->id_map_fd > 0)
        fd_close(table->id_map_fd);
    *table = (MountTable) {};
}

MountEntry *mount_table_add(MountTable *table, const char *destination)
{
    MountEntry *entry;

    table->items =
        memory_grow(table->items, &table->capacity, table->count + 1, sizeof(*table->items));
    entry = &table->items[table->count++];
    *entry = (MountEntry) {
        .destination = path_clean(destination),
        .fd = -EBADF,
        .passed_fd = -EBADF,
        .spare_fd = -EBADF,
        .id_map_fd = -EBADF,
        .is_directory = true,
    };
    return entry;
}

/* What it takes to lay out a table, and what its entries share. */
typedef struct Planning {
    MountTable *table;
    const RuntimeConfig *config;
    const Cgroup *cgroup;
    int bundle_fd;
} Planning;

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

#define FD_PATH "/proc/self/fd/"

static bool is_passed(const RuntimeMount *mount)
{
    return mount->source && strncmp(mount->source, FD_PATH, strlen(FD_PATH)) == 0;
}

static int clone_source(MountEntry *entry, const RuntimeMount *mount, int bundle_fd, Error *err)
{
    const MountOptions *options = &entry->options;
    struct stat st;

    if (!mount->source)
        return error_set(err, ERROR_INVALID, "mount '%s': a bind mount needs a source",
                         mount->destination);
    if (options->data.count > 0 || options->copy_up)
        return error_set(err, ERROR_INVALID, "mount '%s': a bind mount has no option '%s'",
                         mount->destination,
                         options->copy_up ? "tmpcopyup" : options->data.items[0].key);

    entry->fd = open_tree(bundle_fd, mount->source,
                          OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
                              (options->bind_recursive ? AT_RECURSIVE : 0));
    /* A detached mount that the caller passes as a descriptor: before Linux 6.15 it cannot be
     * cloned, only used up. */
    if (entry->fd < 0 && errno == EINVAL && is_passed(mount)) {
        (void)parse_i32(mount->source + strlen(FD_PATH), &entry->passed_fd); /* else it is lost */
        entry->fd = open(mount->source, O_PATH | O_CLOEXEC);
    }
    if (entry->fd < 0 || fstat(entry->fd, &st) < 0)
        return error_errno(err, "mount '%s' on '%s'", mount->source, mount->destination);

    entry->is_directory = S_ISDIR(st.st_mode);
    return 0;
}

int mount_table_open_ids(MountTable *table, const RuntimeConfig *config, int *ret_fd, Error *err)
{
    const LinuxConfig *settings = &config->linux_config;
    const LinuxNamespace *namespace = linux_namespace_find(settings, "user");
    int fd = -EBADF, r = 0;

    if (table->id_map_fd > 0) {
        *ret_fd = table->id_map_fd;
        return 0;
    }
    if (!namespace)
        return error_set(err, ERROR_INVALID,
                         "'idmap' needs uidMappings and gidMappings, or a user namespace");
    if (!namespace->path) {
        r = id_mapping_open(&settings->uid_mappings, &settings->gid_mappings, &fd, err);
    } else {
        fd = open(namespace->path, O_RDONLY | O_CLOEXEC);
        r = fd < 0 ? error_errno(err, "open '%s'", namespace->path) : 0;
    }
    if (r < 0)
        return r;
    *ret_fd = table->id_map_fd = fd;
    return 0;
}

/* Mappings without "idmap" mean it too: so they did before there was that option. */
static int open_ids(Planning *planning, const RuntimeMount *mount, const MountOptions *options,
                    int *ret_fd, Error *err)
{
    int r = 0;

    if (mount->uid_mappings.count > 0) {
        r = id_mapping_open(&mount->uid_mappings, &mount->gid_mappings, ret_fd, err);
    } else if (options->map_ids) {
        int fd = -EBADF;

        r = mount_table_open_ids(planning->table, planning->config, &fd, err);
        if (r == 0) {
            *ret_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
            r = *ret_fd < 0 ? error_errno(err, "duplicate a handle") : 0;
        }
    }
    return r < 0 ? error_wrap(err, r, "mount '%s'", mount->destination) : 0;
}

static int map_ids(const MountEntry *entry, const RuntimeMount *mount, Error *err)
{
    int r;

    if (entry->id_map_fd < 0)
        return 0;
    r = mount_map_ids(entry->fd, entry->id_map_fd, entry->options.map_ids_recursive);
    if (r == -EINVAL)
        return error_set(err, ERROR_UNSUPPORTED,
                         "mount '%s': the file system of '%s' cannot map ids", mount->destination,
                         mount->source);
    return r < 0 ? error_result(err, r, "map the ids of mount '%s'", mount->destination) : 0;
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

/* What an earlier entry at the same place would have become at the end, a later one takes back. */
static void unseal(MountTable *table, const MountEntry *entry)
{
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->items[i].destination, entry->destination) == 0)
            table->items[i].is_sealed = false;
}

/*
 * Only the flags that are named change, and those of the mount alone: the file system behind it may
 * be shown elsewhere, too. What becomes read-only does so at the end, like a new file system.
 */
static int plan_remount(MountTable *table, MountEntry *entry, const RuntimeMount *mount, Error *err)
{
    const MountOptions *options = &entry->options;
    const MountAttributes merged = mount_options_merged(options);

    if (options->map_ids || options->copy_up || mount->uid_mappings.count > 0)
        return error_set(err, ERROR_INVALID, "mount '%s': a remount cannot '%s'",
                         mount->destination, options->copy_up ? "tmpcopyup" : "idmap");
    if (is_bind(mount, options) && options->data.count > 0)
        return error_set(err, ERROR_INVALID, "mount '%s': a bind mount has no option '%s'",
                         mount->destination, options->data.items[0].key);
    if (merged.mask & MOUNT_ATTR_RDONLY)
        unseal(table, entry);
    entry->is_sealed = merged.value & MOUNT_ATTR_RDONLY;
    return 0;
}

static int plan_bind(Planning *planning, MountEntry *entry, const RuntimeMount *mount, Error *err)
{
    int r = clone_source(entry, mount, planning->bundle_fd, err);

    if (r == 0)
        r = open_ids(planning, mount, &entry->options, &entry->id_map_fd, err);
    if (r == 0)
        r = map_ids(entry, mount, err);
    entry->id_map_fd = fd_close(entry->id_map_fd); /* the mount keeps what it needs */
    if (r >= 0)
        r = set_attributes(entry, planning->config, err);
    if (r == -EINVAL && is_passed(mount))
        return error_set(err, ERROR_UNSUPPORTED,
                         "mount '%s': the mount that was made for it is used up, and cannot be "
                         "cloned before Linux 6.15",
                         mount->destination);
    return r;
}

/*
 * The container's list of devices binds its first process already, not us. What a disk holds
 * belongs to no namespace, so that it makes no difference otherwise who mounts it.
 */
static int mount_disk(MountEntry *entry, const RuntimeConfig *config, Error *err)
{
    const MountOptions *options = &entry->options;
    _cleanup_free_ char *type = TAKE_PTR(entry->type);
    Report report;
    int r;

    entry->fd = mount_new(type, entry->source, &options->data, mount_options_merged(options).value,
                          &report);
    if (entry->fd < 0) {
        r = report_to_error(&report, err);
        return error_wrap(err, r, "mount '%s'", entry->destination);
    }
    return set_attributes(entry, config, err);
}

static bool is_disk(const char *path)
{
    struct stat st;

    return path && path_is_absolute(path) && stat(path, &st) == 0 && S_ISBLK(st.st_mode);
}

static int plan_new(Planning *planning, MountEntry *entry, const RuntimeMount *mount, Error *err)
{
    int r = mount_entry_plan_new(entry, mount, planning->config, err);

    if (r == 0)
        r = open_ids(planning, mount, &entry->options, &entry->id_map_fd, err);
    if (r < 0 || mount_type_is_memory(mount->type) || !is_disk(mount->source))
        return r;

    r = mount_disk(entry, planning->config, err);
    if (r == 0)
        r = map_ids(entry, mount, err);
    return r;
}

static int plan_mount(Planning *planning, const RuntimeMount *mount, Error *err)
{
    MountEntry *entry = mount_table_add(planning->table, mount->destination);
    int r = mount_options_parse(&mount->options, &entry->options, err);

    if (r < 0)
        return error_wrap(err, r, "mount '%s'", mount->destination);
    if (strcmp(entry->destination, "/") == 0)
        return error_set(err, ERROR_INVALID, "mount '%s': the root is not a place for a mount",
                         mount->destination);
    if (entry->options.remount)
        return plan_remount(planning->table, entry, mount, err);
    if (is_bind(mount, &entry->options))
        return plan_bind(planning, entry, mount, err);

    return plan_new(planning, entry, mount, err);
}

int mount_table_plan(MountTable *table, const RuntimeConfig *config, int bundle_fd,
                     const Cgroup *cgroup, Error *err)
{
    Planning planning = {
        .table = table,
        .config = config,
        .cgroup = cgroup,
        .bundle_fd = bundle_fd,
    };
    int r = mount_label_check(config, err);

    for (size_t i = 0; r == 0 && i < config->mounts.count; i++) {
        const RuntimeMount *mount = &config->mounts.items[i];

        r = is_cgroup(mount) ? mount_table_add_cgroups(table, mount, config, cgroup, err)
                             : plan_mount(&planning, mount, err);
    }
    return r;
}

bool mount_table_has_bind(const MountTable *table, const char *destination)
{
    for (size_t i = 0; i < table->count; i++)
        if (table->items[i].fd >= 0 && !table->items[i].type &&
            strcmp(table->items[i].destination, destination) == 0)
            return true;

    return false;
}

size_t mount_table_count_passed(const MountTable *table)
{
    size_t count = 0;

    for (size_t i = 0; i < table->count && table->keeps_passed; i++)
        count += table->items[i].passed_fd >= 0;
    return count <= MOUNT_TABLE_PASSED_MAX ? count : 0; /* all or none: who takes them counts */
}

int mount_table_find_fd(const MountTable *table, const char *type)
{
    for (size_t i = table->count; i > 0; i--)
        if (table->items[i - 1].type && strcmp(table->items[i - 1].type, type) == 0)
            return table->items[i - 1].fd;

    return -EBADF;
}
