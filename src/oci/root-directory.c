/* SPDX-License-Identifier: Apache-2.0 */

/* Where containers are. Only its owner may look inside: who reaches a start.sock starts containers.
 */

#include "oci/root-directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"

#define DEFAULT_ROOT "/run/cay-oci"
#define CACHE_NAME ".seccomp~" /* no id of a container */

static char *root_path(const GlobalOptions *global)
{
    const char *user_directory = getenv("XDG_RUNTIME_DIR");

    if (global->root)
        return memory_strdup(global->root);
    if (geteuid() != 0 && user_directory && path_is_absolute(user_directory))
        return memory_printf("%s/cay-oci", user_directory);
    return memory_strdup(DEFAULT_ROOT);
}

/* Parents are made too: engines expect that of a --root. */
static int make_directories(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        int r;

        *slash = '\0';
        r = mkdir(path, 0711);
        *slash = '/';
        if (r < 0 && errno != EEXIST)
            return -errno;
    }
    return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

static int open_directory(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return fd < 0 ? -errno : fd;
}

int root_directory_make(const GlobalOptions *global, int *ret_fd, Error *err)
{
    _cleanup_free_ char *path = root_path(global);
    int fd = open_directory(path), r = 0;

    if (fd == -ENOENT) {
        r = make_directories(path);
        fd = r < 0 ? r : open_directory(path);
    }
    if (fd < 0)
        return error_result(err, fd, "make the directory '%s'", path);
    *ret_fd = fd;
    return 0;
}

int root_directory_open(const GlobalOptions *global, int *ret_fd, Error *err)
{
    _cleanup_free_ char *path = root_path(global);
    int fd = open_directory(path);

    if (fd < 0)
        return error_result(err, fd, "open the directory '%s'", path);
    *ret_fd = fd;
    return 0;
}

int root_directory_open_cache(int root_fd)
{
    /* Without it, filters are compiled each time. */
    return path_open_directory(root_fd, CACHE_NAME, 0700);
}
