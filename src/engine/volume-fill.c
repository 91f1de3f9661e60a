/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a volume starts with: an empty one gets, when a container of it is made, what the image has
 * in its place. The copy is made beside the volume's files, under the volume's lock, and takes
 * their place in one step where this container is the only one that has the volume. Others may hold
 * the directory that is there: into that one the entries are moved, which the next one to take the
 * lock finishes if it has to.
 *
 *     volumes/<name>/_data      the files
 *     volumes/<name>/.new/data  a copy that is being made; without the lock's holder it is debris
 *     volumes/<name>/.whole     a complete copy, whose entries are on their way into _data
 *
 * What a driver brings from elsewhere has no such neighbours, and is copied into.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/fd.h"
#include "base/path.h"
#include "engine/container-private.h"
#include "engine/mount-spec.h"
#include "engine/volume-private.h"
#include "storage/tree-copy.h"

#define NEW_NAME ".new"
#define COPY_NAME "data"
#define COPY_PATH NEW_NAME "/" COPY_NAME
#define WHOLE_NAME ".whole"

typedef struct Filling {
    Engine *engine;
    const ContainerClaim *claim;
    const char *name; /* the volume's */
    int lock_fd;      /* its directory, locked */
    int data_fd;      /* the root of its files */
    int source_fd;    /* what the image has there */
} Filling;

static void filling_done(Filling *filling)
{
    fd_close(filling->lock_fd);
    fd_close(filling->data_fd);
    fd_close(filling->source_fd);
}

/* Returns 1, 0, or -errno. */
static int is_empty(int dir_fd)
{
    _cleanup_directory_ DIR *directory = NULL;
    const struct dirent *entry;
    int r = directory_open_at(dir_fd, ".", &directory);

    if (r >= 0)
        r = directory_read(directory, &entry);
    return r < 0 ? r : r == 0;
}

/* Move all entries; what the target has by the same name meanwhile stays. */
static int move_entries(int source_fd, int target_fd)
{
    _cleanup_directory_ DIR *directory = NULL;
    const struct dirent *entry;
    int r = directory_open_at(source_fd, ".", &directory);

    while (r >= 0 && (r = directory_read(directory, &entry)) > 0)
        if (renameat2(source_fd, entry->d_name, target_fd, entry->d_name, RENAME_NOREPLACE) < 0 &&
            errno != EEXIST)
            r = -errno;
    return r;
}

/* Give the directory @fd the mode and the owner of @model. */
static int adopt_attributes(int fd, int model_fd)
{
    struct stat model;

    if (fstat(model_fd, &model) < 0 || fchown(fd, model.st_uid, model.st_gid) < 0 ||
        fchmod(fd, model.st_mode & 07777) < 0)
        return -errno;
    return 0;
}

