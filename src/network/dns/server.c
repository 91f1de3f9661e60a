/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Who comes while the last one leaves sees its connection end unanswered, and starts another
 * program: there is no moment that would have to be guarded.
 */

#include "network/dns/server.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/time-format.h"
#include "network/dns/asker.h"
#include "network/dns/connection.h"
#include "network/dns/control.h"

#define ASKERS_MAX 100000
#define FORWARDS_MAX 2048
#define CONNECTIONS_MAX 512
#define IDLE_TIMEOUT (10 * NANOSECONDS_PER_SECOND)

typedef struct Server {
    EventLoop *loop;
    Local local;
    AskerContext context;
    size_t n_controls;
    size_t n_askers;
    size_t max_askers;
} Server;

static void end_if_alone(Server *server)
{
    if (server->n_controls == 0 && !server->context.askers)
        event_loop_quit(server->loop, 0);
}

static Asker **find_asker(Server *server, const char *id)
{
    Asker **link = &server->context.askers;

    while (*link && strcmp((*link)->container.id, id) != 0)
        link = &(*link)->next;
    return link;
}

static void remove_asker(Server *server, Asker **link)
{
    Asker *asker = *link;

    if (!asker)
        return;
    *link = asker->next;
    server->n_askers--;
    asker_free(asker);
}

static void on_asker_end(Asker *asker, void *data)
{
    Server *server = data;

    remove_asker(server, find_asker(server, asker->container.id));
    end_if_alone(server);
}

/* In place of what is known of it, if all is well. */
static int add_asker(Server *server, DnsContainer *container, int *fds, Error *err)
{
    Asker *asker = NULL;
    int r;

    if (server->n_askers >= server->max_askers && !*find_asker(server, container->id))
        return error_set(err, ERROR_EXHAUSTED, "%s has descriptors for no more than %zu containers",
                         DNS_PROGRAM, server->max_askers);
    r = asker_new(&server->context, container, fds, &asker, err);
    if (r < 0)
        return r;
    remove_asker(server, find_asker(server, asker->container.id));
    asker->next = server->context.askers;
    server->context.askers = asker;
    server->n_askers++;
    return 0;
}

static int on_request(DnsRequest *request, int *fds, DnsReply *reply, Error *err, void *data)
{
    Server *server = data;

    if (request->add)
        return add_asker(server, request->add, fds, err);
    if (request->update) {
        Asker *asker = *find_asker(server, request->update->id);

        if (!asker)
            return error_set(err, ERROR_NOT_FOUND, "container '%.12s' is not known to %s",
                             request->update->id, DNS_PROGRAM);
        asker_update(asker, request->update);
    }
    if (request->forget)
        remove_asker(server, find_asker(server, request->forget));
    for (Asker *asker = server->context.askers; asker && request->list; asker = asker->next)
        string_list_add(&reply->ids, asker->container.id);
    return 0;
}

static void on_control_end(void *data)
{
    Server *server = data;

    server->n_controls--;
    end_if_alone(server);
}

static int add_control(Server *server, int fd)
{
    ControlHandlers handlers = { on_request, on_control_end, server };
    Control *control = NULL;
    int r = control_new(server->loop, fd, &handlers, &control);

    if (r >= 0)
        server->n_controls++;
    return r;
}

static int on_listening(EventSource *source, int fd, uint32_t events, void *data)
{
    int accepted = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    (void)source;
    (void)events;
    if (accepted >= 0)
        (void)add_control(data, accepted); /* a stranger's is closed */
    return 0;
}

/* A share of the descriptors that we may have. What waits to be accepted and cannot be would wake
 * us for ever, so there is always one for it. */
static size_t share(size_t wanted, unsigned parts)
{
    struct rlimit limit = {};

    (void)getrlimit(RLIMIT_NOFILE, &limit); /* a failure would be none at all */
    return limit.rlim_cur / parts < wanted ? limit.rlim_cur / parts : wanted;
}

static void server_init(Server *server)
{
    AskerContext *context = &server->context;

    server->max_askers = share(ASKERS_MAX, 2 * _DNS_DESCRIPTOR_MAX);
    local_init(&server->local);
    *context = (AskerContext) {
        .loop = server->loop,
        .local = &server->local,
        .forwarder = forwarder_new(server->loop, share(FORWARDS_MAX, 4)),
        .max_connections = share(CONNECTIONS_MAX, 8),
        .on_end = on_asker_end,
        .data = server,
    };
    deadlines_init(&context->idle, server->loop, IDLE_TIMEOUT, connection_expire, NULL);
}

/* Clients that are still there are not in the way: their connections end with this process. */
static void server_done(Server *server)
{
    while (server->context.askers)
        remove_asker(server, &server->context.askers);
    if (server->context.forwarder)
        forwarder_free(server->context.forwarder);
    local_done(&server->local);
}

int server_run(int listen_fd, int connection_fd, Error *err)
{
    _cleanup_(event_loop_freep) EventLoop *loop = NULL;
    _cleanup_(server_done) Server server = {};
    int r = event_loop_new(&loop);

    if (r >= 0) {
        server.loop = loop;
        server_init(&server);
        r = event_loop_add_fd(loop, listen_fd, EPOLLIN, on_listening, &server, NULL);
    }
    if (r >= 0)
        r = add_control(&server, connection_fd);
    if (r >= 0)
        r = event_loop_run(loop);
    return r < 0 ? error_result(err, r, "serve") : 0;
}
