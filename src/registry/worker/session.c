/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The loop: transfers, timers, the client's socket and the pipes that are fed. Nothing in it waits
 * for anybody, the client included: what it does not read is kept, and progress is forgotten.
 */

#include "registry/worker/session.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/socket.h"
#include "base/time-format.h"
#include "registry/worker/call.h"
#include "registry/worker/confine.h"
#include "registry/worker/endpoint.h"
#include "registry/worker/system-trust.h"

#define CONNECTIONS_PER_HOST 12L
#define CONNECTIONS_KEPT 16L
#define OPERATIONS_MAX 4096

static const struct {
    const char *operation;
    int (*start)(Session *session, const RegistryRequest *request, int fd, Operation **ret,
                 Error *err);
} starters[] = {
    { REGISTRY_FETCH, operation_start_fetch },
    { REGISTRY_UPLOAD, operation_start_upload },
};

static Operation *find_operation(Session *session, uint64_t id)
{
    Operation *operation = session->operations;

    while (operation && operation->id != id)
        operation = operation->next;
    return operation;
}

void session_remove(Operation *operation)
{
    Operation **link = &operation->session->operations;

    while (*link && *link != operation)
        link = &(*link)->next;
    if (*link)
        *link = operation->next;
    operation->class->free(operation);
}

/* Send what is kept for the client, as far as there is room. Returns 0 or -errno. */
static int flush(Session *session)
{
    StringList *outgoing = &session->outgoing;
    size_t sent = 0;
    int r = 0;

    while (sent < outgoing->count && r >= 0) {
        char *text = outgoing->items[sent];

        r = socket_send(session->socket_fd, text, strlen(text), NULL, 0);
        if (r < 0)
            break;
        explicit_bzero(text, strlen(text));
        free(text);
        sent++;
    }
    if (sent > 0) {
        memmove(outgoing->items, outgoing->items + sent,
                (outgoing->count - sent) * sizeof(*outgoing->items));
        outgoing->count -= sent;
        outgoing->items[outgoing->count] = NULL;
    }
    return r == -EAGAIN ? 0 : r;
}

void session_send(Operation *operation, RegistryReply *reply, bool may_drop)
{
    Session *session = operation->session;
    json_t *json;

    if (may_drop && session->outgoing.count > 0)
        return;
    reply->id = operation->id;
    json = json_struct_write(&registry_reply_json, reply);
    string_list_take(&session->outgoing, json_to_text(json));
    json_decref(json);
    (void)flush(session); /* the loop notices when the client is gone */
}

void session_end(Operation *operation, RegistryReply *reply, const Error *error)
{
    RegistryFailure failure = {
        .kind = (char *)error_kind_to_string(error ? error->kind : ERROR_NONE),
        .errnum = error ? error->errnum : 0,
        .message = (char *)(error ? error_message(error) : ""),
    };

    reply->is_over = true;
    reply->failure = error_is_set(error) ? &failure : NULL;
    session_send(operation, reply, false);
    reply->failure = NULL;
}

/* A request that cannot even be begun. */
static void refuse(Session *session, uint64_t id, const Error *error)
{
    Operation nobody = { .session = session, .id = id };
    RegistryReply reply = {};

    session_end(&nobody, &reply, error);
}

static void start_operation(Session *session, const RegistryRequest *request, int fd)
{
    int (*start)(Session *, const RegistryRequest *, int, Operation **, Error *) =
        operation_start_document;
    _cleanup_error_ Error error = {};
    Operation *operation = NULL, **end = &session->operations;

    for (size_t i = 0; i < ARRAY_SIZE(starters); i++)
        if (strcmp(starters[i].operation, request->operation) == 0)
            start = starters[i].start;
    if (start(session, request, fd, &operation, &error) < 0) {
        refuse(session, request->id, &error);
        return;
    }
    operation->id = request->id;
    operation->session = session;
    while (*end) /* in order: who came first gets connections first */
        end = &(*end)->next;
    *end = operation;
}

static void handle_request(Session *session, const RegistryRequest *request, int fd)
{
    _cleanup_close_ int owned = fd;
    Operation *operation = find_operation(session, request->id);

    if (strcmp(request->operation, REGISTRY_RELEASE) == 0) {
        if (operation)
            session_remove(operation);
    } else if (strcmp(request->operation, REGISTRY_FEED) == 0) {
        if (operation && operation->class->feed && owned >= 0)
            operation->class->feed(operation, TAKE_FD(owned));
    } else if (!operation) {
        start_operation(session, request, TAKE_FD(owned));
    }
}

/* Take what the client has sent. Returns 0, or -errno when that is the end: -EPIPE if it is gone.
 */
static int receive_requests(Session *session)
{
    char buffer[REGISTRY_MESSAGE_MAX];

    for (;;) {
        _cleanup_registry_request_ RegistryRequest request = {};
        _cleanup_json_ json_t *json = NULL;
        _cleanup_close_ int fd = -EBADF;
        ssize_t n = socket_receive(session->socket_fd, buffer, sizeof(buffer), &fd, 1);
        int r;

        if (n == -EAGAIN)
            return 0;
        if (n <= 0)
            return n == 0 ? -EPIPE : (int)n;
        r = json_parse(buffer, (size_t)n, &json, NULL);
        if (r >= 0)
            r = json_struct_read(&registry_request_json, json, &request, NULL);
        if (r < 0)
            return r;
        handle_request(session, &request, TAKE_FD(fd));
    }
}

