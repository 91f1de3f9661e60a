/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A container that asks. What it is told depends on which socket a question came through: those are
 * in its network namespace, and in no other. It is forgotten when its first process ends, and its
 * sockets are closed at once, as they would keep the namespace alive.
 */

#include <netinet/in.h>

#include "base/event-loop.h"
#include "network/dns-protocol.h"
#include "network/dns/forward.h"
#include "network/dns/local.h"
#include "network/dns/upstreams.h"

typedef struct Asker Asker;
typedef struct Connection Connection;

/* Where an answer goes: over UDP, or into a connection over TCP. */
typedef struct Destination {
    struct sockaddr_in address;
    Connection *connection; /* NULL: UDP */
} Destination;

/* What all askers have in common. */
typedef struct AskerContext {
    EventLoop *loop;
    Local *local;
    Forwarder *forwarder;
    Asker *askers;        /* all of them */
    Deadlines idle;       /* connections on which nothing moves */
    size_t n_connections; /* of all */
    size_t max_connections;
    void (*on_end)(Asker *asker, void *data); /* its process has ended: to be freed */
    void *data;
} AskerContext;

struct Asker {
    Asker *next; /* of the context's list, which is its maker's */
    AskerContext *context;
    DnsContainer container;
    Upstreams upstreams; /* its own; none: the host's */
    int fds[_DNS_DESCRIPTOR_MAX];
    EventSource *sources[_DNS_DESCRIPTOR_MAX];
    Forward *forwards; /* what others are asked for it, the newest first */
    size_t n_forwards;
    size_t n_streams;        /* of these, over TCP */
    Connection *connections; /* the newest first */
    size_t n_connections;
};

/* It owns @fds (of DnsDescriptor) and what is in @container, which is emptied; on failure, too. */
int asker_new(AskerContext *context, DnsContainer *container, int *fds, Asker **ret, Error *err);
/* What was asked for it is dropped. */
void asker_free(Asker *asker);
DEFINE_CLEANUP(Asker *, asker_free);

/* Replace what it is, which empties @container. Its sockets stay. */
void asker_update(Asker *asker, DnsContainer *container);

/* A question has come. */
void asker_ask(Asker *asker, const Destination *from, const uint8_t *message, size_t size);

/* Send what was asked for: @answer has room for MESSAGE_MAX bytes, and is cut to what is taken at
 * @to. */
void asker_answer(Asker *asker, const Destination *to, const Query *query, uint8_t *answer,
                  size_t size);
/* The same for an answer without content. */
void asker_answer_code(Asker *asker, const Destination *to, const Query *query,
                       const uint8_t *message, MessageCode code);
