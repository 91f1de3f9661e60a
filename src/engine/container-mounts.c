/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The mount points of a container: what all the ways to ask for a mount come to, each target at
 * most once. They are decided when the container is made and kept with it. Docker's precedence:
 * what its user mounts, then what other containers have there, then anonymous volumes.
 */

#include <string.h>

#include "base/memory.h"
#include "base/path.h"
#include "engine/container-private.h"
#include "engine/mount-spec.h"
#include "engine/volume.h"

/* As Docker tells of a volume for which nothing was said. */
#define VOLUME_MODE_DEFAULT "z"

static bool is_volume(const ContainerMount *mount)
{
    return strcmp(mount->type, MOUNT_TYPE_DEFAULT) == 0;
}

static bool has_target(const ContainerSpec *spec, const char *target)
{
    for (size_t i = 0; i < spec->mount_points.count; i++)
        if (strcmp(spec->mount_points.items[i].target, target) == 0)
            return true;
    return false;
}

/* Moves @mount. */
static void add_mount_point(ContainerSpec *spec, ContainerMount *mount)
{
    *JSON_ARRAY_ADD(&spec->mount_points) = *mount;
    *mount = (ContainerMount) {};
}

static int add_user_mount(ContainerSpec *spec, ContainerMount *mount, Error *err)
{
    _cleanup_free_ char *target = mount->target;

    mount->target = path_clean(target);
    if (has_target(spec, mount->target))
        return error_set(err, ERROR_INVALID, "duplicate mount point '%s'", mount->target);
    add_mount_point(spec, mount);
    return 0;
}

static int add_binds(ContainerSpec *spec, Error *err)
{
    int r = 0;

    for (size_t i = 0; i < spec->binds.count && r >= 0; i++) {
        _cleanup_container_mount_ ContainerMount mount = {};

        r = mount_spec_parse_bind(spec->binds.items[i], NULL, &mount, err);
        if (r < 0)
            return r;
        if (is_volume(&mount))
            mount.volume_driver = memory_strdup(spec->volume_driver);
        r = add_user_mount(spec, &mount, err);
    }
    return r;
}

static int add_mounts(ContainerSpec *spec, Error *err)
{
    int r = 0;

    for (size_t i = 0; i < spec->mounts.count && r >= 0; i++) {
        _cleanup_container_mount_ ContainerMount mount = {};

        container_mount_copy(&spec->mounts.items[i], &mount);
        if (!mount.type)
            mount.type = memory_strdup(MOUNT_TYPE_DEFAULT);
        r = add_user_mount(spec, &mount, err);
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

        r = add_user_mount(spec, &mount, err);
    }
    return r;
}

/* What the user asks for by name: each target once. */
static int add_user_mounts(ContainerSpec *spec, Error *err)
{
    int r = add_binds(spec, err);

    if (r >= 0)
        r = add_mounts(spec, err);
    return r < 0 ? r : add_tmpfs(spec, err);
}

void container_mounts_upgrade(ContainerSpec *spec)
{
    ContainerMounts *mounts = &spec->mount_points;

    if (mounts->count > 0 || add_user_mounts(spec, NULL) >= 0)
        return;
    while (mounts->count > 0) /* all or none: it is shown, and not started */
        container_mount_done(&mounts->items[--mounts->count]);
}

/* The other container's, as far as they are more than its own scratch space. */
static void inherit_mount(ContainerSpec *spec, const ContainerMount *mount, bool read_only)
{
    _cleanup_container_mount_ ContainerMount copy = {};

    container_mount_copy(mount, &copy);
    copy.read_only = copy.read_only || read_only;
    free(TAKE_PTR(copy.mode));
    if (is_volume(&copy)) {
        /* It is there, made with whatever options. */
        copy.volume_no_copy = true;
        string_map_done(&copy.volume_options);
        string_map_done(&copy.volume_labels);
    }
    add_mount_point(spec, &copy);
}

