/* SPDX-License-Identifier: Apache-2.0 */

/* Sysctls and the out-of-memory score: writes to procfs whose target is beyond doubt. */

#include "sandbox/process-files-private.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/parse.h"
#include "base/path.h"
#include "sandbox/mounts-private.h"

int process_files_open(pid_t pid)
{
    _cleanup_close_ int fd = -EBADF;
    char path[32];

    (void)snprintf(path, sizeof(path), "/proc/%d", pid); /* fits: a pid has at most 11 characters */
    fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    return fd_is_on_fs(fd, PROC_SUPER_MAGIC) ? TAKE_FD(fd) : -EXDEV;
}

int procfs_open_host(void)
{
    _cleanup_close_ int fd = open("/proc", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    return fd_is_on_fs(fd, PROC_SUPER_MAGIC) ? TAKE_FD(fd) : -EXDEV;
}

int process_set_oom_score(pid_t pid, int64_t score, Error *err)
{
    _cleanup_close_ int fd = process_files_open(pid);
    _cleanup_free_ char *current = NULL;
    bool is_lower = false;
    char text[24];
    int64_t old;
    size_t size;
    int r = fd;

    (void)snprintf(text, sizeof(text), "%" PRId64 "\n", score); /* fits any 64-bit number */
    if (r >= 0)
        r = file_read_at(fd, "oom_score_adj", 64, &current, &size);
    if (r >= 0 && strcmp(current, text) == 0)
        return 0;
    if (r >= 0) {
        current[strcspn(current, "\n")] = '\0';
        is_lower = parse_i64(current, &old) == 0 && score < old;
    }
    if (r >= 0)
        r = file_poke_at(fd, "oom_score_adj", text);
    if ((r == -EACCES || r == -EPERM) && is_lower && geteuid() != 0)
        return 0;
    if (r == -EACCES || r == -EPERM)
        return error_set(err, ERROR_DENIED,
                         "process.oomScoreAdj: lowering it to %" PRId64 " takes CAP_SYS_RESOURCE",
                         score);
    return r < 0 ? error_result(err, r, "process.oomScoreAdj: set %" PRId64, score) : 0;
}

/* sysctl.conf(5): the first separator, '.' or '/', is the one that counts. */
static char *sysctl_path(const char *name)
{
    const char *separator = strpbrk(name, "./");
    char *path = memory_strdup(name);

    for (char *c = path; separator && *separator == '.' && *c; c++) {
        if (*c == '.')
            *c = '/';
        else if (*c == '/')
            *c = '.';
    }
    return path;
}

void sysctls_plan(const StringMap *sysctls, StringMap *ret)
{
    for (size_t i = 0; i < sysctls->count; i++) {
        _cleanup_free_ char *path = sysctl_path(sysctls->items[i].key);

        string_map_set(ret, path, sysctls->items[i].value);
    }
}

int procfs_open(Report *report)
{
    _cleanup_close_ int fd = mount_new("proc", NULL, NULL, 0, report);

    if (fd < 0)
        return fd;
    if (!fd_is_on_fs(fd, PROC_SUPER_MAGIC))
        return report_set(report, ERROR_SYSTEM, "the new procfs is none");
    return TAKE_FD(fd);
}

int sysctls_write(int procfs_fd, const StringMap *files, Report *report)
{
    _cleanup_close_ int directory_fd = -EBADF;

    if (files->count == 0)
        return 0;

    directory_fd = path_open_beneath(procfs_fd, "sys", O_PATH | O_DIRECTORY, 0);
    if (directory_fd < 0)
        return report_result(report, directory_fd, "open the sysctls");

    for (size_t i = 0; i < files->count; i++) {
        const StringPair *file = &files->items[i];
        _cleanup_close_ int fd = path_open_beneath(directory_fd, file->key, O_WRONLY, 0);
        int r = fd < 0 ? fd : fd_write_all(fd, file->value, strlen(file->value));

        if (r < 0)
            return report_result(report, r, "set sysctl '", file->key, "' to '", file->value, "'");
    }
    return 0;
}
