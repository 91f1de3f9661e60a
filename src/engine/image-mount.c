/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A mount that is made while the database is locked for writing cannot be missed by a removal: that
 * looks at the list of mounts in a transaction of its own, before or after.
 */

#include "engine/image-mount.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/mount-info.h"
#include "base/path.h"
#include "base/syscalls.h"
#include "engine/engine-private.h"

#define SOURCE_PREFIX "cay-image/"

/* Who is in a mount namespace of its own may not see what the host has mounted. */
static const char *const lists[] = { MOUNT_INFO_OWN, "/proc/1/mountinfo" };

void image_mounts_done(ImageMounts *mounts)
{
    for (size_t i = 0; i < mounts->count; i++)
        free(mounts->items[i].target);
    free(mounts->items);
    *mounts = (ImageMounts) {};
}

/* What all mounts of this installation's images are called, but for the image. */
static int make_prefix(Engine *engine, char **ret, Error *err)
{
    struct stat status;

    if (fstat(engine->state_fd, &status) < 0)
        return error_errno(err, "look at the state directory");
    *ret = memory_printf(SOURCE_PREFIX "%llx-%llx/", (unsigned long long)status.st_dev,
                         (unsigned long long)status.st_ino);
    return 0;
}

static int add_mounts(Engine *engine, const char *list, ImageMounts *mounts, Error *err)
{
    _cleanup_free_ char *text = NULL, *prefix = NULL;
    MountInfo mount;
    char *rest;
    int r = make_prefix(engine, &prefix, err);

    if (r < 0)
        return r;
    r = mount_info_read(list, &text);
    if (r < 0)
        return error_result(err, r, "read '%s'", list);
    rest = text;
    while (mount_info_next(&rest, prefix, &mount)) {
        Digest image;

        if (strncmp(mount.source, prefix, strlen(prefix)) == 0 &&
            digest_parse(mount.source + strlen(prefix), &image) >= 0)
            *JSON_ARRAY_ADD(mounts) =
                (ImageMount) { .image = image, .target = memory_strdup(mount.mount_point) };
    }
    return 0;
}

int image_mount_list(Engine *engine, ImageMounts *ret, Error *err)
{
    _cleanup_image_mounts_ ImageMounts mounts = {};
    int r = add_mounts(engine, lists[0], &mounts, err);

    if (r < 0)
        return r;
    *ret = mounts;
    mounts = (ImageMounts) {};
    return 0;
}

int image_mount_list_users(Engine *engine, ImageUsers *users, Error *err)
{
    _cleanup_image_mounts_ ImageMounts mounts = {};
    int r = add_mounts(engine, lists[0], &mounts, err);

    if (r < 0)
        return r;
    (void)add_mounts(engine, lists[1], &mounts, NULL); /* no procfs shows it to everybody */
    for (size_t i = 0; i < mounts.count; i++)
        image_users_add_mount(users, &mounts.items[i].image, mounts.items[i].target);
    return 0;
}

/* A handle of the directory @target, and its absolute path. */
static int open_target(const char *target, int *ret_fd, char **ret_path, Error *err)
{
    _cleanup_close_ int fd = open(target, O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 && errno == ENOENT)
        return error_set(err, ERROR_NOT_FOUND, "there is no directory '%s'", target);
    if (fd < 0)
        return error_errno(err, "open directory '%s'", target);
    *ret_path = path_of_directory(fd);
    if (!*ret_path)
        return error_set(err, ERROR_UNSUPPORTED, "find '%s': no procfs is mounted", target);
    *ret_fd = TAKE_FD(fd);
    return 0;
}

static bool is_mounted_at(const ImageMounts *mounts, const char *path)
{
    for (size_t i = 0; i < mounts->count; i++)
        if (strcmp(mounts->items[i].target, path) == 0)
            return true;
    return false;
}

static int attach(int mount_fd, int target_fd)
{
    struct mount_attr attributes = {
        .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID,
    };

    if (mount_setattr(mount_fd, "", AT_EMPTY_PATH, &attributes, sizeof(attributes)) < 0 ||
        move_mount(mount_fd, "", target_fd, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) <
            0)
        return -errno;
    return 0;
}

/* Inside a transaction. */
static int mount_found(Engine *engine, const Image *image, int target_fd, const char *path,
                       Error *err)
{
    _cleanup_image_mounts_ ImageMounts mounts = {};
    _cleanup_free_ char *prefix = NULL, *source = NULL;
    _cleanup_close_ int mount_fd = -EBADF;
    SnapshotOptions options = { .container_fd = engine->cache_fd };
    int r = image_mount_list(engine, &mounts, err);

    if (r >= 0 && is_mounted_at(&mounts, path))
        return error_set(err, ERROR_CONFLICT, "there is an image mounted at '%s' already", path);
    if (r >= 0)
        r = make_prefix(engine, &prefix, err);
    if (r < 0)
        return r;
    options.source = source = memory_printf("%s%s", prefix, image->id.text);
    r = engine_mount_image(engine, &image->id, &options, &mount_fd, err);
    if (r < 0)
        return r;
    r = attach(mount_fd, target_fd);
    return r < 0 ? error_result(err, r, "mount at '%s'", path) : 0;
}

int image_mount(Engine *engine, const char *name, const char *target, char **ret_target, Error *err)
{
    _cleanup_(database_rollback) Transaction transaction = {};
    _cleanup_(image_freep) Image *image = NULL;
    _cleanup_close_ int target_fd = -EBADF;
    _cleanup_free_ char *path = NULL;
    ImageStore *images;
    int r = open_target(target, &target_fd, &path, err);

    if (r >= 0)
        r = engine_images(engine, &images, err);
    if (r >= 0)
        r = database_begin(engine->database, &transaction, err);
    if (r >= 0)
        r = image_store_find(images, name, &image, err);
    if (r >= 0)
        r = mount_found(engine, image, target_fd, path, err);
    if (r < 0)
        return r;
    *ret_target = TAKE_PTR(path);
    return 0;
}

int image_unmount(Engine *engine, const char *target, Error *err)
{
    _cleanup_image_mounts_ ImageMounts mounts = {};
    _cleanup_close_ int target_fd = -EBADF;
    _cleanup_free_ char *path = NULL;
    int r = open_target(target, &target_fd, &path, err);

    if (r >= 0)
        r = image_mount_list(engine, &mounts, err);
    if (r < 0)
        return r;
    if (!is_mounted_at(&mounts, path))
        return error_set(err, ERROR_NOT_FOUND, "there is no image mounted at '%s'", path);
    target_fd = fd_close(target_fd); /* it would be in use */
    if (umount2(path, UMOUNT_NOFOLLOW) == 0)
        return 0;
    if (errno == EBUSY)
        return error_set(err, ERROR_CONFLICT, "the image at '%s' is in use", path);
    return error_errno(err, "unmount the image at '%s'", path);
}