static int inherit_mounts(Engine *engine, ContainerSpec *spec, const char *text, Error *err)
{
    _cleanup_(container_freep) Container *other = NULL;
    _cleanup_free_ char *name = NULL;
    bool read_only;
    int r = mount_spec_parse_volumes_from(text, &name, &read_only, err);

    if (r >= 0)
        r = container_find(engine, name, &other, err);
    if (r < 0)
        return error_wrap(err, r, "take the volumes of '%s'", text);
    for (size_t i = 0; i < other->spec.mount_points.count; i++) {
        const ContainerMount *mount = &other->spec.mount_points.items[i];

        if (!has_target(spec, mount->target) &&
            !string_map_contains(&other->spec.tmpfs, mount->target))
            inherit_mount(spec, mount, read_only);
    }
    return 0;
}

/* Anonymous volumes, the image's among them, where nothing else is. */
static int add_volumes(ContainerSpec *spec, Error *err)
{
    for (size_t i = 0; i < spec->volumes.count; i++) {
        _cleanup_container_mount_ ContainerMount mount = {
            .type = memory_strdup(MOUNT_TYPE_DEFAULT),
            .target = path_clean(spec->volumes.items[i]),
            .mode = memory_strdup(""),
            .volume_driver = memory_strdup(spec->volume_driver),
        };
        /* What an image says has not been checked yet, and may start anywhere. */
        int r = mount_spec_validate_target(mount.target, err);

        if (r < 0)
            return error_wrap(err, r, "invalid volume '%s'", spec->volumes.items[i]);
        if (!has_target(spec, mount.target))
            add_mount_point(spec, &mount);
    }
    return 0;
}

/* Which volume, and whose. */
static int settle_volume(Engine *engine, ContainerMount *mount, StringList *anonymous,
                         StringList *existing, Error *err)
{
    _cleanup_(volume_freep) Volume *volume = NULL;
    _cleanup_error_ Error problem = {};
    int r;

    if (!mount->source) {
        mount->source = volume_name_generate();
        string_list_add(anonymous, mount->source);
        r = 0;
    } else {
        r = volume_find(engine, mount->source, &volume, &problem);
        if (r < 0 && problem.kind != ERROR_NOT_FOUND) {
            error_move(err, &problem);
            return r;
        }
    }
    if (volume)
        string_list_add(existing, mount->source);
    if (!mount->volume_driver)
        mount->volume_driver = memory_strdup(volume ? volume->driver : VOLUME_DRIVER_LOCAL);
    if (!mount->mode && strcmp(mount->volume_driver, VOLUME_DRIVER_LOCAL) == 0)
        mount->mode = memory_strdup(VOLUME_MODE_DEFAULT);
    return 0;
}

/* Which image, whatever its name means later. */
static int settle_image(Engine *engine, ContainerMount *mount, Error *err)
{
    _cleanup_(image_freep) Image *image = NULL;
    ImageStore *images;
    int r = engine_images(engine, &images, err);

    if (r >= 0)
        r = image_store_find(images, mount->source, &image, err);
    if (r < 0)
        return error_wrap(err, r, "mount '%s'", mount->target);
    free(mount->source);
    mount->source = memory_strdup(image->id.text);
    mount->read_only = true;
    return 0;
}

int container_mounts_resolve(Engine *engine, ContainerSpec *spec, StringList *anonymous,
                             StringList *existing, Error *err)
{
    int r = add_user_mounts(spec, err);

    /* The last one comes first: of two at one target it is the one that counts. */
    for (size_t i = spec->volumes_from.count; i > 0 && r >= 0; i--)
        r = inherit_mounts(engine, spec, spec->volumes_from.items[i - 1], err);
    if (r >= 0)
        r = add_volumes(spec, err);
    for (size_t i = 0; i < spec->mount_points.count && r >= 0; i++) {
        ContainerMount *mount = &spec->mount_points.items[i];

        if (is_volume(mount))
            r = settle_volume(engine, mount, anonymous, existing, err);
        else if (strcmp(mount->type, "image") == 0)
            r = settle_image(engine, mount, err);
    }
    return r;
}
