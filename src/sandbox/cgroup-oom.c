/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Telling when a cgroup runs out of memory. v1 counts into an eventfd; v2 changes memory.events,
 * of which inotify tells. An inotify watch on the cgroup's events shows when it is over.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/path.h"
#include "sandbox/cgroup-private.h"

struct CgroupOomWatch {
    bool is_v2;
    int fd;         /* eventfd or inotify */
    int cgroup_fd;  /* of the memory controller; a duplicate */
    int end_watch;  /* v2: inotify's, on the last process */
    uint64_t kills; /* v2: those that were told */
};

void cgroup_oom_watch_free(CgroupOomWatch *watch)
{
    if (!watch)
        return;
    fd_close(watch->fd);
    fd_close(watch->cgroup_fd);
    free(watch);
}

int cgroup_oom_watch_fd(const CgroupOomWatch *watch)
{
    return watch->fd;
}

static int watch_v1(CgroupOomWatch *watch)
{
    _cleanup_close_ int control_fd =
        openat(watch->cgroup_fd, "memory.oom_control", O_RDONLY | O_CLOEXEC);
    char text[32];

    if (control_fd < 0)
        return -errno;
    watch->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (watch->fd < 0)
        return -errno;
    (void)snprintf(text, sizeof(text), "%d %d", watch->fd, control_fd);
    return file_poke_at(watch->cgroup_fd, "cgroup.event_control", text);
}

/* Returns the number of the watch, or a negative errno. */
static int add_inotify(const CgroupOomWatch *watch, const char *file)
{
    char link[32];
    _cleanup_free_ char *path = memory_printf("%s/%s", path_of_fd(link, watch->cgroup_fd), file);
    int number = inotify_add_watch(watch->fd, path, IN_MODIFY);

    return number < 0 ? -errno : number;
}

static int watch_v2(CgroupOomWatch *watch)
{
    int r;

    watch->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (watch->fd < 0)
        return -errno;
    r = add_inotify(watch, "memory.events");
    if (r < 0)
        return r;
    watch->end_watch = add_inotify(watch, "cgroup.events");
    watch->kills = cgroup_read_key(watch->cgroup_fd, "memory.events", "oom_kill");
    return watch->end_watch < 0 ? watch->end_watch : 0;
}

int cgroup_oom_watch_new(const Cgroup *cgroup, CgroupOomWatch **ret, Error *err)
{
    const CgroupHierarchy *hierarchy = cgroup_find_controller((Cgroup *)cgroup, CGROUP_MEMORY);
    _cleanup_(cgroup_oom_watch_freep) CgroupOomWatch *watch = NEW(CgroupOomWatch);
    int r;

    watch->fd = watch->cgroup_fd = -EBADF;
    if (!hierarchy)
        return error_set(err, ERROR_UNSUPPORTED, "cgroup '%s' has no memory controller",
                         cgroup->path);
    watch->is_v2 = hierarchy->is_v2;
    watch->cgroup_fd = fcntl(hierarchy->fd, F_DUPFD_CLOEXEC, 3);
    if (watch->cgroup_fd < 0)
        return error_errno(err, "watch cgroup '%s'", cgroup->path);
    r = watch->is_v2 ? watch_v2(watch) : watch_v1(watch);
    if (r < 0)
        return error_result(err, r, "watch the memory of cgroup '%s'", cgroup->path);

    *ret = TAKE_PTR(watch);
    return 0;
}

/* A removed cgroup's files are gone, whoever holds its directory. */
static bool is_removed(const CgroupOomWatch *watch)
{
    return faccessat(watch->cgroup_fd, "cgroup.procs", F_OK, 0) < 0;
}

/* The count is 1 also for the removal of the cgroup. */
static int read_v1(const CgroupOomWatch *watch)
{
    uint64_t count;

    if (read(watch->fd, &count, sizeof(count)) != (ssize_t)sizeof(count))
        return is_removed(watch) ? -ENODEV : 0;
    return is_removed(watch) ? -ENODEV : count > INT32_MAX ? INT32_MAX : (int)count;
}

static int read_v2(CgroupOomWatch *watch)
{
    const CgroupHierarchy hierarchy = { .is_v2 = true, .fd = watch->cgroup_fd };
    char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
    uint64_t kills, before = watch->kills;

    /* That something has changed is all they say. */
    while (read(watch->fd, events, sizeof(events)) > 0)
        ;
    kills = cgroup_read_key(watch->cgroup_fd, "memory.events", "oom_kill");
    if (kills > before) {
        watch->kills = kills;
        /* The end may have been told along with it and is not told again; that this watch is gone
         * is, which makes the caller come back for the end. */
        if (!cgroup_v2_is_populated(&hierarchy))
            (void)inotify_rm_watch(watch->fd, watch->end_watch);
        return kills - before > INT32_MAX ? INT32_MAX : (int)(kills - before);
    }
    return cgroup_v2_is_populated(&hierarchy) ? 0 : -ENODEV;
}

int cgroup_oom_watch_read(CgroupOomWatch *watch)
{
    return watch->is_v2 ? read_v2(watch) : read_v1(watch);
}
