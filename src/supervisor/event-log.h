/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The log of events of one installation: files in the directory "events" of the state directory
 * that any process appends to, one record per event, and that any number of readers follow with
 * inotify(7) (engine/event-stream.h). A shim can do it: there is no database.
 *
 *     1, 2, 3, ...    the events, in the order of their numbers, each file at most about
 *                     EVENT_LOG_FILE_SIZE bytes; the last EVENT_LOG_FILES are kept
 *     current         symbolic link to the one that is appended to
 *
 * Who appends holds flock(LOCK_SH) of the file, so writers never wait for each other. Who finds it
 * full takes LOCK_EX and moves the link on. So a file is complete, for good, once the link names
 * another: that is what readers go by, and the place of an event in its file is its id for ever.
 * Any writer may be killed at any time: its lock goes with it, and a record that was cut short
 * costs no other.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/string-list.h"

#define EVENT_LOG_CURRENT "current"
#define EVENT_LOG_FILE_SIZE (8 * 1024 * 1024)
#define EVENT_LOG_FILES 4
/* Longer ones are not written, and not read. */
#define EVENT_RECORD_MAX (1024 * 1024)

/* Engine API: EventMessage. */
typedef struct Event {
    int64_t time;         /* nanoseconds since 1970; 0: now */
    char *type;           /* "container", "image", "daemon", ... */
    char *action;         /* "start", "die", "health_status: healthy" */
    char *actor;          /* the object's id */
    StringMap attributes; /* "name", "image", "exitCode", labels */
} Event;

void event_done(Event *event);
#define _cleanup_event_ _cleanup_(event_done)

/*
 * Append to the log in the directory @events_fd. An event that cannot be written is lost, and what
 * it tells of goes on: nothing is to fail for it. Returns 0 or -errno.
 */
int event_log_append(int events_fd, const Event *event);

/* The number of the file that is appended to. Returns 0, -ENOENT (nothing was ever) or -errno. */
int event_log_current(int events_fd, uint64_t *ret);

/*
 * Look for the first whole record in the @size bytes at @data. Returns true with its text, or false
 * when there is none yet. Either way the first *ret_used bytes are done with; what could be the
 * beginning of a record stays.
 */
bool event_record_find(const char *data, size_t size, const char **ret_text, size_t *ret_length,
                       size_t *ret_used);

/* Read a record's text; events before @since are not parsed further. Returns 1, 0 (too old), or
 * -EINVAL. @ret is empty, and to be done with whatever the result. */
int event_record_parse(const char *text, size_t length, int64_t since, Event *ret);
