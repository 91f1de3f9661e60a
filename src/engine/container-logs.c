/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Following a log to its end. That something was written is told by inotify(7), and that nothing
 * will be any more by the end of the shim's process: it has written all before it ends, so what is
 * found afterwards is all there is.
 */

#include "engine/container-logs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/time-format.h"
#include "engine/container-private.h"
#include "engine/log-reader.h"
#include "supervisor/shim-status.h"

#define COMMAND_LINE_MAX 65536

struct ContainerLogs {
    ContainerLogsOptions options;
    int directory_fd;
    int notify_fd; /* inotify(7) of the directory; -EBADF: not followed */
    int shim_fd;   /* pidfd of the shim; -EBADF: it has ended, or none ran */
    LogReader *reader;
};

void container_logs_free(ContainerLogs *logs)
{
    if (logs->reader)
        log_reader_free(logs->reader);
    fd_close(logs->shim_fd);
    fd_close(logs->notify_fd);
    fd_close(logs->directory_fd);
    free(logs);
}

/* Is process @pid the shim of container @id? A shim that was killed has left its number in the
 * status, and another process may have it by now. */
static bool is_shim_of(int64_t pid, const char *id)
{
    _cleanup_free_ char *path = memory_printf("/proc/%lld/cmdline", (long long)pid);
    _cleanup_free_ char *line = NULL;
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t size, length;

    if (fd < 0 || fd_read_all(fd, COMMAND_LINE_MAX, &line, &size) < 0)
        return false;
    length = strlen(line); /* the program's name, then the container's id */
    return length < size && strcmp(line + length + 1, id) == 0;
}

/* A handle of the container's shim; -EBADF when it has none. */
static int open_shim(const Engine *engine, const char *id)
{
    _cleanup_free_ char *path = memory_printf("%s/" CONTAINER_LOCK_NAME, id);
    _cleanup_close_ int lock_fd =
        openat(engine->runtime_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    _cleanup_shim_status_ ShimStatus status = {};
    _cleanup_close_ int fd = -EBADF;

    if (lock_fd < 0 || shim_status_read(lock_fd, &status) < 0 || status.shim_pid <= 0)
        return -EBADF;
    fd = (int)syscall(SYS_pidfd_open, (pid_t)status.shim_pid, 0);
    if (fd < 0 || !is_shim_of(status.shim_pid, id))
        return -EBADF;
    return TAKE_FD(fd);
}

/* Before anything is read: what is written from here on is told. */
static int start_following(ContainerLogs *logs, const Engine *engine, const char *id, Error *err)
{
    _cleanup_free_ char *path = memory_printf("/proc/self/fd/%d", logs->directory_fd);

    logs->notify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (logs->notify_fd < 0)
        return error_errno(err, "follow the log");
    if (inotify_add_watch(logs->notify_fd, path, IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0)
        return error_errno(err, "follow the log");
    logs->shim_fd = open_shim(engine, id);
    return 0;
}

int container_logs_open(Engine *engine, const Container *container,
                        const ContainerLogsOptions *options, ContainerLogs **ret, Error *err)
{
    const ContainerLogConfig *config = &container->spec.log_config;
    _cleanup_(container_logs_freep) ContainerLogs *logs = NEW(ContainerLogs);
    LogReaderOptions reader_options = { options->since, options->tail, options->follow };
    LogFileSettings settings;
    int r = 0;

    *logs = (ContainerLogs) {
        .options = *options, .directory_fd = -EBADF, .notify_fd = -EBADF, .shim_fd = -EBADF
    };
    log_file_settings(config->type, &config->options, container->id, &settings);
    if (settings.format == LOG_FORMAT_NONE)
        return error_set(err, ERROR_UNSUPPORTED,
                         "configured logging driver does not support reading");
    logs->directory_fd = openat(engine->containers_fd, container->id,
                                O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (logs->directory_fd < 0)
        return error_errno(err, "open the directory of container '%s'", container->name);
    if (options->follow)
        r = start_following(logs, engine, container->id, err);
    if (r >= 0)
        r = log_reader_open(logs->directory_fd, &settings, &reader_options, &logs->reader, err);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(logs);
    return 0;
}

int container_logs_next(ContainerLogs *logs, LogEntry *ret, Error *err)
{
    /* Asked for before it is looked for more: then all that it has written is there. */
    bool is_over = logs->shim_fd < 0 || time_now() > logs->options.until;
    int r = log_reader_next(logs->reader, ret, err);

    if (r < 0)
        return r;
    if (r > 0)
        return ret->time <= logs->options.until ? CONTAINER_LOGS_ENTRY : CONTAINER_LOGS_END;
    return is_over ? CONTAINER_LOGS_END : CONTAINER_LOGS_WAIT;
}

/* What has happened is looked for in the files: that something has is enough. */
static void drain_notices(int fd)
{
    char buffer[4096] __attribute__((aligned(__alignof__(struct inotify_event))));

    while (read(fd, buffer, sizeof(buffer)) > 0)
        ;
}

/* How long is left; NULL: for ever. */
static const struct timespec *time_left(int64_t until, struct timespec *storage)
{
    int64_t left;

    if (until == INT64_MAX)
        return NULL;
    left = until - time_now() + 1;
    if (left < 0)
        left = 0;
    *storage = (struct timespec) { .tv_sec = left / NANOSECONDS_PER_SECOND,
                                   .tv_nsec = left % NANOSECONDS_PER_SECOND };
    return storage;
}

int container_logs_wait(ContainerLogs *logs, int output_fd, Error *err)
{
    for (;;) {
        struct pollfd fds[] = {
            { .fd = logs->notify_fd, .events = POLLIN },
            { .fd = output_fd, .events = POLLOUT },
            { .fd = output_fd < 0 ? logs->shim_fd : -EBADF, .events = POLLIN },
        };
        struct timespec storage;
        const struct timespec *left =
            output_fd < 0 ? time_left(logs->options.until, &storage) : NULL;
        int r = ppoll(fds, ARRAY_SIZE(fds), left, NULL);

        if (r < 0 && errno != EINTR)
            return error_errno(err, "wait for the log");
        if (r < 0)
            continue;
        if (fds[0].revents) {
            drain_notices(logs->notify_fd);
            r = log_reader_hold(logs->reader, err);
            if (r < 0)
                return r;
        }
        if (fds[2].revents)
            logs->shim_fd = fd_close(logs->shim_fd);
        if (output_fd < 0 || fds[1].revents)
            return 0;
    }
}
