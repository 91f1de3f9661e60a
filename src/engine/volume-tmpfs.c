/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Volumes in memory. One lives as long as a container has it, and all containers that have it at
 * the same time have the same: nothing but their mounts holds it, so whoever comes later clones one
 * of those. The device number says which it is; it is what the mark of a mounted one holds, written
 * under the lock of the volume's directory. So of two containers at once one makes it, and the
 * other one waits until that one runs.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "engine/container-private.h"
#include "engine/volume-options.h"
#include "engine/volume-private.h"
#include "sandbox/file-system.h"

/* What a container's own mount may have in addition, and another one's has not. */
#define OTHERS_ATTRIBUTES                                                                          \
    (MOUNT_ATTR_IDMAP | MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |                 \
     MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOSYMFOLLOW)

/* How often a container may begin or end to run just when it is looked at. */
#define MAX_ATTEMPTS 3

/* One that this process has mounted for a container that does not run yet. */
typedef struct TmpfsVolume {
    struct TmpfsVolume *next;
    char *name;
    char *container;
    int fd; /* a detached mount */
} TmpfsVolume;

static void tmpfs_volume_free(TmpfsVolume *volume)
{
    fd_close(volume->fd);
    free(volume->name);
    free(volume->container);
    free(volume);
}

void engine_forget_tmpfs_volumes(Engine *engine)
{
    while (engine->tmpfs_volumes) {
        TmpfsVolume *first = engine->tmpfs_volumes;

        engine->tmpfs_volumes = first->next;
        tmpfs_volume_free(first);
    }
}

/* The link that leads to it, or the last one. */
static TmpfsVolume **find_own(Engine *engine, const char *name, const char *container)
{
    TmpfsVolume **link = &engine->tmpfs_volumes;

    while (*link &&
           (strcmp((*link)->name, name) != 0 || strcmp((*link)->container, container) != 0))
        link = &(*link)->next;
    return link;
}

void volume_tmpfs_release(Engine *engine, const Volume *volume, const char *container)
{
    TmpfsVolume **link = find_own(engine, volume->name, container);
    TmpfsVolume *found = *link;

    if (found) {
        *link = found->next;
        tmpfs_volume_free(found);
    }
}

/* A second place in the container, or the same one looked at again. */
static int mount_own(TmpfsVolume *own, VolumeMount *ret, Error *err)
{
    int fd, r = mount_clone_detached(&own->fd, &fd);

    if (r < 0)
        return error_result(err, r, "clone a tmpfs");
    *ret = (VolumeMount) { .fd = fd };
    return 0;
}

/* By a mount of its own: the container uses the other one up. */
static int remember(Engine *engine, const Volume *volume, const char *container, int *fd,
                    Error *err)
{
    TmpfsVolume *own;
    int own_fd, r = mount_clone_detached(fd, &own_fd);

    if (r < 0)
        return error_result(err, r, "clone a tmpfs");
    own = NEW(TmpfsVolume);
    *own = (TmpfsVolume) { .next = engine->tmpfs_volumes,
                           .name = memory_strdup(volume->name),
                           .container = memory_strdup(container),
                           .fd = own_fd };
    engine->tmpfs_volumes = own;
    return 0;
}

/* Where @container has all of the volume; NULL: nowhere. */
static const char *find_target(const Container *container, const char *name)
{
    const ContainerMounts *mounts = &container->spec.mount_points;

    for (size_t i = 0; i < mounts->count; i++) {
        const ContainerMount *mount = &mounts->items[i];

        if (strcmp(mount->type, "volume") == 0 && strcmp(mount->source, name) == 0 &&
            !mount->volume_subpath)
            return mount->target;
    }
    return NULL;
}

/* The device of the tmpfs that container @id has. Returns 1, or 0 when it has none. */
static int read_device(Engine *engine, const char *name, const char *id, dev_t *ret)
{
    _cleanup_close_ int fd = volume_open_mark(engine, name, id);

    return fd >= 0 && read(fd, ret, sizeof(*ret)) == sizeof(*ret);
}

/* Clone that of @other, if it is the tmpfs that it got: it may have mounted something over it. */
static int clone_of(const char *name, const Container *other, dev_t device, int *ret_fd, Error *err)
{
    const char *target = find_target(other, name);
    _cleanup_close_ int fd = -EBADF;
    struct stat status;
    int r;

    if (!target)
        return error_set(err, ERROR_UNSUPPORTED, "container '%s' has a part of it only",
                         other->name);
    r = container_clone_mount(other, target, OTHERS_ATTRIBUTES, &fd, err);
    if (r < 0)
        return r;
    if (fstat(fd, &status) < 0 || status.st_dev != device)
        return error_set(err, ERROR_UNAVAILABLE, "container '%s' has mounted something over it",
                         other->name);
    *ret_fd = TAKE_FD(fd);
    return 0;
}

