/* SPDX-License-Identifier: Apache-2.0 */

/* The number alone, without a line end: so runc writes it, and so engines parse it. */

#include "oci/pid-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/memory.h"

int pid_file_write(const char *path, pid_t pid, Error *err)
{
    const char *slash = path ? strrchr(path, '/') : NULL, *name = slash ? slash + 1 : path;
    _cleanup_free_ char *directory = NULL;
    _cleanup_close_ int dir_fd = -EBADF;
    char text[16];
    int r;

    if (!path)
        return 0;
    directory = slash ? memory_strndup(path, (size_t)(name - path)) : memory_strdup(".");
    dir_fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0)
        return error_errno(err, "write the pid file '%s'", path);
    (void)snprintf(text, sizeof(text), "%d", pid);
    r = file_write_at(dir_fd, name, text, strlen(text), 0644, 0);
    return r < 0 ? error_result(err, r, "write the pid file '%s'", path) : 0;
}
