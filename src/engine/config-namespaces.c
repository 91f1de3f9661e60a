/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Which namespaces a container has of its own, and which it shares with the host or another
 * container. Those of another one are opened here, while that is known to run, and reach the shim
 * as handles: a pid that is used again leads nowhere, and a restart of the container finds the same
 * namespaces.
 */

#include <string.h>

#include "base/memory.h"
#include "engine/container-files.h"
#include "engine/container-private.h"

/* Open @file of the first process of container @name, which has to run. */
static int open_of_container(const ConfigSource *source, const char *name, const char *file,
                             int *ret_fd, Error *err)
{
    _cleanup_(container_freep) Container *other = NULL;
    int r = container_find_live(source->engine, name, &other, err);

    if (r < 0)
        return r;
    if (strcmp(other->id, source->container->id) == 0)
        return error_set(err, ERROR_INVALID, "container '%s' cannot join itself", name);
    return container_open_process_file(other, file, ret_fd, err);
}

/* Another one's ipc namespace only where that was offered, as its /dev/shm comes with it. */
static int check_shareable(const ConfigSource *source, const char *name, Error *err)
{
    _cleanup_(container_freep) Container *other = NULL;
    int r = container_find(source->engine, name, &other, err);

    if (r < 0)
        return r;
    if (!container_mode_is(other->spec.ipc_mode, "shareable"))
        return error_set(err, ERROR_CONFLICT,
                         "container '%s' does not share its ipc namespace: run it with "
                         "'--ipc shareable'",
                         name);
    return 0;
}

int config_open_shared_memory(const ConfigSource *source, char **ret_path, Error *err)
{
    const char *name = container_mode_joined(source->container->spec.ipc_mode);
    _cleanup_(container_freep) Container *other = NULL;
    int fd, r = container_find_live(source->engine, name, &other, err);

    if (r >= 0)
        r = container_clone_mount(other, "/dev/shm", 0, &fd, err);
    return r < 0 ? r : config_inherit_fd(source, fd, ret_path, err);
}

static int add_namespace(RuntimeConfig *config, const ConfigSource *source, const char *type,
                         const char *file, const char *mode, Error *err)
{
    const char *other = container_mode_joined(mode), *path = container_mode_path(mode);
    LinuxNamespace *namespace;
    int fd, r;

    if (container_mode_is(mode, "host"))
        return 0;
    namespace = JSON_ARRAY_ADD(&config->linux_config.namespaces);
    namespace->type = memory_strdup(type);
    namespace->path = memory_strdup(path);
    if (!other)
        return 0;
    r = open_of_container(source, other, file, &fd, err);
    return r < 0 ? r : config_inherit_fd(source, fd, &namespace->path, err);
}

/* A container that was made before there were any has the host's. */
static const char *userns_mode(const Container *container)
{
    return container_has_own_ids(container) ? container->spec.userns_mode : "host";
}

int config_add_namespaces(RuntimeConfig *config, const ConfigSource *source, Error *err)
{
    const ContainerSpec *spec = &source->container->spec;
    const struct {
        const char *type;
        const char *file;
        const char *mode;
    } namespaces[] = {
        { "mount", "ns/mnt", NULL },
        { "pid", "ns/pid", spec->pid_mode },
        { "ipc", "ns/ipc", spec->ipc_mode },
        { "uts", "ns/uts", spec->uts_mode },
        { "cgroup", "ns/cgroup", spec->cgroupns_mode },
        { "user", "ns/user", userns_mode(source->container) },
        { "network", "ns/net", spec->network_mode },
    };
    int r = 0;

    if (container_mode_joined(spec->ipc_mode))
        r = check_shareable(source, container_mode_joined(spec->ipc_mode), err);
    for (size_t i = 0; i < ARRAY_SIZE(namespaces) && r >= 0; i++)
        r = add_namespace(config, source, namespaces[i].type, namespaces[i].file,
                          namespaces[i].mode, err);
    if (r >= 0 && !container_mode_joined(userns_mode(source->container)))
        config_add_ids(config, source);
    return r;
}
