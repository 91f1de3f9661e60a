/* SPDX-License-Identifier: Apache-2.0 */

/* What goes on right now: the row of a container and the status of its shim, put together. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
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

void container_refresh(Engine *engine, Container *container)
{
    char path[CONTAINER_ID_LENGTH + sizeof("/" CONTAINER_LOCK_NAME)];
    _cleanup_shim_status_ ShimStatus status = {};
    _cleanup_close_ int fd = -EBADF;

    if (container->state != CONTAINER_CREATING && !container_is_up(container))
        return;
    (void)snprintf(path, sizeof(path), "%s/" CONTAINER_LOCK_NAME, container->id);
    fd = openat(engine->runtime_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    /* Without a status, or before the start, the row is all that is known. */
    if (fd >= 0 && shim_status_read(fd, &status) >= 0 && status.state && status.started_at != 0)
        take_status(container, &status);
}

bool container_is_up(const Container *container)
{
    return container->state == CONTAINER_RUNNING || container->state == CONTAINER_PAUSED ||
           container->state == CONTAINER_RESTARTING;
}
