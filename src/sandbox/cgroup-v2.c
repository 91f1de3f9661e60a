/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What only the v2 hierarchy has: controllers that each parent must pass on, one file that kills
 * all, and an event when the last process is gone.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "sandbox/cgroup-private.h"

#define DIRECTORY_FLAGS (O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
#define CONTROL_SIZE_MAX 65536

static int read_controllers(int fd, const char *file, unsigned *ret)
{
    _cleanup_free_ char *text = NULL;
    int r = file_read_at(fd, file, CONTROL_SIZE_MAX, &text, NULL);

    if (r < 0)
        return r;
    *ret = cgroup_controllers_parse(text, true);
    return 0;
}

/* One by one: a single one that cannot be passed on would take the others with it. */
static void pass_on(int fd, unsigned wanted)
{
    unsigned already = 0;

    (void)read_controllers(fd, "cgroup.subtree_control", &already);
    for (CgroupController i = 0; i < _CGROUP_CONTROLLER_MAX; i++) {
        char text[32];

        if (!(wanted & ~already & CGROUP_BIT(i)))
            continue;
        (void)snprintf(text, sizeof(text), "+%s", cgroup_controller_name(i, true));
        /* What fails is missing in the child, and told there by the limit that needs it. */
        (void)file_poke_at(fd, "cgroup.subtree_control", text);
    }
}

int cgroup_v2_prepare(CgroupHierarchy *hierarchy, const char *path, unsigned wanted)
{
    int r = read_controllers(hierarchy->fd, "cgroup.controllers", &hierarchy->controllers);

    if (r < 0)
        return r;
    for (CgroupController i = 0; i < _CGROUP_CONTROLLER_MAX; i++) {
        if (!cgroup_controller_name(i, true))
            wanted &= ~CGROUP_BIT(i);
    }
    if ((wanted & ~hierarchy->controllers) == 0)
        return 0;

    pass_on(hierarchy->root_fd, wanted);
    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        _cleanup_free_ char *parent = memory_strndup(path, (size_t)(slash - path));
        _cleanup_close_ int fd = openat(hierarchy->root_fd, parent, DIRECTORY_FLAGS);

        if (fd < 0)
            return -errno;
        pass_on(fd, wanted);
    }
    return read_controllers(hierarchy->fd, "cgroup.controllers", &hierarchy->controllers);
}

int cgroup_v2_read_event(int events_fd, const char *key)
{
    char text[256];
    ssize_t size = pread(events_fd, text, sizeof(text) - 1, 0);
    const char *line;

    if (size < 0)
        return -errno;
    text[size] = '\0';
    line = strstr(text, key);
    return line && strncmp(line + strlen(key), " 1", 2) == 0;
}

/* Returns 1 while populated, 0 when empty or gone, or -errno. */
static int read_populated(int fd)
{
    int r = cgroup_v2_read_event(fd, "populated");

    return r == -ENODEV ? 0 : r;
}

static int wait_until_empty(const CgroupHierarchy *hierarchy, int events_fd)
{
    _cleanup_(cgroup_processes_done) CgroupProcesses processes = {};
    int r = cgroup_processes_open(hierarchy->fd, &processes);

    /*
     * The kernel holds back an event of the cgroup for up to 10 ms after the one before, which was
     * that of its first process. Processes themselves tell at once; the event covers what is left.
     */
    if (r == 0)
        (void)cgroup_processes_wait(&processes);
    for (;;) {
        struct pollfd event = { .fd = events_fd, .events = POLLPRI };

        r = read_populated(events_fd);
        if (r <= 0)
            return r;
        if (poll(&event, 1, -1) < 0 && errno != EINTR)
            return -errno;
    }
}

int cgroup_v2_kill(const Cgroup *cgroup, const CgroupHierarchy *hierarchy)
{
    _cleanup_close_ int events_fd = openat(hierarchy->fd, "cgroup.events", O_RDONLY | O_CLOEXEC);
    int r;

    if (events_fd < 0)
        return errno == ENODEV || errno == ENOENT ? 1 : -errno; /* removed: nothing was in it */
    r = read_populated(events_fd);
    if (r <= 0)
        return r < 0 ? r : 1;
    r = file_poke_at(hierarchy->fd, "cgroup.kill", "1");
    if (r == -ENOENT)
        return 0; /* before Linux 5.14 */
    if (r < 0 && r != -ENODEV)
        return r;
    /* Frozen here, a process dies; in a v1 freezer, which the container may have, it does not. */
    (void)cgroup_v1_thaw(cgroup);
    r = wait_until_empty(hierarchy, events_fd);
    return r < 0 ? r : 1;
}

bool cgroup_v2_is_populated(const CgroupHierarchy *hierarchy)
{
    _cleanup_close_ int fd = openat(hierarchy->fd, "cgroup.events", O_RDONLY | O_CLOEXEC);

    return fd >= 0 && read_populated(fd) != 0;
}
