/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What nobody here knows is asked of other servers: over UDP from a socket of its own, so that the
 * port is as random as the id, and over TCP where the answer is longer. Only an answer to what was
 * asked, from where it was asked, is one. A server that does not answer is followed by the next.
 */

#include "base/event-loop.h"
#include "network/dns/deadlines.h"
#include "network/dns/message.h"
#include "network/dns/upstreams.h"

typedef struct Asker Asker;
typedef struct Connection Connection;
typedef struct Destination Destination;
typedef struct Forward Forward;
typedef struct Forwarder Forwarder;

/* @max_forwards: at a time, of all containers. */
Forwarder *forwarder_new(EventLoop *loop, size_t max_forwards);
void forwarder_free(Forwarder *forwarder);

/* Ask others, and answer at @from when they have, or when none has in time. */
void forward_question(Forwarder *forwarder, Asker *asker, const Destination *from,
                      const Query *query, const uint8_t *message, size_t size);

/* Nobody waits for it any more. */
void forward_cancel_all(Asker *asker);
void forward_cancel_connection(Asker *asker, const Connection *connection);
