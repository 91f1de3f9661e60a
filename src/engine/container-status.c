/* SPDX-License-Identifier: Apache-2.0 */

/* What goes on right now: the row of a container and the status of its shim, put together. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "engine/container-private.h"
#include "supervisor/shim-status.h"

/* The shim's names of states that it has a container in for longer than a moment. */
static const struct {
    const char *name;
    ContainerState state;
} live_states[] = {
    { "running", CONTAINER_RUNNING },
    { "paused", CONTAINER_PAUSED },
    { "restarting", CONTAINER_RESTARTING },
    { "ended", CONTAINER_EXITED }, /* nobody has written it into the row yet */
};

static void take_status(Container *container, const ShimStatus *status)
{
    for (size_t i = 0; i < ARRAY_SIZE(live_states) && status->state; i++)
        if (strcmp(live_states[i].name, status->state) == 0)
            container->state = live_states[i].state;
    container->is_ending = container->state == CONTAINER_EXITED;
    container->pid = status->pid;
    if (status->started_at != 0)
        container->started_at = status->started_at;
    if (status->finished_at != 0) {
        container->finished_at = status->finished_at;
        container->exit_code = status->exit_code;
        container->oom_killed = status->oom_killed;
    }
    container->restart_count = status->restart_count;
    free(container->health);
    container->health = memory_strdup(status->health);
    container->failing_streak = status->failing_streak;
}

static int open_lock(const Engine *engine, const Container *container, int flags)
{
    char path[CONTAINER_ID_LENGTH + sizeof("/" CONTAINER_LOCK_NAME)];

    (void)snprintf(path, sizeof(path), "%s/" CONTAINER_LOCK_NAME, container->id);
    return openat(engine->runtime_fd, path, flags | O_CLOEXEC | O_NOFOLLOW);
}

/* Without a status, or before the first start, the row is all that is known. A restart that failed
 * has not started either. */
static void read_status(Container *container, int lock_fd)
{
    _cleanup_shim_status_ ShimStatus status = {};

    if (lock_fd >= 0 && shim_status_read(lock_fd, &status) >= 0 && status.state &&
        (status.started_at != 0 || status.restart_count > 0))
        take_status(container, &status);
}

void container_refresh(Engine *engine, Container *container)
{
    _cleanup_close_ int fd = -EBADF;

    if (container->state != CONTAINER_CREATING && !container_is_up(container))
        return;
    fd = open_lock(engine, container, O_RDONLY);
    read_status(container, fd);
}

/* Refresh one that runs as its row says. Returns false when nobody holds its lock any more. */
static bool refresh_held(const Engine *engine, Container *container)
{
    _cleanup_close_ int fd = open_lock(engine, container, O_RDWR);

    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
        return false;
    read_status(container, fd);
    return true;
}

int container_list_live(Engine *engine, unsigned flags, ContainerList *ret, Error *err)
{
    _cleanup_container_list_ ContainerList list = {};
    bool is_settled = true;
    int r = container_recover_others(engine, err);

    if (r >= 0)
        r = container_list(engine, flags, &list, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < list.count; i++) {
        if (list.items[i]->state != CONTAINER_RUNNING)
            container_refresh(engine, list.items[i]);
        else if (!refresh_held(engine, list.items[i]))
            is_settled = false;
    }
    if (!is_settled) { /* somebody died, which is rare: begin again */
        container_list_done(&list);
        r = container_recover_all(engine, err);
        if (r >= 0)
            r = container_list(engine, flags, &list, err);
        for (size_t i = 0; i < list.count && r >= 0; i++)
            container_refresh(engine, list.items[i]);
    }
    if (r < 0)
        return r;

    *ret = list;
    list = (ContainerList) {};
    return 0;
}

bool container_is_up(const Container *container)
{
    return container->state == CONTAINER_RUNNING || container->state == CONTAINER_PAUSED ||
           container->state == CONTAINER_RESTARTING;
}
