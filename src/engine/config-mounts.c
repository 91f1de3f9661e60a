/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The mounts of a container: the standard ones as a table, the files that the engine writes, then
 * what the user asked for (config-user-mounts.c). A user's mount takes the place of a standard one
 * at the same path, and parents are mounted before their children.
 */

#include "engine/config-mounts.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/path.h"
#include "base/process.h"
#include "engine/container-private.h"

/* As Docker has them. With privilege, "ro" is left out where the table says so. */
static const struct {
    const char *destination;
    const char *type;
    const char *source;
    const char *options;
    bool writable_when_privileged;
} standard_mounts[] = {
    { "/proc", "proc", "proc", "nosuid,noexec,nodev", false },
    { "/dev", "tmpfs", "tmpfs", "nosuid,strictatime,mode=755,size=65536k", false },
    { "/dev/pts", "devpts", "devpts", "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5",
      false },
    { "/sys", "sysfs", "sysfs", "nosuid,noexec,nodev,ro", true },
    { "/sys/fs/cgroup", "cgroup", "cgroup", "nosuid,noexec,nodev,relatime,ro", true },
    { "/dev/mqueue", "mqueue", "mqueue", "nosuid,noexec,nodev", false },
    { "/dev/shm", "tmpfs", "shm", "nosuid,noexec,nodev,mode=1777", false },
};

const ContainerOwnFile container_own_files[CONTAINER_OWN_FILES] = {
    { "/etc/resolv.conf", "resolv.conf" },
    { "/etc/hostname", "hostname" },
    { "/etc/hosts", "hosts" },
};

static void mount_done(RuntimeMount *mount)
{
    free(mount->destination);
    free(mount->type);
    free(mount->source);
    string_list_done(&mount->options);
}

RuntimeMount *config_add_mount(RuntimeConfig *config, const char *destination, const char *type,
                               const char *source, const char *options)
{
    RuntimeMount *mount = JSON_ARRAY_ADD(&config->mounts);

    mount->destination = path_clean(destination);
    mount->type = memory_strdup(type);
    mount->source = memory_strdup(source);
    string_list_split(&mount->options, options, ',');
    return mount;
}

/* The group "tty", unless it is none of the container's ids. */
static void adapt_terminals(RuntimeMount *mount, const ContainerSpec *spec)
{
    uint32_t gid;

    if (!id_ranges_to_host(&spec->ids.gids, 5, &gid))
        string_list_remove(&mount->options, "gid=5");
}

static void add_standard_mounts(RuntimeConfig *config, const ContainerSpec *spec)
{
    int64_t shm_size = spec->shm_size > 0 ? spec->shm_size : CONTAINER_DEFAULT_SHM_SIZE;

    for (size_t i = 0; i < ARRAY_SIZE(standard_mounts); i++) {
        RuntimeMount *mount =
            config_add_mount(config, standard_mounts[i].destination, standard_mounts[i].type,
                             standard_mounts[i].source, standard_mounts[i].options);

        if (spec->privileged && standard_mounts[i].writable_when_privileged)
            string_list_remove(&mount->options, "ro");
        if (strcmp(mount->type, "devpts") == 0)
            adapt_terminals(mount, spec);
        if (strcmp(mount->destination, "/dev/shm") == 0)
            string_list_printf(&mount->options, "size=%lld", (long long)shm_size);
    }
}

/* /dev/shm goes with the ipc namespace: it is the host's, another container's, or none. */
static int adapt_shared_memory(RuntimeConfig *config, const ConfigSource *source, Error *err)
{
    const char *mode = source->container->spec.ipc_mode;
    RuntimeMount *mount = &config->mounts.items[config->mounts.count - 1]; /* the table's last */
    _cleanup_free_ char *path = NULL;
    int r;

    if (!mode || !*mode || strcmp(mode, "private") == 0 || strcmp(mode, "shareable") == 0)
        return 0;
    if (strcmp(mode, "none") == 0) {
        mount_done(mount);
        config->mounts.count--;
        return 0;
    }
    if (strcmp(mode, "host") == 0) {
        path = memory_strdup("/dev/shm");
    } else {
        r = config_open_shared_memory(source, &path, err);
        if (r < 0)
            return r;
    }
    mount_done(mount);
    *mount = (RuntimeMount) {
        .destination = memory_strdup("/dev/shm"),
        .type = memory_strdup("bind"),
        .source = TAKE_PTR(path),
    };
    string_list_split(&mount->options, "bind,nosuid,noexec,nodev,rprivate", ',');
    return 0;
}

