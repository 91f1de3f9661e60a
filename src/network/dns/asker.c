/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Of each socket so much is read at a time, then it is the others' turn: a container that floods
 * its own sockets does not starve those of others.
 */

#include "network/dns/asker.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "network/dns/connection.h"

#define QUESTIONS_PER_ROUND 16
#define LOCAL_ANSWER_MAX 16384 /* over TCP: a thousand of an alias */

static int on_udp(EventSource *source, int fd, uint32_t events, void *data)
{
    Asker *asker = data;
    uint8_t message[MESSAGE_QUERY_MAX + 1];

    (void)source;
    (void)events;
    for (int i = 0; i < QUESTIONS_PER_ROUND; i++) {
        Destination from = {};
        socklen_t length = sizeof(from.address);
        ssize_t n = recvfrom(fd, message, sizeof(message), MSG_DONTWAIT,
                             (struct sockaddr *)&from.address, &length);

        if (n < 0)
            return 0; /* none is there, or an error that was told with it */
        asker_ask(asker, &from, message, (size_t)n);
    }
    return 0;
}

static int on_process(EventSource *source, int fd, uint32_t events, void *data)
{
    Asker *asker = data;

    (void)source;
    (void)fd;
    (void)events;
    asker->context->on_end(asker, asker->context->data);
    return 0;
}

static const struct {
    EventFdHandler handler;
    int type; /* of socket; 0: it is none */
} descriptors[_DNS_DESCRIPTOR_MAX] = {
    [DNS_DESCRIPTOR_UDP] = { on_udp, SOCK_DGRAM },
    [DNS_DESCRIPTOR_TCP] = { connection_accept, SOCK_STREAM },
    [DNS_DESCRIPTOR_PROCESS] = { on_process, 0 },
};

static int check_descriptor(int fd, int type, Error *err)
{
    int found = 0;
    socklen_t size = sizeof(found);

    if (fd < 0)
        return error_set(err, ERROR_INVALID, "a registration has two sockets and a process");
    if (type != 0 && (getsockopt(fd, SOL_SOCKET, SO_TYPE, &found, &size) < 0 || found != type))
        return error_set(err, ERROR_INVALID, "a registration's sockets are of UDP and of TCP");
    return 0;
}

static void adopt(Asker *asker, DnsContainer *container)
{
    asker->container = *container;
    *container = (DnsContainer) {};
    names_add(asker->context->local->names, &asker->container);
    upstreams_set(&asker->upstreams, &asker->container.servers);
}

int asker_new(AskerContext *context, DnsContainer *container, int *fds, Asker **ret, Error *err)
{
    _cleanup_(asker_freep) Asker *asker = NEW(Asker);

    asker->context = context;
    for (size_t i = 0; i < _DNS_DESCRIPTOR_MAX; i++)
        asker->fds[i] = TAKE_FD(fds[i]);
    adopt(asker, container);
    for (size_t i = 0; i < _DNS_DESCRIPTOR_MAX; i++) {
        int r = check_descriptor(asker->fds[i], descriptors[i].type, err);

        if (r < 0)
            return r;
        r = event_loop_add_fd(context->loop, asker->fds[i], EPOLLIN, descriptors[i].handler, asker,
                              &asker->sources[i]);
        if (r < 0)
            return error_result(err, r, "watch a container's sockets");
    }
    *ret = TAKE_PTR(asker);
    return 0;
}

void asker_free(Asker *asker)
{
    if (!asker)
        return;
    while (asker->connections)
        connection_free(asker->connections);
    forward_cancel_all(asker);
    names_remove(asker->context->local->names, &asker->container);
    for (size_t i = 0; i < _DNS_DESCRIPTOR_MAX; i++) {
        if (asker->sources[i])
            event_source_free(asker->sources[i]);
        fd_close(asker->fds[i]);
    }
    dns_container_done(&asker->container);
    free(asker);
}

void asker_update(Asker *asker, DnsContainer *container)
{
    names_remove(asker->context->local->names, &asker->container);
    dns_container_done(&asker->container);
    adopt(asker, container);
}

void asker_answer(Asker *asker, const Destination *to, const Query *query, uint8_t *answer,
                  size_t size)
{
    if (to->connection) {
        connection_answer(to->connection, answer, size);
        return;
    }
    size = reply_truncate(answer, size, query, query->udp_max);
    /* One that does not reach who has asked is asked for again. */
    (void)sendto(asker->fds[DNS_DESCRIPTOR_UDP], answer, size, MSG_DONTWAIT | MSG_NOSIGNAL,
                 (const struct sockaddr *)&to->address, sizeof(to->address));
}

void asker_answer_code(Asker *asker, const Destination *to, const Query *query,
                       const uint8_t *message, MessageCode code)
{
    uint8_t buffer[MESSAGE_PLAIN_UDP_MAX];
    Answer answer;

    answer_begin(&answer, buffer, sizeof(buffer), query, message, code);
    asker_answer(asker, to, query, buffer, answer_end(&answer));
}

void asker_ask(Asker *asker, const Destination *from, const uint8_t *message, size_t size)
{
    uint8_t buffer[LOCAL_ANSWER_MAX];
    Query query;
    int r = query_read(message, size, &query);
    size_t limit = from->connection ? sizeof(buffer) : query.udp_max;

    if (r == -EBADMSG) {
        if (from->connection)
            connection_free(from->connection);
        return;
    }
    if (r != 0) {
        asker_answer_code(asker, from, &query, message, (MessageCode)r);
        return;
    }
    limit = local_answer(asker->context->local, &asker->container, &query, message, buffer, limit);
    if (limit > 0)
        asker_answer(asker, from, &query, buffer, limit);
    else if (asker->container.is_internal)
        asker_answer_code(asker, from, &query, message, CODE_SERVER_FAILURE);
    else
        forward_question(asker->context->forwarder, asker, from, &query, message, size);
}
