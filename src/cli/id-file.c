/* SPDX-License-Identifier: Apache-2.0 */

/* The file that --cidfile names. */

#include "cli/id-file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"

void id_file_done(IdFile *file)
{
    int saved_errno = errno;

    if (file->fd >= 0 && !file->is_kept)
        (void)unlink(file->path); /* best effort on the way out */
    file->fd = fd_close(file->fd);
    errno = saved_errno;
}

int id_file_open(IdFile *file, const char *path, Error *err)
{
    if (!path)
        return 0;
    file->path = path;
    file->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (file->fd < 0 && errno == EEXIST)
        return error_set(
            err, ERROR_CONFLICT,
            "container ID file '%s' exists: make sure that its container is gone, then "
            "remove the file",
            path);
    return file->fd < 0 ? error_errno(err, "make container ID file '%s'", path) : 0;
}

int id_file_write(IdFile *file, const char *id, Error *err)
{
    int r;

    if (!file->path)
        return 0;
    r = fd_write_all(file->fd, id, strlen(id));
    if (r < 0)
        return error_result(err, r, "write container ID file '%s'", file->path);
    file->is_kept = true;
    return 0;
}
