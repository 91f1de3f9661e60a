/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Waiting for the claim of a container that is not up. Whoever has it then is about to give it up:
 * a shim whose container has ended, one whose command was killed before the start, a command that
 * settles or removes the container. Or it becomes up, which its shim tells in the lock file.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/process.h"
#include "base/time-format.h"
#include "engine/container-private.h"
#include "supervisor/shim-status.h"

/* All that is waited for takes milliseconds; more is a machine in trouble. */
#define WAIT_LIMIT_MS 5000
/* Most of it is over by then. To close a watch takes the kernel an SRCU grace period, which is
 * several times as long as a whole stop. */
#define UNWATCHED_MS 50
#define NANOSECONDS_PER_MS (NANOSECONDS_PER_SECOND / 1000)

/* What its shim says, which may have died since. */
static bool is_up(int lock_fd)
{
    static const char *const up[] = { "running", "paused", "restarting" };
    _cleanup_shim_status_ ShimStatus status = {};
    _cleanup_close_ int shim_fd = -EBADF;

    if (shim_status_read(lock_fd, &status) < 0 || !status.state)
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(up); i++) {
        if (strcmp(up[i], status.state) != 0)
            continue;
        shim_fd = pidfd_open((pid_t)status.shim_pid, 0);
        return shim_fd >= 0;
    }
    return false;
}

/* A child that ends when the lock can be had: flock(2) itself knows no time limit. */
static int spawn_waiter(int lock_fd, Process *ret)
{
    pid_t pid = fork();

    if (pid < 0)
        return -errno;
    if (pid == 0) {
        while (flock(lock_fd, LOCK_EX) < 0 && errno == EINTR)
            continue;
        _exit(EXIT_SUCCESS);
    }
    *ret = (Process) { .pid = pid, .pidfd = pidfd_open(pid, 0) };
    return ret->pidfd < 0 ? -errno : 0;
}

/* Wait until the lock is free, until @deadline (CLOCK_MONOTONIC, milliseconds) at most. Returns
 * false where it is of no use to try again. */
static bool await_lock(const Engine *engine, const char *id, int64_t deadline)
{
    char path[CONTAINER_ID_LENGTH + sizeof("/" CONTAINER_LOCK_NAME)], own_path[32];
    _cleanup_close_ int lock_fd = -EBADF, watch_fd = -EBADF;
    _cleanup_process_ Process waiter = PROCESS_INIT;

    (void)snprintf(path, sizeof(path), "%s/" CONTAINER_LOCK_NAME, id);
    lock_fd = openat(engine->runtime_fd, path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (lock_fd < 0)
        return errno == ENOENT; /* its directory has gone just now */
    if (is_up(lock_fd) || spawn_waiter(lock_fd, &waiter) < 0)
        return false;
    if (poll(&(struct pollfd) { .fd = waiter.pidfd, .events = POLLIN }, 1, UNWATCHED_MS) > 0)
        return true;
    watch_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    /* First the watch, then the look: no change is missed. */
    if (watch_fd < 0 || inotify_add_watch(watch_fd, path_of_fd(own_path, lock_fd), IN_MODIFY) < 0)
        return false;
    while (!is_up(lock_fd)) {
        char events[4096];
        int64_t remaining = deadline - time_monotonic() / NANOSECONDS_PER_MS;
        struct pollfd fds[] = {
            { .fd = waiter.pidfd, .events = POLLIN },
            { .fd = watch_fd, .events = POLLIN },
        };

        if (remaining <= 0 || poll(fds, ARRAY_SIZE(fds), (int)remaining) <= 0)
            return false;
        if (fds[0].revents)
            return true;
        (void)!read(watch_fd, events, sizeof(events)); /* only that there are any */
    }
    return false;
}

int container_claim_await(Engine *engine, const char *id, ContainerClaim **ret, Error *err)
{
    int64_t deadline = time_monotonic() / NANOSECONDS_PER_MS + WAIT_LIMIT_MS;

    for (;;) { /* again when another one was quicker */
        int r = container_claim_take(engine, id, false, ret, err);

        if (r != -EWOULDBLOCK || !await_lock(engine, id, deadline))
            return r;
    }
}
