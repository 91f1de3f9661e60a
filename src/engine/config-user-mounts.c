/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the user wants to have mounted, as the sandbox takes it: the container's mount points one by
 * one. A kind of mount is a row of a table.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/child-fd.h"
#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "engine/container-private.h"
#include "engine/volume.h"

/*
 * Show the container files that are not its own: those at @path, of whatever kind of mount. All of
 * them pass here.
 */
static int add_user_bind(RuntimeConfig *config, const ConfigSource *source,
                         const ContainerMount *mount, const char *path, Error *err)
{
    RuntimeMount *bind = config_add_mount(config, mount->target, "bind", path,
                                          mount->non_recursive ? "bind" : "rbind");

    if (mount->read_only)
        string_list_add(&bind->options,
                        mount->read_only_non_recursive || mount->non_recursive ? "ro" : "rro");
    string_list_add(&bind->options, mount->propagation ? mount->propagation : "rprivate");
    return config_map_mount_ids(config, source, mount, bind, err);
}

/* Make the source directory of a bind where the user allows that, as Docker does for --volume. */
static int make_source(const char *path, Error *err)
{
    _cleanup_close_ int root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int r = path_make_directories(root_fd, path, 0755, 0, 0);

    if (r < 0)
        return error_result(err, r, "make mount source '%s'", path);
    fd_close(r);
    return 0;
}

/* A procfs may be put in the place of the container's own, and nothing else. */
static int check_target(const ContainerMount *mount, const char *path, Error *err)
{
    struct statfs file_system;

    if (strcmp(mount->target, "/proc") != 0 ||
        (statfs(path, &file_system) == 0 && file_system.f_type == PROC_SUPER_MAGIC))
        return 0;
    return error_set(err, ERROR_INVALID, "'/proc' cannot be mounted over: '%s' is not a procfs",
                     path);
}

static int add_bind(RuntimeConfig *config, const ConfigSource *source, const ContainerMount *bind,
                    Error *err)
{
    struct stat st;
    int r;

    if (stat(bind->source, &st) < 0) {
        if (errno != ENOENT)
            return error_errno(err, "mount source '%s'", bind->source);
        if (!bind->create_source)
            return error_set(err, ERROR_NOT_FOUND, "mount source '%s' does not exist",
                             bind->source);
        r = make_source(bind->source, err);
        if (r < 0)
            return r;
    }
    r = check_target(bind, bind->source, err);
    return r < 0 ? r : add_user_bind(config, source, bind, bind->source, err);
}

/*
 * Open the part of a mount that @subpath names. Others may change what lies there at any time: it
 * is opened beneath the mount's root, and the handle is what is mounted.
 */
static int open_subpath(const ContainerMount *mount, int root_fd, const char *subpath, int *ret_fd,
                        Error *err)
{
    int fd = path_open_within(root_fd, subpath, O_PATH);

    if (fd == -EXDEV)
        return error_set(err, ERROR_INVALID, "mount '%s': the subpath '%s' leads out of '%s'",
                         mount->target, subpath, mount->source);
    if (fd < 0)
        return error_result(err, fd, "mount '%s': open the subpath '%s' of '%s'", mount->target,
                            subpath, mount->source);
    *ret_fd = fd;
    return 0;
}

typedef struct MountPart {
    int root_fd;
    const char *subpath;
} MountPart;

/* In a child: before Linux 6.15 only what is mounted in one's own namespace can be cloned. */
static int clone_part_inside(const void *data)
{
    const MountPart *part = data;
    _cleanup_close_ int fd = -EBADF;
    int clone;

    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        move_mount(part->root_fd, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0)
        return -errno;
    fd = path_open_within(part->root_fd, part->subpath, O_PATH);
    if (fd < 0)
        return fd;
    clone = open_tree(fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);
    return clone < 0 ? -errno : clone;
}

/* Nothing holds a part of a detached mount but a mount of its own: *@fd becomes that. */
static int clone_part(const ContainerMount *mount, const MountPart *part, int *fd, Error *err)
{
    int clone =
        open_tree(*fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);
    int r = clone < 0 ? -errno : clone;

    if (r == -EINVAL)
        r = child_fd_make(clone_part_inside, part);
    if (r < 0)
        return error_result(err, r, "mount '%s': clone '%s' of '%s'", mount->target, part->subpath,
                            mount->source);
    fd_close(*fd);
    *fd = r;
    return 0;
}

