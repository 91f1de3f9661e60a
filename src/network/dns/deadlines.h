/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What ends when nothing happens for a time that is the same for all: a queue, and one timer for
 * whoever is at its head, however many there are. */

#include <stdint.h>

#include "base/event-loop.h"

typedef struct Deadline {
    struct Deadline *next;
    struct Deadline *previous; /* both NULL: in no queue */
    int64_t at;
} Deadline;

typedef void (*DeadlineHandler)(Deadline *deadline, void *data);

typedef struct Deadlines {
    Deadline head; /* of a ring */
    EventLoop *loop;
    EventSource *timer; /* NULL: nobody waits */
    int64_t timeout;
    DeadlineHandler handler; /* takes it out, or starts it anew */
    void *data;
} Deadlines;

void deadlines_init(Deadlines *deadlines, EventLoop *loop, int64_t timeout, DeadlineHandler handler,
                    void *data);

/* From now on; anew where it is in the queue. Returns 0 or -errno. */
int deadlines_start(Deadlines *deadlines, Deadline *deadline, int64_t now);
/* That it is in none is no error. */
void deadline_stop(Deadline *deadline);
