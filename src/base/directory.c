/* SPDX-License-Identifier: Apache-2.0 */

/* opendir(3) and readdir(3) with handles and one convention for errors. */

#include "base/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/fd.h"

int directory_open(int fd, DIR **ret)
{
    DIR *directory;

    if (fd < 0)
        return fd;
    directory = fdopendir(fd);
    if (!directory) {
        int r = -errno;

        fd_close(fd);
        return r;
    }
    *ret = directory;
    return 0;
}

int directory_open_at(int dir_fd, const char *name, DIR **ret)
{
    int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    return directory_open(fd < 0 ? -errno : fd, ret);
}

int directory_read(DIR *directory, const struct dirent **ret)
{
    const struct dirent *entry;

    do {
        errno = 0;
        entry = readdir(directory);
    } while (entry && (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0));
    if (!entry)
        return -errno;
    *ret = entry;
    return 1;
}
