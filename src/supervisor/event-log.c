/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Appending to the event log, and its records. Each is one of a JSON text sequence (RFC 7464): a
 * record separator, the text, a line feed; so that one which a full disk has cut short costs no
 * other.
 */

#include "supervisor/event-log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json-fields.h"
#include "base/memory.h"
#include "base/parse.h"
#include "base/time-format.h"

#define SEPARATOR '\x1e'
#define NEXT_NAME "next"
#define NAME_SIZE 24
#define TIME_PREFIX "{\"time\":"

static const JsonField event_fields[] = {
    JSON_FIELD_FLAGS(Event, time, "time", JSON_TYPE_INT64, JSON_REQUIRED), /* first: see parse */
    JSON_FIELD_FLAGS(Event, type, "type", JSON_TYPE_STRING, JSON_REQUIRED),
    JSON_FIELD_FLAGS(Event, action, "action", JSON_TYPE_STRING, JSON_REQUIRED),
    JSON_FIELD_FLAGS(Event, actor, "actor", JSON_TYPE_STRING, JSON_REQUIRED),
    JSON_FIELD(Event, attributes, "attributes", JSON_TYPE_STRING_MAP),
};
static const JsonStruct event_json = JSON_STRUCT(Event, event_fields);

void event_done(Event *event)
{
    json_struct_done(&event_json, event);
}

int event_log_current(int events_fd, uint64_t *ret)
{
    char name[NAME_SIZE];
    ssize_t length = readlinkat(events_fd, EVENT_LOG_CURRENT, name, sizeof(name) - 1);

    if (length < 0)
        return -errno;
    name[length] = '\0';
    return parse_u64(name, ret);
}

static void name_of(uint64_t number, char name[static NAME_SIZE])
{
    (void)snprintf(name, NAME_SIZE, "%" PRIu64, number);
}

/* The number of the file to append to, in a log that may be new. */
static int find_current(int events_fd, uint64_t *ret)
{
    int r = event_log_current(events_fd, ret);

    if (r != -ENOENT)
        return r;
    if (symlinkat("1", events_fd, EVENT_LOG_CURRENT) < 0 && errno != EEXIST)
        return -errno;
    return event_log_current(events_fd, ret);
}

static bool is_current(int events_fd, uint64_t number)
{
    uint64_t current;

    return event_log_current(events_fd, &current) >= 0 && current == number;
}

/*
 * Go on with the next file; the caller holds LOCK_EX of file @number, which is the current one. The
 * oldest goes first, so that there is room. What a killed process has not removed is removed now.
 */
static int move_on(int events_fd, uint64_t number)
{
    char name[NAME_SIZE];

    for (uint64_t old = number + 1; old > EVENT_LOG_FILES; old--) {
        name_of(old - EVENT_LOG_FILES, name);
        if (unlinkat(events_fd, name, 0) < 0)
            break;
    }
    name_of(number + 1, name);
    if (unlinkat(events_fd, NEXT_NAME, 0) < 0 && errno != ENOENT)
        return -errno;
    if (symlinkat(name, events_fd, NEXT_NAME) < 0 ||
        renameat(events_fd, NEXT_NAME, events_fd, EVENT_LOG_CURRENT) < 0)
        return -errno;
    return 0;
}

/*
 * The file @fd, locked LOCK_SH, is full. Returns 1 to append to it all the same, because another
 * does so at this moment; 0 to look for the current file again.
 */
static int leave_full(int events_fd, int fd, uint64_t number)
{
    /* What had LOCK_SH has nothing while it waits for LOCK_EX, and the link may be moved. */
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return is_current(events_fd, number) ? move_on(events_fd, number) : 0;
    if (errno != EWOULDBLOCK || flock(fd, LOCK_SH) < 0)
        return -errno;
    return is_current(events_fd, number);
}

/* Returns 1 with @fd locked to be appended to, or 0 to look for the current file again. */
static int lock_for_append(int events_fd, int fd, uint64_t number)
{
    struct stat status;
    char name[NAME_SIZE];

    if (flock(fd, LOCK_SH) < 0 || fstat(fd, &status) < 0)
        return -errno;
    if (status.st_size >= EVENT_LOG_FILE_SIZE)
        return leave_full(events_fd, fd, number);
    if (status.st_size > 0 || is_current(events_fd, number))
        return 1;
    name_of(number, name); /* removed as too old while we slept, and made again by us */
    (void)unlinkat(events_fd, name, 0);
    return 0;
}

static int append(int events_fd, const char *record, size_t size)
{
    for (;;) {
        _cleanup_close_ int fd = -EBADF;
        char name[NAME_SIZE];
        uint64_t number;
        int r = find_current(events_fd, &number);

        if (r < 0)
            return r;
        name_of(number, name);
        fd = openat(events_fd, name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
            return -errno;
        r = lock_for_append(events_fd, fd, number);
        if (r != 0)
            return r < 0 ? r : fd_write_all(fd, record, size);
    }
}

int event_log_append(int events_fd, const Event *event)
{
    Event stamped = *event;
    _cleanup_json_ json_t *json = NULL;
    _cleanup_free_ char *text = NULL, *record = NULL;
    size_t size;

    if (stamped.time == 0)
        stamped.time = time_now();
    json = json_struct_write(&event_json, &stamped);
    text = json_to_text(json);
    record = memory_printf("%c%s\n", SEPARATOR, text);
    size = strlen(record);
    return size <= EVENT_RECORD_MAX ? append(events_fd, record, size) : -EFBIG;
}

bool event_record_find(const char *data, size_t size, const char **ret_text, size_t *ret_length,
                       size_t *ret_used)
{
    const char *end = data + size, *record = memchr(data, SEPARATOR, size);

    while (record) {
        const char *text = record + 1;
        const char *line_end = memchr(text, '\n', (size_t)(end - text));
        const char *other = memchr(text, SEPARATOR, (size_t)((line_end ? line_end : end) - text));

        if (line_end && !other) {
            *ret_text = text;
            *ret_length = (size_t)(line_end - text);
            *ret_used = (size_t)(line_end + 1 - data);
            return true;
        }
        if (!other) {
            bool is_endless = end - record > EVENT_RECORD_MAX;

            *ret_used = is_endless ? size : (size_t)(record - data);
            return false;
        }
        record = other; /* what is before it was cut short */
    }
    *ret_used = size;
    return false;
}

/* Most of a long log is older than what is asked for. */
static bool is_older(const char *text, size_t length, int64_t since)
{
    size_t digits = strlen(TIME_PREFIX);
    int64_t time = 0;

    if (length < digits || memcmp(text, TIME_PREFIX, digits) != 0)
        return false;
    for (size_t i = digits; i < length && text[i] >= '0' && text[i] <= '9'; i++)
        if (__builtin_mul_overflow(time, 10, &time) ||
            __builtin_add_overflow(time, text[i] - '0', &time))
            return false;
    return time < since;
}

int event_record_parse(const char *text, size_t length, int64_t since, Event *ret)
{
    _cleanup_json_ json_t *json = NULL;

    if (is_older(text, length, since))
        return 0;
    if (json_parse(text, length, &json, NULL) < 0 ||
        json_struct_read(&event_json, json, ret, NULL) < 0)
        return -EINVAL;
    return ret->time >= since;
}
