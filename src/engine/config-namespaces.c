/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Which namespaces a container has of its own, and which it shares with the host or another
 * container. Those of another one are opened here, while that is known to run, and reach the shim
 * as handles: a pid that is used again leads nowhere, and a restart of the container finds the same
 * namespaces.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/socket.h"
#include "engine/container-files.h"
#include "engine/container-private.h"

#define CONTAINER_MODE_PREFIX "container:"

static bool is_mode(const char *mode, const char *name)
{
    return mode && strcmp(mode, name) == 0;
}

/* The name of the other container in "container:NAME"; NULL for all other modes. */
static const char *joined_container(const char *mode)
{
    size_t length = strlen(CONTAINER_MODE_PREFIX);

    return mode && strncmp(mode, CONTAINER_MODE_PREFIX, length) == 0 ? mode + length : NULL;
}

/* A process that is there has its pid for itself: so what was opened by that pid is its own. */
static bool is_alive(int pidfd)
{
    struct pollfd poll_fd = { .fd = pidfd, .events = POLLIN };

    return poll(&poll_fd, 1, 0) == 0;
}

/* Open @file of the first process of container @name, which has to run. */
static int open_of_container(const ConfigSource *source, const char *name, const char *file,
                             int *ret_fd, Error *err)
{
    _cleanup_(container_freep) Container *other = NULL;
    _cleanup_close_ int pidfd = -EBADF, fd = -EBADF;
    _cleanup_free_ char *path = NULL;
    int r = container_find_live(source->engine, name, &other, err);

    if (r < 0)
        return r;
    if (strcmp(other->id, source->container->id) == 0)
        return error_set(err, ERROR_INVALID, "container '%s' cannot join itself", name);
    if (other->state != CONTAINER_RUNNING && other->state != CONTAINER_PAUSED)
        return error_set(err, ERROR_CONFLICT, "cannot join container '%s', which is not running",
                         name);
    pidfd = pidfd_open((pid_t)other->pid, 0);
    path = memory_printf("/proc/%lld/%s", (long long)other->pid, file);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    container_refresh(source->engine, other);
    if (pidfd < 0 || fd < 0 || !is_alive(pidfd) || !container_is_up(other))
        return error_set(err, ERROR_CONFLICT, "container '%s' has just ended", name);

    *ret_fd = TAKE_FD(fd);
    return 0;
}

/* Another one's ipc namespace only where that was offered, as its /dev/shm comes with it. */
static int check_shareable(const ConfigSource *source, const char *name, Error *err)
{
    _cleanup_(container_freep) Container *other = NULL;
    int r = container_find(source->engine, name, &other, err);

    if (r < 0)
        return r;
    if (!is_mode(other->spec.ipc_mode, "shareable"))
        return error_set(err, ERROR_CONFLICT,
                         "container '%s' does not share its ipc namespace: run it with "
                         "'--ipc shareable'",
                         name);
    return 0;
}

/*
 * In a child, as a mount can be cloned from inside its mount namespace only: enter that of the root
 * @root_fd and clone its /dev/shm. The other one's file system is its own to arrange: no link in it
 * is followed, and nothing in it is executed. Returns the detached mount or -errno.
 */
static int clone_shared_memory_inside(int root_fd, int namespace_fd)
{
    _cleanup_close_ int fd = -EBADF;
    int clone;

    if (setns(namespace_fd, CLONE_NEWNS) < 0)
        return -errno;
    fd = path_open_in_root(root_fd, "/dev/shm", O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
    if (fd < 0)
        return fd;
    clone = open_tree(fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
    return clone < 0 ? -errno : clone;
}

static int clone_shared_memory(int root_fd, int namespace_fd)
{
    _cleanup_close_ int ours = -EBADF, theirs = -EBADF;
    int ends[2], fd = -EBADF, result = -EIO, status, r = socket_pair(ends);
    pid_t pid;

    if (r < 0)
        return r;
    ours = ends[0];
    theirs = ends[1];
    pid = fork();
    if (pid < 0)
        return -errno;
    if (pid == 0) {
        fd = clone_shared_memory_inside(root_fd, namespace_fd);
        result = fd < 0 ? fd : 0;
        (void)socket_send(theirs, &result, sizeof(result), &fd, fd >= 0);
        _exit(EXIT_SUCCESS);
    }
    fd_closep(&theirs); /* else its death would not be seen */
    if (socket_receive(ours, &result, sizeof(result), &fd, 1) != sizeof(result))
        result = -EIO;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return result < 0 ? result : fd;
}

int config_open_shared_memory(const ConfigSource *source, char **ret_path, Error *err)
{
    const char *name = joined_container(source->container->spec.ipc_mode);
    _cleanup_close_ int root_fd = -EBADF, namespace_fd = -EBADF;
    int fd, r = open_of_container(source, name, "root", &root_fd, err);

    if (r >= 0)
        r = open_of_container(source, name, "ns/mnt", &namespace_fd, err);
    if (r < 0)
        return r;
    fd = clone_shared_memory(root_fd, namespace_fd);
    if (fd < 0)
        return error_result(err, fd, "open '/dev/shm' of container '%s'", name);
    return config_inherit_fd(source, fd, ret_path, err);
}

static int add_namespace(RuntimeConfig *config, const ConfigSource *source, const char *type,
                         const char *file, const char *mode, Error *err)
{
    const char *other = joined_container(mode);
    LinuxNamespace *namespace;
    int fd, r;

    if (is_mode(mode, "host"))
        return 0;
    namespace = JSON_ARRAY_ADD(&config->linux_config.namespaces);
    namespace->type = memory_strdup(type);
    if (!other)
        return 0;
    r = open_of_container(source, other, file, &fd, err);
    return r < 0 ? r : config_inherit_fd(source, fd, &namespace->path, err);
}

/* A container that was made before there were any has the host's. */
static const char *userns_mode(const Container *container)
{
    return container_has_own_ids(container) ? container->spec.userns_mode : "host";
}

int config_add_namespaces(RuntimeConfig *config, const ConfigSource *source, Error *err)
{
    const ContainerSpec *spec = &source->container->spec;
    const struct {
        const char *type;
        const char *file;
        const char *mode;
    } namespaces[] = {
        { "mount", "ns/mnt", NULL },
        { "pid", "ns/pid", spec->pid_mode },
        { "ipc", "ns/ipc", spec->ipc_mode },
        { "uts", "ns/uts", spec->uts_mode },
        { "cgroup", "ns/cgroup", spec->cgroupns_mode },
        { "user", "ns/user", userns_mode(source->container) },
        { "network", "ns/net", container_uses_host_network(source->container) ? "host" : NULL },
    };
    int r = 0;

    if (joined_container(spec->ipc_mode))
        r = check_shareable(source, joined_container(spec->ipc_mode), err);
    for (size_t i = 0; i < ARRAY_SIZE(namespaces) && r >= 0; i++)
        r = add_namespace(config, source, namespaces[i].type, namespaces[i].file,
                          namespaces[i].mode, err);
    if (r >= 0 && !joined_container(userns_mode(source->container)))
        config_add_ids(config, source);
    return r;
}
