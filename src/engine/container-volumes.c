/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The volumes of a container: made with it and, those that nobody has given a name, removed with
 * it. They are made once its row names them: whoever finds that row later knows what was begun.
 */

#include <string.h>

#include "engine/container-private.h"
#include "engine/mount-spec.h"
#include "engine/volume.h"

static bool is_volume(const ContainerMount *mount)
{
    return strcmp(mount->type, MOUNT_TYPE_DEFAULT) == 0;
}

int container_volumes_create(Engine *engine, const Container *container,
                             const StringList *anonymous, const StringList *existing, Error *err)
{
    const ContainerMounts *mounts = &container->spec.mount_points;
    int r = 0;

    for (size_t i = 0; i < mounts->count && r >= 0; i++) {
        const ContainerMount *mount = &mounts->items[i];
        VolumeRequest request = {
            .name = mount->source,
            .driver = mount->volume_driver,
            .options = &mount->volume_options,
            .labels = &mount->volume_labels,
            .is_anonymous = mount->source && string_list_contains(anonymous, mount->source),
            .container = container->id,
        };
        _cleanup_(volume_freep) Volume *volume = NULL;

        if (!is_volume(mount))
            continue;
        if (string_list_contains(existing, mount->source))
            request.container = NULL; /* it refers to it already */
        r = volume_create(engine, &request, &volume, err);
    }
    return r;
}

/* Add its anonymous volumes, whoever they were made for. */
static int list_anonymous(Engine *engine, const Container *container, StringList *names, Error *err)
{
    const ContainerMounts *mounts = &container->spec.mount_points;

    for (size_t i = 0; i < mounts->count; i++) {
        _cleanup_(volume_freep) Volume *volume = NULL;
        _cleanup_error_ Error problem = {};
        int r;

        if (!is_volume(&mounts->items[i]))
            continue;
        r = volume_find(engine, mounts->items[i].source, &volume, &problem);
        if (r < 0 && problem.kind != ERROR_NOT_FOUND) {
            error_move(err, &problem);
            return r;
        }
        if (r >= 0 && volume->is_anonymous)
            string_list_add(names, volume->name);
    }
    return 0;
}

int container_volumes_remove(Engine *engine, const Container *container, Error *err)
{
    const ContainerMounts *mounts = &container->spec.mount_points;
    _cleanup_string_list_ StringList names = {};
    int r;

    for (size_t i = 0; i < mounts->count && container->state == CONTAINER_CREATING; i++)
        if (is_volume(&mounts->items[i]))
            volume_fill_forget(engine, mounts->items[i].source);
    r = list_anonymous(engine, container, &names, err);
    if (r < 0 || names.count == 0)
        return r; /* the relation ends with the row */
    r = volume_unrefer(engine, container->id, err);
    return r < 0 ? r : volume_remove_anonymous(engine, &names, err);
}