/* Mount what @root_fd has at @subpath (NULL: all of it), a mount that is detached or the host's. */
static int add_by_handle(RuntimeConfig *config, const ConfigSource *source,
                         const ContainerMount *mount, int root_fd, const char *subpath,
                         bool is_detached, Error *err)
{
    _cleanup_close_ int fd = -EBADF;
    _cleanup_free_ char *path = NULL;
    int r = 0;

    if (subpath) {
        r = open_subpath(mount, root_fd, subpath, &fd, err);
        if (r >= 0 && is_detached)
            r = clone_part(mount, &(MountPart) { root_fd, subpath }, &fd, err);
    } else {
        fd = fcntl(root_fd, F_DUPFD_CLOEXEC, 3);
        r = fd < 0 ? error_errno(err, "duplicate a handle") : 0;
    }
    if (r >= 0)
        r = config_inherit_fd(source, TAKE_FD(fd), &path, err);
    return r < 0 ? r : add_user_bind(config, source, mount, path, err);
}

static int add_volume(RuntimeConfig *config, const ConfigSource *source,
                      const ContainerMount *mount, Error *err)
{
    _cleanup_volume_mount_ VolumeMount files = VOLUME_MOUNT_INIT;
    int r = volume_mount(source->engine, mount, source->container->id, &files, err);

    if (r < 0)
        return error_wrap(err, r, "mount volume '%s'", mount->source);
    if (files.path && !mount->volume_subpath)
        return add_user_bind(config, source, mount, files.path, err);
    return add_by_handle(config, source, mount, files.fd, mount->volume_subpath, !files.path, err);
}

static int add_image(RuntimeConfig *config, const ConfigSource *source, const ContainerMount *mount,
                     Error *err)
{
    _cleanup_close_ int fd = -EBADF;
    Digest image;
    int r;

    if (digest_parse(mount->source, &image) < 0)
        return error_set(err, ERROR_CORRUPT, "mount '%s': '%s' is not an image", mount->target,
                         mount->source);
    r = container_image_mount(source, &image, &fd, err);
    if (r < 0)
        return error_wrap(err, r, "mount image '%s'", mount->source);
    return add_by_handle(config, source, mount, fd, mount->image_subpath, true, err);
}

static int add_tmpfs(RuntimeConfig *config, const ConfigSource *source, const ContainerMount *tmpfs,
                     Error *err)
{
    RuntimeMount *mount =
        config_add_mount(config, tmpfs->target, "tmpfs", "tmpfs", "nosuid,nodev,noexec");

    (void)source, (void)err;
    if (tmpfs->read_only)
        string_list_add(&mount->options, "ro");
    if (tmpfs->tmpfs_size > 0)
        string_list_printf(&mount->options, "size=%lld", (long long)tmpfs->tmpfs_size);
    if (tmpfs->tmpfs_mode > 0)
        string_list_printf(&mount->options, "mode=%o", tmpfs->tmpfs_mode);
    if (tmpfs->tmpfs_options && *tmpfs->tmpfs_options)
        string_list_split(&mount->options, tmpfs->tmpfs_options, ',');
    return 0;
}

static const struct {
    const char *type;
    int (*add)(RuntimeConfig *config, const ConfigSource *source, const ContainerMount *mount,
               Error *err);
} kinds[] = {
    { "bind", add_bind },
    { "image", add_image },
    { "tmpfs", add_tmpfs },
    { "volume", add_volume },
};

static int add_mount_point(RuntimeConfig *config, const ConfigSource *source,
                           const ContainerMount *mount, Error *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        if (strcmp(kinds[i].type, mount->type) == 0)
            return kinds[i].add(config, source, mount, err);
    return error_set(err, ERROR_UNSUPPORTED, "mount '%s': unknown type '%s'", mount->target,
                     mount->type);
}

int config_add_user_mounts(RuntimeConfig *config, const ConfigSource *source, Error *err)
{
    const ContainerSpec *spec = &source->container->spec;
    const ContainerMounts *mounts = &spec->mount_points;
    int r = 0;

    if (mounts->count == 0 && spec->binds.count + spec->mounts.count + spec->tmpfs.count > 0)
        return error_set(err, ERROR_UNSUPPORTED,
                         "an older version has made it with mounts that this one refuses: make it "
                         "again");
    for (size_t i = 0; i < mounts->count && r >= 0; i++)
        r = add_mount_point(config, source, &mounts->items[i], err);
    return r;
}
