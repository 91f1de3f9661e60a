/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A message is led by its length. While a question is being answered nothing more is read, so a
 * connection holds one question or one answer, whatever is sent to it.
 */

#include "network/dns/connection.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/time-format.h"

#define ACCEPTED_PER_ROUND 8
#define LENGTH_SIZE 2

struct Connection {
    Connection *next;
    Connection **link; /* what leads here in its asker's list */
    Deadline deadline;
    Asker *asker;
    int fd;
    EventSource *source;
    uint8_t length[LENGTH_SIZE];
    uint8_t *data; /* behind its length: a question, or an answer with it */
    size_t size;
    size_t done;     /* read or written, with the length */
    bool is_writing; /* an answer */
    bool is_asking;  /* a question is being answered */
};

void connection_free(Connection *connection)
{
    AskerContext *context = connection->asker->context;

    if (connection->is_asking)
        forward_cancel_connection(connection->asker, connection);
    deadline_stop(&connection->deadline);
    *connection->link = connection->next;
    if (connection->next)
        connection->next->link = connection->link;
    connection->asker->n_connections--;
    context->n_connections--;
    if (connection->source)
        event_source_free(connection->source);
    fd_close(connection->fd);
    free(connection->data);
    free(connection);
}

void connection_expire(Deadline *deadline, void *data)
{
    (void)data;
    connection_free((Connection *)((char *)deadline - offsetof(Connection, deadline)));
}

/* Begin to read the next question. */
static void expect_question(Connection *connection)
{
    free(TAKE_PTR(connection->data));
    connection->size = connection->done = 0;
    connection->is_writing = connection->is_asking = false;
}

/* Returns 1 when a question is whole, 0 when there is no more now, or -errno. */
static int read_question(Connection *connection)
{
    for (;;) {
        bool in_length = connection->done < LENGTH_SIZE;
        uint8_t *into = in_length ? connection->length + connection->done
                                  : connection->data + (connection->done - LENGTH_SIZE);
        size_t wanted = in_length ? LENGTH_SIZE - connection->done
                                  : connection->size - (connection->done - LENGTH_SIZE);
        ssize_t n = recv(connection->fd, into, wanted, MSG_DONTWAIT);

        if (n < 0)
            return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        if (n == 0)
            return -ECONNRESET;
        connection->done += (size_t)n;
        if (connection->done == LENGTH_SIZE) {
            connection->size = (size_t)(connection->length[0] << 8 | connection->length[1]);
            if (connection->size < MESSAGE_HEADER_SIZE || connection->size > MESSAGE_QUERY_MAX)
                return -EBADMSG;
            connection->data = memory_new(connection->size, 1);
        }
        if (connection->data && connection->done == LENGTH_SIZE + connection->size)
            return 1;
    }
}

/* Returns 1 when the answer is sent, 0 when there is no room now, or -errno. */
static int write_answer(Connection *connection)
{
    while (connection->done < connection->size) {
        ssize_t n = send(connection->fd, connection->data + connection->done,
                         connection->size - connection->done, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n < 0)
            return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        connection->done += (size_t)n;
    }
    return 1;
}

static int on_connection(EventSource *source, int fd, uint32_t events, void *data)
{
    Connection *connection = data;
    AskerContext *context = connection->asker->context;
    int r = connection->is_writing ? write_answer(connection) : read_question(connection);

    (void)fd;
    (void)events;
    if (r >= 0 && deadlines_start(&context->idle, &connection->deadline, time_monotonic()) < 0)
        r = -EIO;
    if (r > 0 && connection->is_writing) {
        expect_question(connection);
        r = event_source_set_events(source, EPOLLIN);
    } else if (r > 0) {
        Destination from = { .connection = connection };
        _cleanup_free_ uint8_t *question = TAKE_PTR(connection->data);

        connection->is_asking = true;
        r = event_source_set_events(source, 0);
        if (r >= 0) { /* which may end the connection */
            asker_ask(connection->asker, &from, question, connection->size);
            return 0;
        }
    }
    if (r < 0)
        connection_free(connection);
    return 0;
}

void connection_answer(Connection *connection, const uint8_t *answer, size_t size)
{
    uint8_t *data = memory_new(LENGTH_SIZE + size, 1);
    int r;

    data[0] = (uint8_t)(size >> 8);
    data[1] = (uint8_t)size;
    memcpy(data + LENGTH_SIZE, answer, size);
    free(connection->data);
    connection->data = data;
    connection->size = LENGTH_SIZE + size;
    connection->done = 0;
    connection->is_asking = false;
    connection->is_writing = true;
    r = write_answer(connection);
    if (r > 0)
        expect_question(connection);
    if (r >= 0)
        r = event_source_set_events(connection->source,
                                    connection->is_writing ? EPOLLOUT : EPOLLIN);
    if (r < 0)
        connection_free(connection);
}

static void add_connection(Asker *asker, int fd)
{
    Connection *connection = NEW(Connection);

    connection->fd = fd;
    connection->asker = asker;
    connection->next = asker->connections;
    connection->link = &asker->connections;
    if (connection->next)
        connection->next->link = &connection->next;
    asker->connections = connection;
    asker->n_connections++;
    asker->context->n_connections++;
    if (event_loop_add_fd(asker->context->loop, fd, EPOLLIN, on_connection, connection,
                          &connection->source) < 0 ||
        deadlines_start(&asker->context->idle, &connection->deadline, time_monotonic()) < 0)
        connection_free(connection);
}

static void close_oldest(Asker *asker)
{
    Connection *oldest = asker->connections;

    while (oldest->next)
        oldest = oldest->next;
    connection_free(oldest);
}

int connection_accept(EventSource *source, int fd, uint32_t events, void *data)
{
    Asker *asker = data;
    AskerContext *context = asker->context;

    (void)source;
    (void)events;
    for (int i = 0; i < ACCEPTED_PER_ROUND; i++) {
        int accepted = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (accepted < 0)
            return 0;
        if (asker->n_connections >= CONNECTIONS_PER_ASKER)
            close_oldest(asker);
        if (context->n_connections < context->max_connections)
            add_connection(asker, accepted);
        else
            fd_close(accepted); /* others have them all: it may ask over UDP, or again */
    }
    return 0;
}