/* Move what is left of a whole copy to where it belongs. */
static int finish_whole(int lock_fd)
{
    _cleanup_close_ int whole_fd =
        openat(lock_fd, WHOLE_NAME, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    _cleanup_close_ int data_fd = -EBADF;
    int r;

    if (whole_fd < 0)
        return errno == ENOENT ? 0 : -errno;
    data_fd = openat(lock_fd, VOLUME_DATA_NAME, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    r = data_fd < 0 ? -errno : move_entries(whole_fd, data_fd);
    if (r == 0)
        r = adopt_attributes(data_fd, whole_fd);
    return r < 0 ? r : path_remove_tree(lock_fd, WHOLE_NAME);
}

/* Finish what a holder of the lock began with a whole copy, and delete what was never whole. */
static int settle(int lock_fd)
{
    int r = finish_whole(lock_fd);

    return r < 0 ? r : path_remove_tree(lock_fd, NEW_NAME);
}

/* Are the volume's files those in its own directory, and not what a driver has brought? */
static bool is_own_directory(const Filling *filling)
{
    struct stat own, data;

    return fstatat(filling->lock_fd, VOLUME_DATA_NAME, &own, AT_SYMLINK_NOFOLLOW) == 0 &&
           fstat(filling->data_fd, &data) == 0 && own.st_dev == data.st_dev &&
           own.st_ino == data.st_ino;
}

/* Whoever refers to it later waits for our lock before it mounts it. Returns 1, 0, or -errno. */
static int is_only_user(const Filling *filling, Error *err)
{
    _cleanup_string_list_ StringList users = {};
    int r = volume_list_users(filling->engine, filling->name, &users, err);

    return r < 0 ? r : users.count == 1 && strcmp(users.items[0], filling->claim->id) == 0;
}

/* The root is seen through the container's ids; a volume is as it is stored. */
static TreeCopyOptions copy_options(const Filling *filling)
{
    return (TreeCopyOptions) {
        .flags = TREE_COPY_OWNERS | TREE_COPY_ONE_MOUNT,
        .source_ids = &filling->claim->container->spec.ids,
    };
}

/* Into a new directory, which takes half as long as into one that others know. */
static int copy_aside(const Filling *filling, Error *err)
{
    const TreeCopyOptions options = copy_options(filling);
    _cleanup_close_ int fd = path_open_directory(filling->lock_fd, NEW_NAME, 0700);

    if (fd < 0)
        return error_result(err, fd, "make a directory");
    return tree_copy_handle(filling->source_fd, fd, COPY_NAME, &options, err);
}

/* Put the copy where it belongs. */
static int place(const Filling *filling, Error *err)
{
    int lock_fd = filling->lock_fd;
    int is_alone = is_only_user(filling, err), r = 0;

    if (is_alone < 0)
        return is_alone;
    if (is_alone) {
        if (renameat2(lock_fd, COPY_PATH, lock_fd, VOLUME_DATA_NAME, RENAME_EXCHANGE) < 0)
            return error_errno(err, "put the copy into place");
        return 0;
    }
    if (renameat(lock_fd, COPY_PATH, lock_fd, WHOLE_NAME) < 0)
        return error_errno(err, "put the copy into place");
    r = finish_whole(lock_fd);
    return r < 0 ? error_result(err, r, "move the copy into place") : 0;
}

static int fill_directory(const Filling *filling, Error *err)
{
    int r = copy_aside(filling, err);

    if (r >= 0)
        r = place(filling, err);
    /* The empty directory whose place the copy has taken, or a copy that came to nothing. */
    (void)path_remove_tree(filling->lock_fd, NEW_NAME); /* the next one to lock it tries again */
    return r;
}

static void clear(int dir_fd)
{
    _cleanup_directory_ DIR *directory = NULL;
    const struct dirent *entry;

    if (directory_open_at(dir_fd, ".", &directory) < 0)
        return;
    while (directory_read(directory, &entry) > 0)
        (void)path_remove_tree(dir_fd, entry->d_name); /* what made us do this is what is told */
}

static int fill_foreign(const Filling *filling, Error *err)
{
    const TreeCopyOptions options = copy_options(filling);
    int r = tree_copy(filling->source_fd, filling->data_fd, &options, err);

    if (r < 0)
        clear(filling->data_fd);
    return r;
}

/* What the image has at @target. Returns 1, or 0 where there is nothing. */
static int open_source(const ContainerClaim *claim, const char *target, int *ret_fd, Error *err)
{
    int fd = path_open_in_root(claim->rootfs_fd, target, O_RDONLY | O_DIRECTORY, 0);

    if (fd == -ENOENT)
        return 0;
    if (fd == -ENOTDIR)
        return error_set(err, ERROR_INVALID,
                         "cannot mount a volume over the image's '%s', which is a file", target);
    if (fd < 0)
        return error_result(err, fd, "open the image's '%s'", target);
    *ret_fd = fd;
    return 1;
}

static int fill_locked(Filling *filling, const ContainerMount *mount, Error *err)
{
    _cleanup_volume_mount_ VolumeMount files = VOLUME_MOUNT_INIT;
    int r = settle(filling->lock_fd);

    if (r < 0)
        return error_result(err, r, "settle its files");
    r = open_source(filling->claim, mount->target, &filling->source_fd, err);
    if (r <= 0 || mount->volume_no_copy || mount->volume_subpath)
        return r;
    r = volume_mount(filling->engine, mount, filling->claim->id, &files, err);
    if (r < 0)
        return r;
    filling->data_fd = TAKE_FD(files.fd);
    r = is_empty(filling->data_fd);
    if (r < 0)
        return error_result(err, r, "read its files");
    if (r == 0)
        return 0;
    return is_own_directory(filling) ? fill_directory(filling, err) : fill_foreign(filling, err);
}

static int fill_volume(const ContainerClaim *claim, const ContainerMount *mount, Error *err)
{
    _cleanup_(filling_done) Filling filling = {
        .engine = claim->engine,
        .claim = claim,
        .name = mount->source,
        .lock_fd = -EBADF,
        .data_fd = -EBADF,
        .source_fd = -EBADF,
    };
    int r = volume_lock(filling.engine, filling.name, &filling.lock_fd, err);

    if (r >= 0)
        r = fill_locked(&filling, mount, err);
    return r < 0 ? error_wrap(err, r, "volume '%s'", filling.name) : 0;
}

int container_volumes_fill(ContainerClaim *claim, Error *err)
{
    const ContainerMounts *mounts = &claim->container->spec.mount_points;
    int r = 0;

    for (size_t i = 0; i < mounts->count && r >= 0; i++)
        if (strcmp(mounts->items[i].type, MOUNT_TYPE_DEFAULT) == 0)
            r = fill_volume(claim, &mounts->items[i], err);
    return r;
}

void volume_fill_forget(Engine *engine, const char *name)
{
    _cleanup_close_ int lock_fd =
        openat(engine->volumes_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    /* Whoever has the lock has done it, and may take its time with what comes next. */
    if (lock_fd >= 0 && flock(lock_fd, LOCK_EX | LOCK_NB) == 0)
        (void)settle(lock_fd); /* tried again by whoever locks it next */
}
