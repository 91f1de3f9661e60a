/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Waiting for a claim that a shim is about to give up: one whose container has ended, or whose
 * command was killed before it could start it. It tells each step in its status.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "engine/container-private.h"
#include "supervisor/shim-status.h"

/* A shim ends within milliseconds; more is a machine in trouble. */
#define WAIT_LIMIT_MS 10000

/* Between a start and its end nothing is about to happen. */
static bool is_settled(const ShimStatus *status)
{
    static const char *const up[] = { "running", "paused", "restarting" };

    for (size_t i = 0; i < ARRAY_SIZE(up) && status->state; i++)
        if (strcmp(up[i], status->state) == 0)
            return true;
    return !status->state || status->shim_pid <= 0; /* held by a command */
}

/*
 * Wait for the next thing that the lock's holder does. Returns false when there is nothing to wait
 * for. *dead_pid is the shim that was found dead the last time: then a command has the lock, in
 * which that has left its status.
 */
static bool await_step(const Engine *engine, const char *id, int64_t *dead_pid)
{
    char path[CONTAINER_ID_LENGTH + sizeof("/" CONTAINER_LOCK_NAME)], own_path[32];
    _cleanup_close_ int lock_fd = -EBADF, watch_fd = -EBADF, shim_fd = -EBADF;
    _cleanup_shim_status_ ShimStatus status = {};

    (void)snprintf(path, sizeof(path), "%s/" CONTAINER_LOCK_NAME, id);
    lock_fd = openat(engine->runtime_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    watch_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (lock_fd < 0)
        return true; /* it has gone just now */
    /* First the watch, then the look: no step is missed. */
    if (watch_fd < 0 || inotify_add_watch(watch_fd, path_of_fd(own_path, lock_fd), IN_MODIFY) < 0 ||
        shim_status_read(lock_fd, &status) < 0 || is_settled(&status) ||
        status.shim_pid == *dead_pid)
        return false;
    shim_fd = pidfd_open((pid_t)status.shim_pid, 0);
    if (shim_fd < 0) {
        *dead_pid = status.shim_pid;
        return true;
    }

    struct pollfd fds[] = {
        { .fd = watch_fd, .events = POLLIN },
        { .fd = shim_fd, .events = POLLIN },
    };
    return poll(fds, ARRAY_SIZE(fds), WAIT_LIMIT_MS) > 0;
}

int container_claim_await(Engine *engine, const char *id, ContainerClaim **ret, Error *err)
{
    int64_t dead_pid = 0;

    for (;;) {
        int r = container_claim_take(engine, id, false, ret, err);

        if (r != -EWOULDBLOCK || !await_step(engine, id, &dead_pid))
            return r;
    }
}
