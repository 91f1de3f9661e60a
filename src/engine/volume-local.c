/* SPDX-License-Identifier: Apache-2.0 */

/* The local driver: a volume's files are a directory of the state. */

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "engine/volume-private.h"

#define DATA_NAME "_data"
#define DATA_MODE 0755

char *volume_local_path(Engine *engine, const char *name)
{
    return memory_printf("%s/volumes/%s/" DATA_NAME, engine->state_path, name);
}

static int local_check(const StringMap *options, Error *err)
{
    if (options->count > 0)
        return error_set(err, ERROR_INVALID, "invalid option: '%s'", options->items[0].key);
    return 0;
}

static int local_create(Engine *engine, const Volume *volume, int directory_fd, Error *err)
{
    _cleanup_close_ int fd = path_open_directory(directory_fd, DATA_NAME, DATA_MODE);

    (void)engine;
    if (fd < 0)
        return error_result(err, fd, "make directory '%s'", volume->mount_point);
    if (fchmod(fd, DATA_MODE) < 0) /* whatever the umask is */
        return error_errno(err, "set the mode of '%s'", volume->mount_point);
    return 0;
}

static int local_mount(Engine *engine, const Volume *volume, const char *id, VolumeMount *ret,
                       Error *err)
{
    _cleanup_free_ char *path = memory_printf("%s/" DATA_NAME, volume->name);
    int fd = path_open_beneath(engine->volumes_fd, path, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);

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