static void advance_all(Session *session)
{
    for (Operation *operation = session->operations, *next; operation; operation = next) {
        next = operation->next; /* it may be over */
        if (operation->class->advance)
            operation->class->advance(operation);
    }
}

/* What ends may be what something else has waited for. Returns when the next call's time comes. */
static int64_t advance_until_all_wait(Session *session)
{
    uint64_t n_over;
    int64_t next;

    do {
        n_over = session->n_over;
        advance_all(session);
        next = calls_resume(session);
    } while (session->n_over != n_over);
    return next;
}

/* What is polled for besides libcurl's own descriptors; the first is the client's. */
static size_t collect_polls(Session *session, struct curl_waitfd *polls, size_t n_max)
{
    size_t n = 1;

    polls[0] = (struct curl_waitfd) {
        .fd = session->socket_fd,
        .events = (short)(CURL_WAIT_POLLIN | (session->outgoing.count > 0 ? CURL_WAIT_POLLOUT : 0)),
    };
    for (Operation *operation = session->operations; operation && n < n_max;
         operation = operation->next) {
        struct pollfd wanted;

        if (operation->class->get_poll && operation->class->get_poll(operation, &wanted))
            polls[n++] = (struct curl_waitfd) { .fd = wanted.fd, .events = CURL_WAIT_POLLOUT };
    }
    return n;
}

static int timeout_until(int64_t time)
{
    int64_t left = time == INT64_MAX ? INT64_MAX : time - time_monotonic();

    if (left <= 0)
        return 0;
    if (left == INT64_MAX || left / 1000000 >= 3600 * 1000)
        return 3600 * 1000;
    return (int)(left / 1000000) + 1;
}

static int serve(Session *session, Error *err)
{
    struct curl_waitfd *polls = NEW_ARRAY(struct curl_waitfd, OPERATIONS_MAX);
    int r = 0;

    while (r >= 0) {
        int64_t next;
        size_t n;
        int running;

        (void)curl_multi_perform(session->multi, &running);
        exchange_collect(session->multi);
        next = advance_until_all_wait(session);
        n = collect_polls(session, polls, OPERATIONS_MAX);
        if (curl_multi_poll(session->multi, polls, (unsigned)n, timeout_until(next), NULL) !=
            CURLM_OK)
            r = -EIO;
        if (r >= 0)
            r = flush(session);
        if (r >= 0)
            r = receive_requests(session);
    }
    free(polls);
    return r == -EPIPE || r == -ECONNRESET ? 0 : error_result(err, r, "serve the client");
}

/* The first message: what this process is about. */
static int receive_opening(Session *session, Error *err)
{
    _cleanup_json_ json_t *json = NULL;
    _cleanup_free_ char *text = NULL;
    _cleanup_close_ int fd = -EBADF;
    size_t size = 0;
    char message[16];
    ssize_t n = socket_receive(session->socket_fd, message, sizeof(message), &fd, 1);
    int r;

    if (n <= 0 || fd < 0)
        return error_set(err, ERROR_INVALID, "the opening is missing");
    r = fd_read_all(fd, REGISTRY_OPENING_MAX, &text, &size);
    if (r < 0)
        return error_result(err, r, "read the opening");
    r = json_parse(text, size, &json, err);
    if (r >= 0)
        r = json_struct_read(&registry_opening_json, json, &session->opening, err);
    explicit_bzero(text, size);
    if (r >= 0 && session->opening.repository.endpoints.count == 0)
        return error_set(err, ERROR_INVALID, "the repository is nowhere");
    return r;
}

static void make_endpoints(Session *session)
{
    const RegistryEndpointArray *settings = &session->opening.repository.endpoints;

    session->endpoints = NEW_ARRAY(Endpoint, settings->count);
    session->n_endpoints = settings->count;
    for (size_t i = 0; i < settings->count; i++)
        session->endpoints[i] = (Endpoint) {
            .session = session,
            .settings = &settings->items[i],
            .uses_plain_http = settings->items[i].plain_http,
        };
    system_trust_prepare(session);
}

static int prepare(Session *session, Error *err)
{
    int r;

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return error_set(err, ERROR_UNAVAILABLE, "libcurl does not start");
    r = confine(err); /* closes what is not known, so libcurl's descriptors come after it */
    if (r < 0)
        return r;
    session->multi = curl_multi_init();
    if (!session->multi)
        return error_set(err, ERROR_EXHAUSTED, "out of memory");
    (void)curl_multi_setopt(session->multi, CURLMOPT_MAX_HOST_CONNECTIONS, CONNECTIONS_PER_HOST);
    (void)curl_multi_setopt(session->multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_KEPT);
    r = receive_opening(session, err);
    if (r < 0)
        return r;
    make_endpoints(session);
    return 0;
}

int session_run(int socket_fd, Error *err)
{
    Session session = { .socket_fd = socket_fd };
    int r = prepare(&session, err);

    if (r >= 0) {
        r = fd_set_nonblock(socket_fd, true);
        r = r < 0 ? error_result(err, r, "prepare the socket") : serve(&session, err);
    }
    /* All that is left ends with the process, but for what must not be found in its memory. */
    for (size_t i = 0; i < session.n_endpoints; i++)
        endpoint_done(&session.endpoints[i]);
    registry_opening_done(&session.opening);
    return r;
}
