/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The timer is set once for the head as it was: who is in time and leaves costs nothing, and the
 * timer finds a later head, or none.
 */

#include "network/dns/deadlines.h"

#include <stddef.h>

#include "base/time-format.h"

void deadlines_init(Deadlines *deadlines, EventLoop *loop, int64_t timeout, DeadlineHandler handler,
                    void *data)
{
    *deadlines = (Deadlines) {
        .loop = loop,
        .timeout = timeout,
        .handler = handler,
        .data = data,
    };
    deadlines->head.next = deadlines->head.previous = &deadlines->head;
}

static int on_timer(EventSource *source, void *data)
{
    Deadlines *deadlines = data;
    int64_t now = time_monotonic();
    Deadline *first;

    event_source_free(source);
    deadlines->timer = NULL;
    while ((first = deadlines->head.next) != &deadlines->head && first->at <= now) {
        deadline_stop(first);
        deadlines->handler(first, deadlines->data);
    }
    if (first == &deadlines->head || deadlines->timer)
        return 0;
    return event_loop_add_timer(deadlines->loop, first->at, on_timer, deadlines, &deadlines->timer);
}

int deadlines_start(Deadlines *deadlines, Deadline *deadline, int64_t now)
{
    deadline_stop(deadline);
    deadline->at = now + deadlines->timeout;
    deadline->next = &deadlines->head;
    deadline->previous = deadlines->head.previous;
    deadline->previous->next = deadline;
    deadlines->head.previous = deadline;
    if (deadlines->timer)
        return 0;
    return event_loop_add_timer(deadlines->loop, deadlines->head.next->at, on_timer, deadlines,
                                &deadlines->timer);
}

void deadline_stop(Deadline *deadline)
{
    if (!deadline->next)
        return;
    deadline->next->previous = deadline->previous;
    deadline->previous->next = deadline->next;
    deadline->next = deadline->previous = NULL;
}
