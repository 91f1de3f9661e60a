/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A file without a name, which a killed process leaves nothing of, gets its own when it is whole;
 * to replace another, it gets one that is renamed at once. Where the file system has no such files,
 * it has a name of its own from the beginning.
 */

#include "base/output-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/random-id.h"

#define RANDOM_DIGITS 16
#define FILE_MODE 0600 /* what a container holds is nobody else's business */

static char *make_temporary_name(const char *name)
{
    char random[RANDOM_DIGITS + 1];

    random_hex(random, RANDOM_DIGITS);
    return memory_printf(".%.200s.%s", name, random);
}

/* What is no regular file, a pipe or a device, is written to as it is. */
static bool is_special(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && !S_ISREG(status.st_mode);
}

static int open_directory_of(OutputFile *file, Error *err)
{
    const char *slash = strrchr(file->path, '/');
    size_t length = slash ? (size_t)(slash - file->path) + 1 : 0;
    _cleanup_free_ char *directory = length ? memory_strndup(file->path, length) : NULL;

    file->name = file->path + length;
    if (!path_is_name(file->name))
        return error_set(err, ERROR_INVALID, "'%s' is no name of a file", file->path);
    file->directory_fd = open(directory ? directory : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return file->directory_fd < 0 ? error_errno(err, "open the directory of '%s'", file->path) : 0;
}

static int open_regular(OutputFile *file, Error *err)
{
    int r = open_directory_of(file, err);

    if (r < 0)
        return r;
    file->fd = openat(file->directory_fd, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, FILE_MODE);
    if (file->fd < 0 && errno != EACCES && errno != EROFS) {
        file->temporary = make_temporary_name(file->name);
        file->fd = openat(file->directory_fd, file->temporary,
                          O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
    }
    return file->fd < 0 ? error_errno(err, "make '%s'", file->path) : 0;
}

static int open_output(OutputFile *file, Error *err)
{
    if (!file->path) {
        if (isatty(STDOUT_FILENO))
            return error_set(err, ERROR_INVALID,
                             "cowardly refusing to save to a terminal: name a file with '-o', or "
                             "redirect standard output");
        file->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
        return file->fd < 0 ? error_errno(err, "open standard output") : 0;
    }
    if (!is_special(file->path))
        return open_regular(file, err);
    file->fd = open(file->path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
    return file->fd < 0 ? error_errno(err, "open '%s'", file->path) : 0;
}

int output_file_open(const char *path, OutputFile *ret, Error *err)
{
    _cleanup_output_file_ OutputFile file = { .path = path, .fd = -EBADF, .directory_fd = -EBADF };
    int r = open_output(&file, err);

    if (r < 0)
        return r;
    *ret = file;
    file = (OutputFile) { .fd = -EBADF, .directory_fd = -EBADF };
    return 0;
}

static int link_as(const OutputFile *file, const char *name)
{
    char path[32];

    return linkat(AT_FDCWD, path_of_fd(path, file->fd), file->directory_fd, name,
                  AT_SYMLINK_FOLLOW) < 0
               ? -errno
               : 0;
}

/* Returns 1 when the name is its own, 0 when it is one to be renamed. */
static int give_name(OutputFile *file)
{
    _cleanup_free_ char *temporary = NULL;
    int r = link_as(file, file->name);

    if (r != -EEXIST)
        return r < 0 ? r : 1;
    temporary = make_temporary_name(file->name);
    r = link_as(file, temporary);
    if (r == 0)
        file->temporary = TAKE_PTR(temporary);
    return r;
}

int output_file_finish(OutputFile *file, Error *err)
{
    int r = 0;

    if (file->directory_fd < 0)
        return 0;
    if (!file->temporary)
        r = give_name(file);
    if (r == 0 && renameat(file->directory_fd, file->temporary, file->directory_fd, file->name) < 0)
        r = -errno;
    else if (r == 0)
        free(TAKE_PTR(file->temporary));
    return r < 0 ? error_result(err, r, "make '%s'", file->path) : 0;
}

void output_file_done(OutputFile *file)
{
    if (file->temporary)
        (void)unlinkat(file->directory_fd, file->temporary, 0); /* the first failure counts */
    free(file->temporary);
    fd_close(file->fd);
    fd_close(file->directory_fd);
}
