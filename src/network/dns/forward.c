/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A question has as many attempts as fit into the time that a resolver waits for us (five seconds,
 * of libc's), and no more are asked at a time than there are descriptors for. When all of those are
 * taken, the container that has most of them gives one up for one that has few.
 */

#include "network/dns/forward.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/random-id.h"
#include "base/time-format.h"
#include "network/dns/cache.h"
#include "network/dns/forward-private.h"

#define ATTEMPT_TIMEOUT (NANOSECONDS_PER_SECOND * 3 / 2)
#define ATTEMPTS_MAX 3
#define FORWARDS_PER_ASKER 256
/* A server may send 64 KB over each of these. */
#define STREAMS_MAX 64
#define STREAMS_PER_ASKER 8

struct Forwarder {
    EventLoop *loop;
    Deadlines deadlines;
    Upstreams host;
    Cache *cache;
    size_t count;
    size_t max;
    size_t n_streams;
    uint8_t buffer[MESSAGE_MAX];
};

static void on_deadline(Deadline *deadline, void *data)
{
    (void)data;
    forward_failed((Forward *)((char *)deadline - offsetof(Forward, deadline)));
}

Forwarder *forwarder_new(EventLoop *loop, size_t max_forwards)
{
    Forwarder *forwarder = NEW(Forwarder);

    forwarder->loop = loop;
    forwarder->max = max_forwards;
    forwarder->cache = cache_new();
    deadlines_init(&forwarder->deadlines, loop, ATTEMPT_TIMEOUT, on_deadline, forwarder);
    return forwarder;
}

void forwarder_free(Forwarder *forwarder)
{
    if (!forwarder)
        return;
    cache_free(forwarder->cache);
    free(forwarder);
}

uint8_t *forward_buffer(Forward *forward)
{
    return forward->forwarder->buffer;
}

void forward_close(Forward *forward)
{
    if (forward->source)
        event_source_free(forward->source);
    forward->source = NULL;
    forward->fd = fd_close(forward->fd);
    free(TAKE_PTR(forward->stream));
    if (forward->has_connection) {
        forward->asker->n_streams--;
        forward->forwarder->n_streams--;
    }
    forward->has_connection = false;
}

int forward_watch(Forward *forward, uint32_t events, EventFdHandler handler)
{
    return event_loop_add_fd(forward->forwarder->loop, forward->fd, events, handler, forward,
                             &forward->source);
}

static void forward_free(Forward *forward)
{
    deadline_stop(&forward->deadline);
    forward_close(forward);
    *forward->link = forward->next;
    if (forward->next)
        forward->next->link = forward->link;
    forward->asker->n_forwards--;
    forward->forwarder->count--;
    free(forward->truncated);
    free(forward);
}

void forward_cancel_all(Asker *asker)
{
    while (asker->forwards)
        forward_free(asker->forwards);
}

void forward_cancel_connection(Asker *asker, const Connection *connection)
{
    for (Forward *forward = asker->forwards; forward; forward = forward->next) {
        if (forward->from.connection == connection) {
            forward_free(forward);
            return;
        }
    }
}

/* The end: answer, and forget it before, as the answer may end its connection. */
static void finish(Forward *forward, uint8_t *reply, size_t size, MessageCode code)
{
    _cleanup_free_ uint8_t *message = memory_dup(forward->message, forward->size);
    Asker *asker = forward->asker;
    Destination from = forward->from;
    Query query;

    (void)query_read(message, forward->size, &query); /* which it was before */
    if (reply)
        reply_address_to(reply, &query, message);
    forward_free(forward);
    if (reply)
        asker_answer(asker, &from, &query, reply, size);
    else
        asker_answer_code(asker, &from, &query, message, code);
}

/* Its own, or the host's as they are now: when they change, others may know other things. */
static Upstreams *upstreams_of(Forwarder *forwarder, Asker *asker)
{
    if (asker->upstreams.count > 0)
        return &asker->upstreams;
    if (upstreams_refresh(&forwarder->host))
        cache_clear(forwarder->cache);
    return &forwarder->host;
}

static unsigned attempts_for(const Upstreams *upstreams)
{
    if (upstreams->count == 1)
        return 2;
    return upstreams->count < ATTEMPTS_MAX ? (unsigned)upstreams->count : ATTEMPTS_MAX;
}

static void give_up(Forward *forward)
{
    size_t size = forward->truncated_size;

    if (!forward->truncated) {
        finish(forward, NULL, 0, CODE_SERVER_FAILURE);
        return;
    }
    memcpy(forward_buffer(forward), forward->truncated, size);
    finish(forward, forward_buffer(forward), size, CODE_OK);
}

/* Ask the servers from @forward->attempt on, until one can be asked. */
static void ask(Forward *forward)
{
    Upstreams *upstreams = upstreams_of(forward->forwarder, forward->asker);
    int64_t now = time_monotonic();

    for (; forward->attempt < attempts_for(upstreams); forward->attempt++) {
        forward->servers = upstreams->id;
        forward->upstream =
            upstreams->items[(forward->first + forward->attempt) % upstreams->count];
        if (forward_udp_start(forward) >= 0 &&
            deadlines_start(&forward->forwarder->deadlines, &forward->deadline, now) >= 0)
            return;
        forward_close(forward);
    }
    give_up(forward);
}

void forward_failed(Forward *forward)
{
    forward_close(forward);
    deadline_stop(&forward->deadline);
    upstreams_note_failure(upstreams_of(forward->forwarder, forward->asker), &forward->upstream,
                           time_monotonic());
    forward->attempt++;
    if (forward->truncated && !forward->from.connection)
        give_up(forward); /* it can do with that, and comes again over TCP */
    else
        ask(forward);
}

/* What a server says of itself rather than of the name: another one may know. */
static bool is_refusal(MessageCode code)
{
    return code == CODE_SERVER_FAILURE || code == CODE_REFUSED || code == CODE_NOT_IMPLEMENTED;
}

/* One that cannot be asked for over TCP is better than none. */
static bool try_over_tcp(Forward *forward, const uint8_t *reply, size_t size)
{
    Forwarder *forwarder = forward->forwarder;

    free(forward->truncated);
    forward->truncated = memory_dup(reply, size);
    forward->truncated_size = size;
    forward_close(forward);
    if (forwarder->n_streams >= STREAMS_MAX || forward->asker->n_streams >= STREAMS_PER_ASKER)
        return false;
    forward->has_connection = true;
    forward->asker->n_streams++;
    forwarder->n_streams++;
    return forward_tcp_start(forward) >= 0 &&
           deadlines_start(&forwarder->deadlines, &forward->deadline, time_monotonic()) >= 0;
}

void forward_answered(Forward *forward, uint8_t *reply, size_t size)
{
    const Upstreams *upstreams = upstreams_of(forward->forwarder, forward->asker);
    bool was_udp = !forward->stream;
    Query query;

    if (is_refusal(reply_code(reply)) && upstreams->count > 1 &&
        forward->attempt + 1 < attempts_for(upstreams)) {
        forward_failed(forward);
        return;
    }
    if (reply_is_truncated(reply) && was_udp) {
        if (!try_over_tcp(forward, reply, size))
            forward_failed(forward);
        return;
    }
    (void)query_read(forward->message, forward->size, &query); /* which it was before */
    cache_add(forward->forwarder->cache, forward->servers, &query, reply, size, time_monotonic());
    finish(forward, reply, size, CODE_OK);
}

/* Room for one more: from the container that has most, if that is not the one that asks. */
static bool make_room(Forwarder *forwarder, const Asker *asker)
{
    Asker *busiest = NULL;
    Forward *oldest;

    if (asker->n_forwards >= FORWARDS_PER_ASKER)
        return false;
    if (forwarder->count < forwarder->max)
        return true;
    for (Asker *other = asker->context->askers; other; other = other->next)
        if (!busiest || other->n_forwards > busiest->n_forwards)
            busiest = other;
    if (!busiest || busiest->n_forwards <= asker->n_forwards + 1)
        return false;
    oldest = busiest->forwards;
    while (oldest->next)
        oldest = oldest->next;
    finish(oldest, NULL, 0, CODE_SERVER_FAILURE);
    return true;
}

static Forward *forward_new(Forwarder *forwarder, Asker *asker, const Destination *from,
                            const uint8_t *message, size_t size)
{
    Forward *forward = memory_new(1, sizeof(*forward) + size);

    forward->forwarder = forwarder;
    forward->asker = asker;
    forward->from = *from;
    forward->fd = -EBADF;
    forward->size = size;
    memcpy(forward->message, message, size);
    forward->next = asker->forwards;
    forward->link = &asker->forwards;
    if (forward->next)
        forward->next->link = &forward->next;
    asker->forwards = forward;
    asker->n_forwards++;
    forwarder->count++;
    return forward;
}

void forward_question(Forwarder *forwarder, Asker *asker, const Destination *from,
                      const Query *query, const uint8_t *message, size_t size)
{
    Upstreams *upstreams = upstreams_of(forwarder, asker);
    Forward *forward;
    size_t found =
        cache_find(forwarder->cache, upstreams->id, query, time_monotonic(), forwarder->buffer);

    if (found > 0) {
        reply_address_to(forwarder->buffer, query, message);
        asker_answer(asker, from, query, forwarder->buffer, found);
        return;
    }
    if (!make_room(forwarder, asker)) {
        asker_answer_code(asker, from, query, message, CODE_SERVER_FAILURE);
        return;
    }
    forward = forward_new(forwarder, asker, from, message, size);
    forward->first = upstreams_first(upstreams, time_monotonic());
    ask(forward);
}
