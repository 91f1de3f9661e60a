/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A place in the event log that moves forward, file by file. Whether a file is complete is asked
 * before it is read to its end: then nothing can come after what is found.
 */

#include "engine/event-stream.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/fd.h"
#include "base/memory.h"
#include "base/parse.h"
#include "base/string-buffer.h"
#include "base/time-format.h"
#include "engine/engine-private.h"

#define CHUNK_SIZE ((size_t)64 * 1024)
#define NAME_SIZE 24

struct EventStream {
    EventStreamOptions options;
    int events_fd;
    int notify_fd; /* inotify(7) of the directory; -EBADF: not followed */
    uint64_t number;
    int fd;         /* file @number; -EBADF: not opened yet */
    uint64_t place; /* in the file, of the first byte in the buffer */
    StringBuffer buffer;
    size_t used; /* bytes of the buffer that are done with */
};

void event_stream_free(EventStream *stream)
{
    string_buffer_done(&stream->buffer);
    fd_close(stream->fd);
    fd_close(stream->notify_fd);
    fd_close(stream->events_fd);
    free(stream);
}

/* The lowest number of a file from @from on. Returns 1, 0 (none) or -errno. */
static int find_file(int events_fd, uint64_t from, uint64_t *ret)
{
    _cleanup_directory_ DIR *directory = NULL;
    const struct dirent *entry;
    uint64_t number;
    bool is_found = false;
    int r = directory_open_at(events_fd, ".", &directory);

    if (r < 0)
        return r;
    while ((r = directory_read(directory, &entry)) > 0) {
        if (parse_u64(entry->d_name, &number) < 0 || number < from || (is_found && number > *ret))
            continue;
        *ret = number;
        is_found = true;
    }
    return r < 0 ? r : is_found;
}

