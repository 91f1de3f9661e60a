/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The mount points of a container: what all the ways to ask for a mount come to, each target at
 * most once. They are decided when the container is made and kept with it.
 */

#include <string.h>

#include "base/memory.h"
#include "base/path.h"
#include "engine/container-private.h"
#include "engine/mount-spec.h"

static const ContainerMount *find_target(const ContainerSpec *spec, const char *target)
{
    for (size_t i = 0; i < spec->mount_points.count; i++)
        if (strcmp(spec->mount_points.items[i].target, target) == 0)
            return &spec->mount_points.items[i];
    return NULL;
}

static int add_mount_point(ContainerSpec *spec, ContainerMount *mount, Error *err)
{
    _cleanup_free_ char *target = mount->target;

    mount->target = path_clean(target);
    if (find_target(spec, mount->target))
        return error_set(err, ERROR_INVALID, "duplicate mount point '%s'", mount->target);
    *JSON_ARRAY_ADD(&spec->mount_points) = *mount;
    *mount = (ContainerMount) {};
    return 0;
}

static int add_binds(ContainerSpec *spec, Error *err)
{
    int r = 0;

    for (size_t i = 0; i < spec->binds.count && r >= 0; i++) {
        _cleanup_container_mount_ ContainerMount mount = {};

        r = mount_spec_parse_bind(spec->binds.items[i], NULL, &mount, err);
        if (r >= 0)
            r = add_mount_point(spec, &mount, err);
    }
    return r;
}

static int add_mounts(ContainerSpec *spec, Error *err)
{
    int r = 0;

    for (size_t i = 0; i < spec->mounts.count && r >= 0; i++) {
        _cleanup_container_mount_ ContainerMount mount = {};

        container_mount_copy(&spec->mounts.items[i], &mount);
        r = add_mount_point(spec, &mount, err);
    }
    return r;
}

static int add_tmpfs(ContainerSpec *spec, Error *err)
{
    int r = 0;

    for (size_t i = 0; i < spec->tmpfs.count && r >= 0; i++) {
        _cleanup_container_mount_ ContainerMount mount = {
            .type = memory_strdup("tmpfs"),
            .target = memory_strdup(spec->tmpfs.items[i].key),
            .tmpfs_options = memory_strdup(spec->tmpfs.items[i].value),
        };

        r = add_mount_point(spec, &mount, err);
    }
    return r;
}

int container_mounts_resolve(ContainerSpec *spec, Error *err)
{
    int r = add_binds(spec, err);

    if (r >= 0)
        r = add_mounts(spec, err);
    return r < 0 ? r : add_tmpfs(spec, err);
}

int container_mounts_upgrade(ContainerSpec *spec, Error *err)
{
    return spec->mount_points.count > 0 ? 0 : container_mounts_resolve(spec, err);
}
