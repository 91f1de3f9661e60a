/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The local driver. A volume's files are a directory of the state, or what its options have
 * mounted for each container: always a detached mount, which the host never sees and which ends
 * with the container.
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "engine/project.h"
#include "engine/volume-options.h"
#include "engine/volume-private.h"
#include "sandbox/file-system.h"
#include "storage/loop-device.h"
#include "storage/project-quota.h"
#include "storage/tree-usage.h"

#define DATA_MODE 0755

char *volume_local_path(Engine *engine, const char *name)
{
    return memory_printf("%s/volumes/%s/" VOLUME_DATA_NAME, engine->state_path, name);
}

static int local_check(const Volume *volume, Error *err)
{
    _cleanup_volume_options_ VolumeOptions parsed = {};
    int r = volume_options_parse(&volume->options, &parsed, err);

    return r < 0 || !parsed.type ? r : file_system_check(parsed.type, &parsed.mount, err);
}

/*
 * The directory around the files tells of the project until there is a row: it gives it to them,
 * and no container reaches it.
 */
static int limit_files(const Volume *volume, int directory_fd, Error *err)
{
    _cleanup_volume_options_ VolumeOptions options = {};
    int r = volume_options_parse(&volume->options, &options, err);

    if (r < 0 || volume->project == 0)
        return r;
    r = project_quota_join(directory_fd, volume->project, err);
    return r < 0 ? r
                 : project_quota_limit(directory_fd, volume->project, (uint64_t)options.size, err);
}

static int local_create(Engine *engine, const Volume *volume, int directory_fd, Error *err)
{
    _cleanup_close_ int fd = -EBADF;
    int r = limit_files(volume, directory_fd, err);

    (void)engine;
    if (r < 0)
        return r;
    fd = path_open_directory(directory_fd, VOLUME_DATA_NAME, DATA_MODE);
    if (fd < 0)
        return error_result(err, fd, "make directory '%s'", volume->mount_point);
    if (fchmod(fd, DATA_MODE) < 0) /* whatever the umask is */
        return error_errno(err, "set the mode of '%s'", volume->mount_point);
    return 0;
}

int volume_choose_project(Engine *engine, Volume *volume, Error *err)
{
    _cleanup_volume_options_ VolumeOptions options = {};
    int r;

    if (strcmp(volume->driver, VOLUME_DRIVER_LOCAL) != 0)
        return 0; /* the options are another driver's */
    r = volume_options_parse(&volume->options, &options, err);
    if (r < 0 || options.size == 0)
        return r;
    return project_choose(engine, engine->volumes_fd, &volume->project, err);
}

void volume_release_limit(Engine *engine, const char *name)
{
    _cleanup_close_ int fd =
        openat(engine->volumes_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    uint32_t project = fd < 0 ? 0 : project_quota_of(fd, engine->volumes_fd);

    if (project > 0) /* without quotas by now there is no limit either */
        (void)project_quota_clear(fd, project);
}

/* The directory with the files of the volume, or -errno. */
static int open_data(Engine *engine, const Volume *volume, int flags)
{
    _cleanup_free_ char *path = memory_printf("%s/" VOLUME_DATA_NAME, volume->name);

    return path_open_beneath(engine->volumes_fd, path, flags | O_DIRECTORY | O_CLOEXEC, 0);
}

int64_t volume_measure(Engine *engine, const Volume *volume)
{
    _cleanup_close_ int fd = -EBADF;
    uint64_t bytes;

    if (strcmp(volume->driver, VOLUME_DRIVER_LOCAL) != 0 || volume_options_mount(&volume->options))
        return -1;
    fd = open_data(engine, volume, O_RDONLY);
    return fd < 0 || tree_usage(fd, &bytes) < 0 ? -1 : (int64_t)bytes;
}

/* The limit is set anew: the state may have moved to another disk. */
static int mount_directory(Engine *engine, const Volume *volume, const VolumeOptions *options,
                           VolumeMount *ret, Error *err)
{
    int fd, r = 0;

    if (volume->project > 0)
        r = project_quota_limit(engine->volumes_fd, volume->project, (uint64_t)options->size, err);
    if (r < 0)
        return r;
    fd = open_data(engine, volume, O_PATH);
    if (fd < 0)
        return error_result(err, fd, "open the files");
    *ret = (VolumeMount) { .fd = fd, .path = memory_strdup(volume->mount_point) };
    return 0;
}

static int mount_bind(const VolumeOptions *options, VolumeMount *ret, Error *err)
{
    const MountOptions *mount = &options->mount;
    unsigned recursive = mount->bind_recursive ? AT_RECURSIVE : 0;
    _cleanup_close_ int fd =
        open_tree(AT_FDCWD, options->device, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | recursive);
    struct stat status;
    int r;

    if (fd < 0 || fstat(fd, &status) < 0)
        return error_errno(err, "open device '%s'", options->device);
    if (!S_ISDIR(status.st_mode))
        return error_set(err, ERROR_INVALID, "device '%s' is no directory", options->device);
    r = mount_attributes_apply(fd, &mount->recursive, true);
    if (r >= 0)
        r = mount_attributes_apply(fd, &mount->own, false);
    if (r < 0)
        return error_result(err, r, "set the options of '%s'", options->device);

    *ret = (VolumeMount) { .fd = TAKE_FD(fd) };
    return 0;
}

/* A file with a file system in it becomes a device, whatever its options say: as it is none. */
static int open_image(const VolumeOptions *options, int *ret_fd, char **ret_path, Error *err)
{
    bool read_only = mount_options_merged(&options->mount).value & MOUNT_ATTR_RDONLY;
    _cleanup_close_ int file_fd = -EBADF;
    struct stat status;

    if (!path_is_absolute(options->device) || stat(options->device, &status) < 0 ||
        !S_ISREG(status.st_mode))
        return 0; /* a block device, or whatever the file system takes for a source */
    file_fd = open(options->device, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
    if (file_fd < 0)
        return error_errno(err, "open image '%s'", options->device);
    return loop_device_open(file_fd, read_only, ret_fd, ret_path, err);
}

static int mount_file_system(const VolumeOptions *options, VolumeMount *ret, Error *err)
{
    _cleanup_close_ int device_fd = -EBADF;
    _cleanup_free_ char *device = NULL;
    int mount_fd, r = open_image(options, &device_fd, &device, err);

    if (r >= 0)
        r = file_system_mount(options->type, device ? device : options->device, &options->mount,
                              &mount_fd, err);
    if (r < 0)
        return error_wrap(err, r, "mount '%s'", options->device);
    *ret = (VolumeMount) { .fd = mount_fd };
    return 0;
}

static int local_mount(Engine *engine, const Volume *volume, const VolumeUse *use, VolumeMount *ret,
                       Error *err)
{
    _cleanup_volume_options_ VolumeOptions options = {};
    int r = volume_options_parse(&volume->options, &options, err);

    if (r >= 0 && !volume_options_mount(&volume->options))
        r = mount_directory(engine, volume, &options, ret, err);
    else if (r >= 0 && options.mount.bind)
        r = mount_bind(&options, ret, err);
    else if (r >= 0 && strcmp(options.type, VOLUME_TYPE_TMPFS) == 0)
        r = volume_tmpfs_mount(engine, volume, use, &options, ret, err);
    else if (r >= 0)
        r = mount_file_system(&options, ret, err);
    return r;
}

const VolumeDriver volume_local_driver = {
    .check = local_check,
    .create = local_create,
    .mount = local_mount,
    .release = volume_tmpfs_release, /* all else ends with the container's mounts */
};
