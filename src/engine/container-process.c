/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A container's first process, by handle. Its pid comes from the status that the shim writes; a
 * pidfd of it counts only when the kernel says that the process is in the container's cgroup: a pid
 * that was used again leads nowhere, and neither does that of an earlier run.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "engine/container-private.h"

#define CGROUP_FILE_MAX ((size_t)64 * 1024)

bool container_process_is_alive(int pidfd)
{
    return pidfd_send_signal(pidfd, 0, NULL, 0) == 0;
}

static int not_running(const Container *container, Error *err)
{
    return error_set(err, ERROR_CONFLICT, "container '%s' is not running", container->name);
}

/* One of the paths ends in the container's cgroup or goes on below it. */
static bool names_cgroup(const char *text, const char *path)
{
    size_t length = strlen(path);

    for (const char *found = text; (found = strstr(found, path)); found += length)
        if (found[length] == '\n' || found[length] == '/' || found[length] == '\0')
            return true;
    return false;
}

/* Does the kernel count the process as one of the container's? */
static bool is_in_container(const Container *container, pid_t pid, int pidfd)
{
    _cleanup_free_ char *path = container_cgroup_path(container), *text = NULL;
    _cleanup_close_ int fd = -EBADF;
    char name[32];

    (void)snprintf(name, sizeof(name), "/proc/%d/cgroup", pid);
    fd = open(name, O_RDONLY | O_CLOEXEC);
    return fd >= 0 && fd_read_all(fd, CGROUP_FILE_MAX, &text, NULL) >= 0 &&
           names_cgroup(text, path) && container_process_is_alive(pidfd);
}

int container_process_open_pid(const Container *container, pid_t pid, int *ret_pidfd, Error *err)
{
    _cleanup_close_ int pidfd = pid > 0 ? pidfd_open(pid, 0) : -EBADF;

    if (pidfd < 0 || !is_in_container(container, pid, pidfd))
        return not_running(container, err);
    *ret_pidfd = TAKE_FD(pidfd);
    return 0;
}

int container_process_open(const Container *container, int *ret_pidfd, Error *err)
{
    return container_process_open_pid(container, (pid_t)container->pid, ret_pidfd, err);
}

int container_process_open_root(const Container *container, int pidfd, int *ret_fd, Error *err)
{
    _cleanup_close_ int fd = -EBADF;
    char path[32];

    (void)snprintf(path, sizeof(path), "/proc/%d/root", (pid_t)container->pid);
    fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (!container_process_is_alive(pidfd))
        return not_running(container, err);
    if (fd < 0)
        return error_errno(err, "open the root of container '%s'", container->name);
    *ret_fd = TAKE_FD(fd);
    return 0;
}