static int open_file(const EventStream *stream)
{
    char name[NAME_SIZE];
    int fd;

    (void)snprintf(name, sizeof(name), "%" PRIu64, stream->number);
    fd = openat(stream->events_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    return fd < 0 ? -errno : fd;
}

static void go_to(EventStream *stream, uint64_t number)
{
    stream->fd = fd_close(stream->fd);
    stream->number = number;
    stream->place = 0;
    stream->used = stream->buffer.length = 0;
}

/* In an empty log: where the first event will be. */
static int current_number(const EventStream *stream, uint64_t *ret, Error *err)
{
    int r = event_log_current(stream->events_fd, ret);

    if (r == -ENOENT) {
        *ret = 1;
        return 0;
    }
    return r < 0 ? error_result(err, r, "read the event log") : 0;
}

static int go_to_begin(EventStream *stream, Error *err)
{
    int r = find_file(stream->events_fd, 0, &stream->number);

    if (r < 0)
        return error_result(err, r, "read the event log");
    return r > 0 ? 0 : current_number(stream, &stream->number, err);
}

/* Behind what there is. */
static int go_to_end(EventStream *stream, Error *err)
{
    struct stat status;
    int r = current_number(stream, &stream->number, err);

    if (r < 0)
        return r;
    stream->fd = open_file(stream);
    if (stream->fd == -ENOENT)
        return 0;
    if (stream->fd < 0)
        return error_result(err, stream->fd, "open the event log");
    if (fstat(stream->fd, &status) < 0)
        return error_errno(err, "read the event log");
    stream->place = (uint64_t)status.st_size;
    return 0;
}

static int parse_id(const char *id, uint64_t *ret_number, uint64_t *ret_place, Error *err)
{
    const char *dash = strchr(id, '-');
    _cleanup_free_ char *number = *id == 'e' && dash ? memory_strndup(id + 1, dash - id - 1) : NULL;

    if (!number || parse_u64(number, ret_number) < 0 || parse_u64(dash + 1, ret_place) < 0)
        return error_set(err, ERROR_INVALID, "invalid event id '%s'", id);
    return 0;
}

static int go_behind(EventStream *stream, const char *id, Error *err)
{
    uint64_t number, place, current;
    struct stat status;
    int r = parse_id(id, &number, &place, err);

    if (r >= 0)
        r = current_number(stream, &current, err);
    if (r < 0)
        return r;
    stream->number = number;
    stream->fd = open_file(stream);
    if (stream->fd == -ENOENT && number < current)
        return error_set(err, ERROR_NOT_FOUND, "what followed event '%s' is not kept any more", id);
    if (stream->fd < 0 && stream->fd != -ENOENT)
        return error_result(err, stream->fd, "open the event log");
    if (stream->fd < 0 || fstat(stream->fd, &status) < 0 || place > (uint64_t)status.st_size)
        return error_set(err, ERROR_INVALID, "no such event: '%s'", id);
    stream->place = place;
    return 0;
}

static int start_following(EventStream *stream, Error *err)
{
    _cleanup_free_ char *path = memory_printf("/proc/self/fd/%d", stream->events_fd);

    stream->notify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (stream->notify_fd < 0 ||
        inotify_add_watch(stream->notify_fd, path, IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0)
        return error_errno(err, "follow the event log");
    return 0;
}

int event_stream_open_at(int events_fd, const EventStreamOptions *options, EventStream **ret,
                         Error *err)
{
    _cleanup_(event_stream_freep) EventStream *stream = NEW(EventStream);
    int r = 0;

    *stream = (EventStream) { .options = *options, .notify_fd = -EBADF, .fd = -EBADF };
    stream->events_fd = openat(events_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (stream->events_fd < 0)
        return error_errno(err, "open the event log");
    /* Before a place is looked for: what is written from here on is told. */
    if (options->follow)
        r = start_following(stream, err);
    if (r < 0)
        return r;
    if (options->after) {
        r = go_behind(stream, options->after, err);
        stream->options.since = INT64_MIN;
    } else if (options->since == INT64_MAX) {
        r = go_to_end(stream, err);
        stream->options.since = INT64_MIN;
    } else {
        r = go_to_begin(stream, err);
    }
    if (r < 0)
        return r;
    stream->options.after = NULL; /* was the caller's */
    *ret = TAKE_PTR(stream);
    return 0;
}

int event_stream_open(Engine *engine, const EventStreamOptions *options, EventStream **ret,
                      Error *err)
{
    return event_stream_open_at(engine->events_fd, options, ret, err);
}

/* Returns the number of bytes, 0 at the end of what is in the file by now, or -errno. */
static ssize_t read_more(EventStream *stream)
{
    _cleanup_free_ char *chunk = memory_new(CHUNK_SIZE, 1);
    size_t kept = stream->buffer.length - stream->used;
    ssize_t size;

    if (stream->fd < 0)
        stream->fd = open_file(stream);
    if (stream->fd < 0)
        return stream->fd == -ENOENT ? 0 : stream->fd;
    if (stream->used > 0) {
        memmove(stream->buffer.data, stream->buffer.data + stream->used, kept);
        stream->buffer.length = kept;
        stream->place += stream->used;
        stream->used = 0;
    }
    do
        size = pread(stream->fd, chunk, CHUNK_SIZE, (off_t)(stream->place + kept));
    while (size < 0 && errno == EINTR);
    if (size < 0)
        return -errno;
    string_buffer_add_bytes(&stream->buffer, chunk, (size_t)size);
    return size;
}

/* The next event that is in the buffer. Returns whether there is one. */
static bool take_event(EventStream *stream, Event *ret, char ret_id[EVENT_ID_SIZE])
{
    const char *text;
    size_t length, used = 0;

    while (stream->buffer.length > stream->used) {
        Event event = {};
        bool is_found =
            event_record_find(stream->buffer.data + stream->used,
                              stream->buffer.length - stream->used, &text, &length, &used);

        stream->used += used;
        if (!is_found)
            return false;
        if (event_record_parse(text, length, stream->options.since, &event) > 0 &&
            event.time <= stream->options.until) {
            (void)snprintf(ret_id, EVENT_ID_SIZE, "e%" PRIu64 "-%" PRIu64, stream->number,
                           stream->place + stream->used);
            *ret = event;
            return true;
        }
        event_done(&event);
    }
    return false;
}

/* The file is read to its end. Go on to the next one, if there is one. Returns whether so. */
static int next_file(EventStream *stream, uint64_t current, Error *err)
{
    uint64_t number;
    int r;

    if (current <= stream->number)
        return 0;
    r = find_file(stream->events_fd, stream->number + 1, &number);
    if (r < 0)
        return error_result(err, r, "read the event log");
    go_to(stream, r > 0 ? number : current);
    return 1;
}

int event_stream_next(EventStream *stream, Event *ret, char ret_id[EVENT_ID_SIZE], Error *err)
{
    for (;;) {
        /* Both are asked for before the log is read: then all until then is there. */
        bool is_over = !stream->options.follow || time_now() > stream->options.until;
        uint64_t current;
        ssize_t size;
        int r;

        if (take_event(stream, ret, ret_id))
            return EVENT_STREAM_EVENT;
        r = current_number(stream, &current, err);
        if (r < 0)
            return r;
        size = read_more(stream);
        if (size < 0)
            return error_result(err, (int)size, "read the event log");
        if (size > 0)
            continue;
        r = next_file(stream, current, err);
        if (r < 0)
            return r;
        if (r == 0)
            return is_over ? EVENT_STREAM_END : EVENT_STREAM_WAIT;
    }
}

int event_stream_fd(const EventStream *stream)
{
    return stream->notify_fd;
}

/* What has happened is looked for in the files: that something has is enough. */
void event_stream_drain(EventStream *stream)
{
    char buffer[4096] __attribute__((aligned(__alignof__(struct inotify_event))));

    while (read(stream->notify_fd, buffer, sizeof(buffer)) > 0)
        ;
}

int event_stream_wait(EventStream *stream, Error *err)
{
    struct pollfd notice = { .fd = stream->notify_fd, .events = POLLIN };
    int64_t left = stream->options.until == INT64_MAX ? 0 : stream->options.until - time_now() + 1;
    struct timespec limit = {};

    if (left > 0) {
        limit.tv_sec = left / NANOSECONDS_PER_SECOND;
        limit.tv_nsec = left % NANOSECONDS_PER_SECOND;
    }
    if (ppoll(&notice, 1, stream->options.until == INT64_MAX ? NULL : &limit, NULL) < 0 &&
        errno != EINTR)
        return error_errno(err, "wait for events");
    event_stream_drain(stream);
    return 0;
}
