/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the user wants to have mounted, as the sandbox takes it: the container's mount points one by
 * one. A kind of mount is a row of a table.
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "engine/container-private.h"

/*
 * Show the container files that are not its own: those at @path, of whatever kind of mount. All of
 * them pass here.
 */
static int add_user_bind(RuntimeConfig *config, const ConfigSource *source,
                         const ContainerMount *mount, const char *path, Error *err)
{
    RuntimeMount *bind = config_add_mount(config, mount->target, "bind", path,
                                          mount->non_recursive ? "bind" : "rbind");

    (void)source, (void)err;
    if (mount->read_only)
        string_list_add(&bind->options,
                        mount->read_only_non_recursive || mount->non_recursive ? "ro" : "rro");
    string_list_add(&bind->options, mount->propagation ? mount->propagation : "rprivate");
    return 0;
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

static int add_bind(RuntimeConfig *config, const ConfigSource *source, const ContainerMount *bind,
                    Error *err)
{
    struct stat st;

    if (stat(bind->source, &st) < 0) {
        int r;

        if (errno != ENOENT)
            return error_errno(err, "mount source '%s'", bind->source);
        if (!bind->create_source)
            return error_set(err, ERROR_NOT_FOUND, "mount source '%s' does not exist",
                             bind->source);
        r = make_source(bind->source, err);
        if (r < 0)
            return r;
    }
    return add_user_bind(config, source, bind, bind->source, err);
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
    { "tmpfs", add_tmpfs },
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
    const ContainerMounts *mounts = &source->container->spec.mount_points;
    int r = 0;

    for (size_t i = 0; i < mounts->count && r >= 0; i++)
        r = add_mount_point(config, source, &mounts->items[i], err);
    return r;
}
