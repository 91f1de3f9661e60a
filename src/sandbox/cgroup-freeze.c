/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Stopping and continuing all processes of a cgroup. The freezer of v2 is part of every cgroup
 * there and tells when it is done, so it is taken wherever there is a v2 hierarchy, also on hybrid
 * hosts. v1's is for those without.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "sandbox/cgroup-private.h"

#define CONTROL_SIZE_MAX 4096
#define PATIENCE_MS 10000

static int64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Wait until cgroup.events says so. Returns 0 or -errno (-ETIMEDOUT). */
static int wait_for_v2(int events_fd, int wanted)
{
    int64_t deadline = now_ms() + PATIENCE_MS;

    for (;;) {
        struct pollfd event = { .fd = events_fd, .events = POLLPRI };
        int64_t left = deadline - now_ms();
        int r = cgroup_v2_read_event(events_fd, "frozen");

        if (r < 0 || r == wanted)
            return r < 0 ? r : 0;
        if (left <= 0)
            return -ETIMEDOUT;
        if (poll(&event, 1, (int)left) < 0 && errno != EINTR)
            return -errno;
    }
}

static int set_v2(const CgroupHierarchy *hierarchy, bool frozen)
{
    _cleanup_close_ int events_fd = openat(hierarchy->fd, "cgroup.events", O_RDONLY | O_CLOEXEC);
    int r;

    if (events_fd < 0)
        return -errno;
    r = file_poke_at(hierarchy->fd, "cgroup.freeze", frozen ? "1" : "0");
    /* A cgroup above may keep it frozen: what is left to do here is done then. */
    return r < 0 || !frozen ? r : wait_for_v2(events_fd, 1);
}

static bool v1_is(const CgroupHierarchy *freezer, const char *state)
{
    _cleanup_free_ char *text = NULL;

    return file_read_at(freezer->fd, "freezer.state", CONTROL_SIZE_MAX, &text, NULL) == 0 &&
           strncmp(text, state, strlen(state)) == 0 && text[strlen(state)] == '\n';
}

/*
 * There is no event to wait for. Each process stops on its own way out of the kernel, so they are
 * given the processor; each reading looks at them anew, each writing at those that are new.
 */
static int freeze_v1(const CgroupHierarchy *freezer)
{
    int64_t deadline = now_ms() + PATIENCE_MS;

    while (now_ms() < deadline) {
        int r = file_poke_at(freezer->fd, "freezer.state", "FROZEN");

        if (r < 0 || v1_is(freezer, "FROZEN"))
            return r;
        (void)sched_yield();
    }
    return -ETIMEDOUT;
}

int cgroup_freeze(Cgroup *cgroup, Error *err)
{
    const CgroupHierarchy *unified = cgroup_unified(cgroup);
    const CgroupHierarchy *freezer = cgroup_find_controller(cgroup, CGROUP_FREEZER);
    int r;

    if (!unified && !freezer)
        return error_set(err, ERROR_UNSUPPORTED, "freeze cgroup '%s': it has no freezer",
                         cgroup->path);
    r = unified ? set_v2(unified, true) : freeze_v1(freezer);
    if (r == -ETIMEDOUT) {
        (void)cgroup_thaw(cgroup, NULL);
        return error_set(err, ERROR_UNAVAILABLE,
                         "freeze cgroup '%s': a process in it cannot be stopped now", cgroup->path);
    }
    return r < 0 ? error_result(err, r, "freeze cgroup '%s'", cgroup->path) : 0;
}

int cgroup_thaw(Cgroup *cgroup, Error *err)
{
    const CgroupHierarchy *unified = cgroup_unified(cgroup);
    const CgroupHierarchy *freezer = cgroup_find_controller(cgroup, CGROUP_FREEZER);
    int r = 0;

    if (!unified && !freezer)
        return error_set(err, ERROR_UNSUPPORTED, "thaw cgroup '%s': it has no freezer",
                         cgroup->path);
    if (unified)
        r = set_v2(unified, false);
    /* Somebody else's tool may have taken this one. */
    if (r == 0 && freezer)
        r = file_poke_at(freezer->fd, "freezer.state", "THAWED");
    return r < 0 ? error_result(err, r, "thaw cgroup '%s'", cgroup->path) : 0;
}

bool cgroup_is_frozen(const Cgroup *cgroup)
{
    const CgroupHierarchy *unified = cgroup_unified(cgroup);
    const CgroupHierarchy *freezer = cgroup_find_controller((Cgroup *)cgroup, CGROUP_FREEZER);

    if (unified) {
        _cleanup_close_ int fd = openat(unified->fd, "cgroup.events", O_RDONLY | O_CLOEXEC);

        if (fd >= 0 && cgroup_v2_read_event(fd, "frozen") == 1)
            return true;
    }
    return freezer && v1_is(freezer, "FROZEN");
}