/* Who shares another one's network has its names, too. */
static char *own_file_directory(const ConfigSource *source)
{
    const char *joined = container_mode_joined(source->container->spec.network_mode);

    return joined ? memory_printf("%s/containers/%s", source->engine->state_path, joined)
                  : memory_strdup(source->directory);
}

static void add_own_files(RuntimeConfig *config, const ConfigSource *source)
{
    _cleanup_free_ char *directory = own_file_directory(source);

    for (size_t i = 0; i < CONTAINER_OWN_FILES; i++) {
        _cleanup_free_ char *path = memory_printf("%s/%s", directory, container_own_files[i].name);

        config_map_own_file(source, config_add_mount(config, container_own_files[i].destination,
                                                     "bind", path, "bind,rprivate"));
    }

    if (source->container->spec.init) {
        _cleanup_free_ char *path = process_find_sibling("cay-init");

        (void)config_add_mount(config, CONTAINER_INIT_PATH, "bind", path, "bind,ro,rprivate");
    }
}

static size_t path_depth(const char *path)
{
    size_t depth = 0;

    for (const char *c = path; *c; c++)
        depth += *c == '/' && c[1] != '\0';
    return depth;
}

/* Stable for mounts of one depth: qsort(3) is not, so the position decides. */
typedef struct OrderedMount {
    RuntimeMount mount;
    size_t depth;
    size_t position;
} OrderedMount;

static int compare_mounts(const void *a, const void *b)
{
    const OrderedMount *left = a, *right = b;

    if (left->depth != right->depth)
        return left->depth < right->depth ? -1 : 1;
    return left->position < right->position ? -1 : left->position > right->position;
}

static bool is_replaced(const RuntimeConfig *config, size_t index, size_t first_user_mount)
{
    for (size_t i = first_user_mount; i < config->mounts.count; i++)
        if (strcmp(config->mounts.items[i].destination, config->mounts.items[index].destination) ==
            0)
            return true;

    return false;
}

/* Drop standard mounts that the user replaces, and put parents before children. */
static int arrange_mounts(RuntimeConfig *config, size_t first_user_mount, Error *err)
{
    _cleanup_free_ OrderedMount *ordered = NEW_ARRAY(OrderedMount, config->mounts.count);
    size_t count = config->mounts.count, kept = 0;

    for (size_t i = first_user_mount; i < count; i++)
        if (is_replaced(config, i, i + 1))
            return error_set(err, ERROR_INVALID, "duplicate mount point '%s'",
                             config->mounts.items[i].destination);

    for (size_t i = 0; i < count; i++) {
        RuntimeMount *mount = &config->mounts.items[i];

        if (i < first_user_mount && is_replaced(config, i, first_user_mount)) {
            mount_done(mount);
            continue;
        }
        ordered[kept] = (OrderedMount) { .mount = *mount,
                                         .depth = path_depth(mount->destination),
                                         .position = kept };
        kept++;
    }
    qsort(ordered, kept, sizeof(OrderedMount), compare_mounts);
    for (size_t i = 0; i < kept; i++)
        config->mounts.items[i] = ordered[i].mount;
    config->mounts.count = kept;
    return 0;
}

int config_add_mounts(RuntimeConfig *config, const ConfigSource *source, Error *err)
{
    size_t first_user_mount;
    int r;

    add_standard_mounts(config, &source->container->spec);
    r = adapt_shared_memory(config, source, err);
    if (r < 0)
        return r;
    add_own_files(config, source);
    first_user_mount = config->mounts.count;
    r = config_add_user_mounts(config, source, err);
    if (r >= 0)
        r = config_add_secrets(config, source, err);
    if (r < 0)
        return r;
    return arrange_mounts(config, first_user_mount, err);
}
