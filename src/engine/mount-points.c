/* SPDX-License-Identifier: Apache-2.0 */

/* Made whole under another name and renamed, like all that is shared; never changed afterwards. */

#include "engine/mount-points.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/random-id.h"
#include "engine/engine-private.h"

/* The number is part of the name: another list is another directory. */
#define MOUNT_POINTS_NAME "mount-points-1"

#define MAKE_ATTEMPTS 8

static const struct {
    const char *path;
    mode_t type_and_mode;
} mount_points[] = {
    { "dev", S_IFDIR | 0755 },
    { "etc", S_IFDIR | 0755 },
    { "etc/hostname", S_IFREG | 0644 },
    { "etc/hosts", S_IFREG | 0644 },
    { "etc/resolv.conf", S_IFREG | 0644 },
    { "proc", S_IFDIR | 0755 },
    { "sys", S_IFDIR | 0755 },
};

/* Modes are as the table says, whatever the caller's umask. */
static int make_mount_point(int dir_fd, const char *path, mode_t type_and_mode)
{
    int r = S_ISDIR(type_and_mode) ? mkdirat(dir_fd, path, 0700)
                                   : mknodat(dir_fd, path, S_IFREG | 0600, 0);

    if (r < 0 || fchmodat(dir_fd, path, type_and_mode & 07777, 0) < 0)
        return -errno;
    return 0;
}

static int fill(int dir_fd)
{
    if (fchmod(dir_fd, 0755) < 0)
        return -errno;
    for (size_t i = 0; i < ARRAY_SIZE(mount_points); i++) {
        int r = make_mount_point(dir_fd, mount_points[i].path, mount_points[i].type_and_mode);

        if (r < 0)
            return r;
    }
    return 0;
}

/* Fill a directory of our own and rename it into place. Who comes second finds it there: success.
 */
static int make(Engine *engine)
{
    char name[] = ".0123456789abcdef"; /* swept if we are killed */
    _cleanup_close_ int fd = -EBADF;
    int r;

    random_hex(name + 1, sizeof(name) - 2);
    fd = path_open_directory(engine->cache_fd, name, 0700);
    if (fd < 0)
        return fd;
    r = fill(fd);
    if (r == 0 && renameat2(engine->cache_fd, name, engine->cache_fd, MOUNT_POINTS_NAME,
                            RENAME_NOREPLACE) < 0)
        r = -errno;
    if (r < 0)
        (void)path_remove_tree(engine->cache_fd, name); /* the first failure counts */
    return r == -EEXIST ? 0 : r;
}

int mount_points_open(Engine *engine, int *ret_fd, Error *err)
{
    static const int flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int fd = openat(engine->cache_fd, MOUNT_POINTS_NAME, flags);

    /* Work in progress of ours may be swept by a command that takes us for dead. */
    for (int i = 0; i < MAKE_ATTEMPTS && fd < 0 && errno == ENOENT; i++) {
        int r = make(engine);

        if (r < 0 && r != -ENOENT)
            return error_result(err, r, "make '%s/cache/" MOUNT_POINTS_NAME "'",
                                engine->state_path);
        fd = openat(engine->cache_fd, MOUNT_POINTS_NAME, flags);
    }
    if (fd < 0)
        return error_errno(err, "open '%s/cache/" MOUNT_POINTS_NAME "'", engine->state_path);

    *ret_fd = fd;
    return 0;
}
