/* SPDX-License-Identifier: Apache-2.0 */

/* Where an archive comes from, and how large it may be. */

#include "cli/archive-options.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"

int archive_limits_check(const ImageLimits *limits, Error *err)
{
    if (limits->max_bytes > 0 && limits->max_entries > 0 && limits->max_ratio > 0)
        return 0;
    return error_set(err, ERROR_INVALID, "limits of an archive must be greater than 0");
}

int archive_open(const char *path, int *ret_fd, Error *err)
{
    bool is_stdin = !path || strcmp(path, "-") == 0;
    int fd;

    if (is_stdin && isatty(STDIN_FILENO))
        return error_set(err, ERROR_INVALID,
                         "no archive was given and standard input is a terminal: name a file, or "
                         "redirect standard input");

    fd = is_stdin ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_errno(err, "open '%s'", is_stdin ? "standard input" : path);
    *ret_fd = fd;
    return 0;
}
