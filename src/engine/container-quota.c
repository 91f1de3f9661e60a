/* SPDX-License-Identifier: Apache-2.0 */

/*
 * `--storage-opt size=`: a container's project and its limit. The option is kept as its user has
 * written it, and the limit set anew at each start: the state may have moved to another disk.
 */

#include <string.h>

#include "engine/container-private.h"
#include "engine/project.h"
#include "storage/project-quota.h"
#include "storage/snapshot.h"

#define SIZE_OPTION "size"

/* For the directory that an overlay makes when it is mounted: without it the root of a container
 * that has used up its limit would be read-only, and nobody could make room in it. */
#define MOUNT_ROOM ((int64_t)1 << 20)

int container_quota_validate(const ContainerSpec *spec, Error *err)
{
    for (size_t i = 0; i < spec->storage_options.count; i++) {
        const StringPair *option = &spec->storage_options.items[i];
        int64_t bytes;
        int r;

        if (strcmp(option->key, SIZE_OPTION) != 0)
            return error_set(err, ERROR_UNSUPPORTED,
                             "storage option '%s' is not supported: there is 'size'", option->key);
        r = project_parse_size(option->value, &bytes, err);
        if (r < 0)
            return error_wrap(err, r, "storage option 'size'");
    }
    return 0;
}

int container_quota_choose(Engine *engine, Container *container, Error *err)
{
    if (!string_map_contains(&container->spec.storage_options, SIZE_OPTION))
        return 0;
    return project_choose(engine, engine->containers_fd, &container->project, err);
}

static int apply(const ContainerClaim *claim, int64_t room, Error *err)
{
    const Container *container = claim->container;
    int64_t bytes;
    int r = project_parse_size(string_map_get(&container->spec.storage_options, SIZE_OPTION),
                               &bytes, err);

    return r < 0 ? r
                 : project_quota_limit(claim->directory_fd, container->project,
                                       (uint64_t)(bytes + room), err);
}

int container_quota_prepare(const ContainerClaim *claim, Error *err)
{
    int r;

    if (claim->container->project == 0)
        return 0;
    r = apply(claim, MOUNT_ROOM, err);
    return r < 0 ? r : snapshot_set_project(claim->directory_fd, claim->container->project, err);
}

int container_quota_apply(const ContainerClaim *claim, Error *err)
{
    return claim->container->project == 0 ? 0 : apply(claim, 0, err);
}

void container_quota_release(Engine *engine, const Container *container)
{
    /* A file system that was mounted without quotas since has no limits; they mean nothing without
     * files, and the number is not used again soon. */
    if (container->project > 0)
        (void)project_quota_clear(engine->containers_fd, container->project);
}