/* One look. Returns 1 with the mount, 0 when the container has ended, -EAGAIN when it has changed
 * meanwhile, and another error only for good. */
static int try_share(Engine *engine, const char *name, const char *id, dev_t device, int *ret_fd,
                     Error *err)
{
    _cleanup_(container_claim_freep) ContainerClaim *claim = NULL;
    _cleanup_(container_freep) Container *other = NULL;
    _cleanup_error_ Error problem = {};
    int r = container_claim_await(engine, id, &claim, &problem);

    if (r >= 0)
        return 0; /* and its tmpfs is gone with it */
    if (r == -EWOULDBLOCK)
        r = container_find_live(engine, id, &other, &problem);
    if (r >= 0)
        r = clone_of(name, other, device, ret_fd, &problem);
    if (r >= 0)
        return 1;
    if (problem.kind == ERROR_NOT_FOUND)
        return 0;
    if (problem.kind == ERROR_CONFLICT) /* it is not up */
        return -EAGAIN;
    error_move(err, &problem);
    return r;
}

/* Who has it is up, or about to be: then it is waited for. Returns 1 with the mount, or 0. */
static int share_with(Engine *engine, const char *name, const char *id, dev_t device, int *ret_fd,
                      Error *err)
{
    int r = -EAGAIN;

    for (int i = 0; i < MAX_ATTEMPTS && r == -EAGAIN; i++)
        r = try_share(engine, name, id, device, ret_fd, err);
    if (r == -EAGAIN)
        return error_set(err, ERROR_UNAVAILABLE,
                         "another command keeps container '%.12s', which has it", id);
    return r;
}

/* Returns 1 with a mount that another container has, or 0 when none has it. */
static int share(Engine *engine, const Volume *volume, const char *container, int *ret_fd,
                 Error *err)
{
    _cleanup_string_list_ StringList users = {};
    int r = volume_list_users(engine, volume->name, &users, err);

    for (size_t i = 0; i < users.count && r == 0; i++) {
        dev_t device;

        if (strcmp(users.items[i], container) != 0 &&
            read_device(engine, volume->name, users.items[i], &device))
            r = share_with(engine, volume->name, users.items[i], device, ret_fd, err);
    }
    return r;
}

static int apply(const VolumeOptions *options, int fd, Error *err)
{
    MountAttributes attributes = mount_options_merged(&options->mount);
    int r = mount_attributes_apply(fd, &attributes, false);

    return r < 0 ? error_result(err, r, "set the options of a tmpfs") : 0;
}

static int mount_locked(Engine *engine, const Volume *volume, const VolumeUse *use,
                        const VolumeOptions *options, VolumeMount *ret, Error *err)
{
    _cleanup_close_ int fd = -EBADF;
    struct stat status;
    int r = share(engine, volume, use->container, &fd, err);

    if (r == 0)
        r = file_system_mount(options->type, options->device, &options->mount, &fd, err);
    else if (r > 0)
        r = apply(options, fd, err);
    if (r < 0)
        return r;
    if (fstat(fd, &status) < 0 ||
        pwrite(use->mark_fd, &status.st_dev, sizeof(status.st_dev), 0) < 0)
        return error_errno(err, "write down which tmpfs it is");
    r = remember(engine, volume, use->container, &fd, err);
    if (r >= 0)
        *ret = (VolumeMount) { .fd = TAKE_FD(fd) };
    return r;
}

int volume_tmpfs_mount(Engine *engine, const Volume *volume, const VolumeUse *use,
                       const VolumeOptions *options, VolumeMount *ret, Error *err)
{
    TmpfsVolume *own = *find_own(engine, volume->name, use->container);
    _cleanup_free_ char *path = memory_printf("%s/" VOLUME_DATA_NAME, volume->name);
    /* The volume's own lock is held by whoever looks what it holds. */
    _cleanup_close_ int lock_fd =
        openat(engine->volumes_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (own)
        return mount_own(own, ret, err);
    if (lock_fd < 0)
        return error_errno(err, "open '%s'", path);
    while (flock(lock_fd, LOCK_EX) < 0)
        if (errno != EINTR)
            return error_errno(err, "lock '%s'", path);
    return mount_locked(engine, volume, use, options, ret, err);
}
