/* SPDX-License-Identifier: Apache-2.0 */

/* The local driver: a volume's files are a directory of the state. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "engine/volume-private.h"
#include "storage/tree-usage.h"

#define DATA_MODE 0755

char *volume_local_path(Engine *engine, const char *name)
{
    return memory_printf("%s/volumes/%s/" VOLUME_DATA_NAME, engine->state_path, name);
}

static int local_check(const StringMap *options, Error *err)
{
    if (options->count > 0)
        return error_set(err, ERROR_INVALID, "invalid option: '%s'", options->items[0].key);
    return 0;
}

static int local_create(Engine *engine, const Volume *volume, int directory_fd, Error *err)
{
    _cleanup_close_ int fd = path_open_directory(directory_fd, VOLUME_DATA_NAME, DATA_MODE);

    (void)engine;
    if (fd < 0)
        return error_result(err, fd, "make directory '%s'", volume->mount_point);
    if (fchmod(fd, DATA_MODE) < 0) /* whatever the umask is */
        return error_errno(err, "set the mode of '%s'", volume->mount_point);
    return 0;
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

    if (strcmp(volume->driver, VOLUME_DRIVER_LOCAL) != 0 || volume->options.count > 0)
        return -1;
    fd = open_data(engine, volume, O_RDONLY);
    return fd < 0 || tree_usage(fd, &bytes) < 0 ? -1 : (int64_t)bytes;
}

static int local_mount(Engine *engine, const Volume *volume, const char *id, VolumeMount *ret,
                       Error *err)
{
    int fd = open_data(engine, volume, O_PATH);

    (void)id;
    if (fd < 0)
        return error_result(err, fd, "open the files of volume '%s'", volume->name);
    *ret = (VolumeMount) { .fd = fd, .path = memory_strdup(volume->mount_point) };
    return 0;
}

const VolumeDriver volume_local_driver = {
    .check = local_check,
    .create = local_create,
    .mount = local_mount,
};
