/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Reading the event log (supervisor/event-log.h), and following it: what any process appends is
 * told by inotify(7) at once. Every event has an id, by which another stream continues after it,
 * whatever was restarted meanwhile.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "engine/engine.h"
#include "supervisor/event-log.h"

/* "e3-4096": the number of a file and where the event ends in it. For whoever keeps it, just text.
 * No time is written so. */
#define EVENT_ID_SIZE 48

typedef struct EventStreamOptions {
    const char *after; /* id of an event: only those after it; NULL: from @since on */
    int64_t since;     /* nanoseconds since 1970; INT64_MAX: only what happens from now on */
    int64_t until;     /* events after are left out, and following ends then; INT64_MAX: never */
    bool follow;       /* wait for more when all is read */
} EventStreamOptions;

typedef struct EventStream EventStream;

/*
 * Errors: INVALID (@after is no id, or of another log), NOT_FOUND (what came after @after is not
 * kept any more), SYSTEM.
 */
int event_stream_open(Engine *engine, const EventStreamOptions *options, EventStream **ret,
                      Error *err);
/* The same of the log in @events_fd, which stays the caller's. */
int event_stream_open_at(int events_fd, const EventStreamOptions *options, EventStream **ret,
                         Error *err);
void event_stream_free(EventStream *stream);
DEFINE_CLEANUP(EventStream *, event_stream_free);

typedef enum EventStreamResult {
    EVENT_STREAM_END = 0,
    EVENT_STREAM_EVENT = 1, /* to be done with event_done() */
    EVENT_STREAM_WAIT = 2,  /* none right now: event_stream_wait(), then try again */
} EventStreamResult;

/* Returns an EventStreamResult or -errno. Damaged records are passed over. */
int event_stream_next(EventStream *stream, Event *ret, char ret_id[EVENT_ID_SIZE], Error *err);

/* Wait until there may be more. */
int event_stream_wait(EventStream *stream, Error *err);

/* To wait for in a loop of one's own: readable when there may be more, and until it is drained. */
int event_stream_fd(const EventStream *stream);
void event_stream_drain(EventStream *stream);
