/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The log of events of one installation: files in the directory "events" of the state directory
 * that any process appends to, one record per event, and that any number of readers follow with
 * inotify(7). Appending is one write(2): no lock, no database, so that a shim can do it.
 */

#include <stdint.h>

#include "base/error.h"
#include "base/string-list.h"

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
