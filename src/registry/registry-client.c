/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The client's end of `cay-registry`: requests go out, replies are sorted by what they are about.
 * What arrives is checked as any input is: the program has read bytes from outside.
 */

#include "registry/registry-client.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/process.h"
#include "base/socket.h"
#include "registry/registry-protocol.h"

struct RegistryTransfer {
    RegistryClient *client;
    RegistryTransfer *next;
    uint64_t id;
    RegistryTransferState state;
    char *mount_from; /* of an upload; NULL: none */
    bool is_fed;
    Error error; /* with is_over: what it failed with */
};

struct RegistryClient {
    Process process;
    int socket_fd;
    bool is_gone; /* the program, or its sense */
    Error gone;
    uint64_t last_id;
    RegistryTransfer *transfers;
    char buffer[REGISTRY_MESSAGE_MAX];
};

static int copy_error(const Error *from, Error *err)
{
    Error copy = { from->kind, from->errnum, memory_strdup(from->message) };

    error_move(err, &copy);
    return -from->errnum;
}

/* What is beyond the socket cannot be used any more: so ends whatever was going on. */
static int client_lost(RegistryClient *client, Error *err)
{
    client->is_gone = true;
    client->socket_fd = fd_close(client->socket_fd);
    for (RegistryTransfer *transfer = client->transfers; transfer; transfer = transfer->next) {
        if (transfer->state.is_over)
            continue;
        (void)copy_error(&client->gone, &transfer->error);
        transfer->state.is_over = true;
    }
    return copy_error(&client->gone, err);
}

static int client_senseless(RegistryClient *client, Error *err)
{
    (void)error_set(&client->gone, ERROR_UNAVAILABLE, "what '%s' says makes no sense",
                    REGISTRY_PROGRAM);
    return client_lost(client, err);
}

/* The program has ended, or does so now: it has nothing to say without a socket. */
static int client_died(RegistryClient *client, Error *err)
{
    int status;

    client->socket_fd = fd_close(client->socket_fd);
    (void)process_signal(&client->process,
                         SIGKILL); /* it may have closed no more than the socket */
    if (process_wait(&client->process, &status) < 0)
        (void)error_set(&client->gone, ERROR_UNAVAILABLE, "'%s' has ended", REGISTRY_PROGRAM);
    else if (!WIFSIGNALED(status))
        (void)error_set(&client->gone, ERROR_UNAVAILABLE, "'%s' ended with code %d",
                        REGISTRY_PROGRAM, WEXITSTATUS(status));
    else if (WTERMSIG(status) == SIGSYS)
        (void)error_set(&client->gone, ERROR_UNAVAILABLE,
                        "'%s' was stopped at a forbidden system call", REGISTRY_PROGRAM);
    else
        (void)error_set(&client->gone, ERROR_UNAVAILABLE, "'%s' was killed by signal %d (%s)",
                        REGISTRY_PROGRAM, WTERMSIG(status), sigdescr_np(WTERMSIG(status)));
    return client_lost(client, err);
}

static int send_request(RegistryClient *client, const RegistryRequest *request, int fd, Error *err)
{
    _cleanup_json_ json_t *json = json_struct_write(&registry_request_json, request);
    _cleanup_free_ char *text = json_to_text(json);
    size_t size = strlen(text);
    int r;

    if (client->is_gone)
        return copy_error(&client->gone, err);
    if (size > REGISTRY_MESSAGE_MAX)
        return error_set(err, ERROR_INVALID, "request to a registry is too long");
    r = socket_send(client->socket_fd, text, size, &fd, fd >= 0 ? 1 : 0);
    if (r == -EPIPE || r == -ECONNRESET)
        return client_died(client, err);
    return r < 0 ? error_result(err, r, "send a request to '%s'", REGISTRY_PROGRAM) : 0;
}

static RegistryTransfer *find_transfer(RegistryClient *client, uint64_t id)
{
    RegistryTransfer *transfer = client->transfers;

    while (transfer && transfer->id != id)
        transfer = transfer->next;
    return transfer;
}

/* What the program reports as failed becomes our error, kind, errno and message. */
static int read_failure(RegistryFailure *failure, Error *err)
{
    ErrorKind kind = error_kind_from_string(failure->kind);
    int errnum = failure->errnum > 0 ? failure->errnum : -error_kind_to_result(kind);
    Error error = { .kind = kind, .errnum = errnum, .message = TAKE_PTR(failure->message) };

    error_move(err, &error);
    return -errnum;
}

static void transfer_update(RegistryTransfer *transfer, RegistryReply *reply)
{
    if (transfer->state.is_over)
        return;
    if (reply->done >= transfer->state.done && reply->done <= transfer->state.total)
        transfer->state.done = reply->done;
    transfer->state.was_there = reply->was_there;
    transfer->state.mounted_from = reply->was_mounted ? transfer->mount_from : NULL;
    if (!reply->is_over)
        return;
    if (reply->failure)
        (void)read_failure(reply->failure, &transfer->error);
    /* It may have been over before it heard that it is to be fed, too. */
    transfer->state.is_over = reply->failure || !transfer->is_fed || reply->was_fed;
}

/* Take one message, which is there or waited for. */
static int receive_reply(RegistryClient *client, RegistryReply *ret, Error *err)
{
    _cleanup_registry_reply_ RegistryReply reply = {};
    _cleanup_json_ json_t *json = NULL;
    RegistryTransfer *transfer;
    ssize_t n = socket_receive(client->socket_fd, client->buffer, sizeof(client->buffer), NULL, 0);
    int r;

    if (n == 0 || n == -ECONNRESET)
        return client_died(client, err);
    if (n < 0)
        return client_senseless(client, err);
    r = json_parse(client->buffer, (size_t)n, &json, NULL);
    if (r >= 0)
        r = json_struct_read(&registry_reply_json, json, &reply, NULL);
    explicit_bzero(client->buffer, (size_t)n);
    if (r < 0)
        return client_senseless(client, err);

    transfer = find_transfer(client, reply.id);
    if (transfer)
        transfer_update(transfer, &reply);
    *ret = reply;
    reply = (RegistryReply) {};
    return 0;
}

/* Ask, and wait for the answer; transfers go on. */
static int client_call(RegistryClient *client, RegistryRequest *request, int fd, RegistryReply *ret,
                       Error *err)
{
    int r;

    request->id = ++client->last_id;
    r = send_request(client, request, fd, err);
    while (r >= 0) {
        _cleanup_registry_reply_ RegistryReply reply = {};

        r = receive_reply(client, &reply, err);
        if (r < 0 || reply.id != request->id || !reply.is_over)
            continue;
        if (reply.failure)
            return read_failure(reply.failure, err);
        *ret = reply;
        reply = (RegistryReply) {};
        return 0;
    }
    return r;
}

static int start_program(RegistryClient *client, Error *err)
{
    _cleanup_free_ char *program = process_find_sibling(REGISTRY_PROGRAM);
    _cleanup_close_ int ours = -EBADF, theirs = -EBADF;
    const char *const arguments[] = { REGISTRY_PROGRAM, NULL };
    const char *const environment[] = { NULL };
    int fds[2], r;

    r = socket_pair(fds);
    if (r < 0)
        return error_result(err, r, "make a socket for '%s'", REGISTRY_PROGRAM);
    ours = fds[0];
    theirs = fds[1];

    SpawnOptions options = {
        .program = program,
        .arguments = arguments,
        .environment = environment,
        .stdio = { -EBADF, -EBADF, STDERR_FILENO },
        .fds = &theirs,
        .n_fds = 1,
        .die_with_parent = true,
    };
    r = process_spawn(&options, &client->process, err);
    if (r == -ENOENT)
        return error_set(err, ERROR_UNAVAILABLE, "'%s' is not installed", program);
    if (r < 0)
        return error_wrap(err, r, "start '%s'", REGISTRY_PROGRAM);
    client->socket_fd = TAKE_FD(ours);
    return 0;
}

/* The variables that Docker heeds; the lower-case ones come second. */
static char *proxy_variable(const char *upper, const char *lower)
{
    const char *value = getenv(upper);

    if (!value || !*value)
        value = getenv(lower);
    return value && *value ? memory_strdup(value) : NULL;
}

static int send_opening(RegistryClient *client, const RegistryRepository *repository, Error *err)
{
    RegistryOpening opening = {
        .repository = *repository, /* borrowed */
        .http_proxy = proxy_variable("HTTP_PROXY", "http_proxy"),
        .https_proxy = proxy_variable("HTTPS_PROXY", "https_proxy"),
        .no_proxy = proxy_variable("NO_PROXY", "no_proxy"),
    };
    _cleanup_json_ json_t *json = json_struct_write(&registry_opening_json, &opening);
    _cleanup_free_ char *text = json_to_text(json);
    _cleanup_close_ int fd = fd_from_data(REGISTRY_PROGRAM, text, strlen(text));
    int r;

    explicit_bzero(text, strlen(text));
    opening.repository = (RegistryRepository) {};
    registry_opening_done(&opening);
    if (fd < 0)
        return error_result(err, fd, "make a file for '%s'", REGISTRY_PROGRAM);
    r = socket_send(client->socket_fd, "{}", 2, &fd, 1);
    if (r == -EPIPE || r == -ECONNRESET)
        return client_died(client, err);
    return r < 0 ? error_result(err, r, "send a request to '%s'", REGISTRY_PROGRAM) : 0;
}

int registry_client_open(const RegistryRepository *repository, RegistryClient **ret, Error *err)
{
    _cleanup_(registry_client_closep) RegistryClient *client = NEW(RegistryClient);
    int r;

    client->process = PROCESS_INIT;
    client->socket_fd = -EBADF;
    r = start_program(client, err);
    if (r >= 0)
        r = send_opening(client, repository, err);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(client);
    return 0;
}

void registry_client_close(RegistryClient *client)
{
    fd_close(client->socket_fd);
    process_done(&client->process);
    error_done(&client->gone);
    free(client);
}

void registry_document_done(RegistryDocument *document)
{
    free(document->text);
    free(document->media_type);
    *document = (RegistryDocument) {};
}

/* A call whose answer is a document of at most @limit bytes. */
static int call_for_document(RegistryClient *client, RegistryRequest *request, size_t limit,
                             RegistryDocument *ret, Error *err)
{
    _cleanup_registry_reply_ RegistryReply reply = {};
    _cleanup_registry_document_ RegistryDocument document = {};
    _cleanup_close_ int fd = fd_from_data(REGISTRY_PROGRAM, "", 0);
    int r;

    if (fd < 0)
        return error_result(err, fd, "make a file for '%s'", REGISTRY_PROGRAM);
    r = client_call(client, request, fd, &reply, err);
    if (r < 0)
        return r;
    if (lseek(fd, 0, SEEK_SET) < 0)
        return error_errno(err, "read the answer of a registry");
    r = fd_read_all(fd, limit, &document.text, &document.size);
    if (r == -EFBIG)
        return error_set(err, ERROR_EXHAUSTED, "answer of a registry is longer than %zu bytes",
                         limit);
    if (r < 0)
        return error_result(err, r, "read the answer of a registry");
    document.media_type = TAKE_PTR(reply.media_type);
    document.digest = digest_of(document.text, document.size);
    *ret = document;
    document = (RegistryDocument) {};
    return 0;
}

int registry_client_get_manifest(RegistryClient *client, const char *reference,
                                 RegistryDocument *ret, Error *err)
{
    RegistryRequest request = { .operation = (char *)REGISTRY_GET_MANIFEST,
                                .reference = (char *)reference };
    _cleanup_registry_document_ RegistryDocument document = {};
    Digest wanted;
    int r = call_for_document(client, &request, REGISTRY_MANIFEST_MAX, &document, err);

    if (r < 0)
        return r;
    if (digest_parse(reference, &wanted) == 0 && !digest_equal(&wanted, &document.digest))
        return error_set(err, ERROR_CORRUPT, "manifest '%s' is another one: its digest is '%s'",
                         reference, document.digest.text);
    *ret = document;
    document = (RegistryDocument) {};
    return 0;
}

int registry_client_head_manifest(RegistryClient *client, const char *reference,
                                  RegistryDocument *ret, Error *err)
{
    RegistryRequest request = { .operation = (char *)REGISTRY_HEAD_MANIFEST,
                                .reference = (char *)reference };
    _cleanup_registry_reply_ RegistryReply reply = {};
    _cleanup_registry_document_ RegistryDocument document = {};
    Digest digest;
    int r = client_call(client, &request, -EBADF, &reply, err);

    if (r < 0)
        return r;
    if (reply.digest && digest_parse(reply.digest, &digest) == 0) {
        *ret = (RegistryDocument) { .media_type = TAKE_PTR(reply.media_type), .digest = digest };
        ret->size = reply.size > 0 ? (size_t)reply.size : 0;
        return 0;
    }

    r = registry_client_get_manifest(client, reference, &document, err);
    if (r < 0)
        return r;
    *ret = (RegistryDocument) { .size = document.size,
                                .media_type = TAKE_PTR(document.media_type),
                                .digest = document.digest };
    return 0;
}

int registry_client_put_manifest(RegistryClient *client, const char *reference,
                                 const RegistryDocument *manifest, Error *err)
{
    RegistryRequest request = { .operation = (char *)REGISTRY_PUT_MANIFEST,
                                .reference = (char *)reference,
                                .media_type = manifest->media_type,
                                .size = (int64_t)manifest->size };
    _cleanup_registry_reply_ RegistryReply reply = {};
    _cleanup_close_ int fd = -EBADF;

    if (manifest->size > REGISTRY_MANIFEST_MAX)
        return error_set(err, ERROR_EXHAUSTED, "manifest '%s' is longer than %zu bytes", reference,
                         REGISTRY_MANIFEST_MAX);
    fd = fd_from_data(REGISTRY_PROGRAM, manifest->text, manifest->size);
    if (fd < 0)
        return error_result(err, fd, "make a file for '%s'", REGISTRY_PROGRAM);
    return client_call(client, &request, fd, &reply, err);
}

/* Names, a line each, of which nothing is accepted that is none. */
static int call_for_names(RegistryClient *client, RegistryRequest *request, StringList *ret,
                          Error *err)
{
    _cleanup_registry_document_ RegistryDocument document = {};
    _cleanup_string_list_ StringList names = {};
    char *line, *rest;
    int r = call_for_document(client, request, REGISTRY_LISTING_MAX, &document, err);

    if (r < 0)
        return r;
    rest = document.text;
    while ((line = strsep(&rest, "\n")) && rest) {
        for (const char *c = line; *c; c++)
            if (*c <= ' ' || *c > '~')
                return error_set(err, ERROR_INVALID, "a registry's list has what is no name");
        string_list_add(&names, line);
    }
    *ret = names;
    names = (StringList) {};
    return 0;
}

int registry_client_list_tags(RegistryClient *client, size_t limit, StringList *ret, Error *err)
{
    RegistryRequest request = { .operation = (char *)REGISTRY_LIST_TAGS, .limit = (int64_t)limit };

    return call_for_names(client, &request, ret, err);
}

int registry_client_list_repositories(RegistryClient *client, size_t limit, StringList *ret,
                                      Error *err)
{
    RegistryRequest request = { .operation = (char *)REGISTRY_LIST_REPOSITORIES,
                                .limit = (int64_t)limit };

    return call_for_names(client, &request, ret, err);
}

int registry_client_search(RegistryClient *client, const char *term, size_t limit,
                           RegistryDocument *ret, Error *err)
{
    RegistryRequest request = { .operation = (char *)REGISTRY_SEARCH,
                                .term = (char *)term,
                                .limit = (int64_t)limit };

    return call_for_document(client, &request, REGISTRY_MANIFEST_MAX, ret, err);
}

int registry_client_list_referrers(RegistryClient *client, const Digest *digest,
                                   const char *artifact_type, RegistryDocument *ret, Error *err)
{
    RegistryRequest request = { .operation = (char *)REGISTRY_LIST_REFERRERS,
                                .digest = (char *)digest->text,
                                .artifact_type = (char *)artifact_type };

    return call_for_document(client, &request, REGISTRY_LISTING_MAX, ret, err);
}

int registry_client_login(RegistryClient *client, char **ret_identity_token, Error *err)
{
    RegistryRequest request = { .operation = (char *)REGISTRY_LOGIN };
    _cleanup_registry_reply_ RegistryReply reply = {};
    int r = client_call(client, &request, -EBADF, &reply, err);

    if (r < 0)
        return r;
    if (ret_identity_token)
        *ret_identity_token = TAKE_PTR(reply.identity_token);
    return 0;
}

int registry_client_has_blob(RegistryClient *client, const Digest *digest, int64_t *ret_size,
                             Error *err)
{
    RegistryRequest request = { .operation = (char *)REGISTRY_HAS_BLOB,
                                .digest = (char *)digest->text };
    _cleanup_registry_reply_ RegistryReply reply = {};
    int r = client_call(client, &request, -EBADF, &reply, err);

    if (r < 0)
        return r;
    if (reply.was_there && ret_size)
        *ret_size = reply.size;
    return reply.was_there;
}

/* Ask for a transfer, which is there from now on. */
static int transfer_begin(RegistryClient *client, RegistryRequest *request, int fd,
                          RegistryTransfer **ret, Error *err)
{
    RegistryTransfer *transfer;
    int r;

    request->id = ++client->last_id;
    r = send_request(client, request, fd, err);
    if (r < 0)
        return r;
    transfer = NEW(RegistryTransfer);
    *transfer = (RegistryTransfer) {
        .client = client,
        .next = client->transfers,
        .id = request->id,
        .state.total = request->size,
        .mount_from = memory_strdup(request->mount_from),
    };
    client->transfers = transfer;
    *ret = transfer;
    return 0;
}

int registry_client_fetch(RegistryClient *client, const RegistryFetch *fetch,
                          RegistryTransfer **ret, Error *err)
{
    RegistryRequest request = { .operation = (char *)REGISTRY_FETCH,
                                .digest = (char *)fetch->digest.text,
                                .size = fetch->size };

    if (fetch->urls)
        request.urls = *fetch->urls; /* borrowed */
    return transfer_begin(client, &request, fetch->file_fd, ret, err);
}

int registry_client_upload(RegistryClient *client, const RegistryUpload *upload,
                           RegistryTransfer **ret, Error *err)
{
    RegistryRequest request = { .operation = (char *)REGISTRY_UPLOAD,
                                .digest = (char *)upload->digest.text,
                                .size = upload->size,
                                .mount_from = (char *)upload->mount_from };

    return transfer_begin(client, &request, upload->file_fd, ret, err);
}

int registry_transfer_feed(RegistryTransfer *transfer, int pipe_fd, Error *err)
{
    RegistryRequest request = { .id = transfer->id, .operation = (char *)REGISTRY_FEED };
    int r = send_request(transfer->client, &request, pipe_fd, err);

    if (r < 0)
        return r;
    transfer->is_fed = true;
    if (!error_is_set(&transfer->error))
        transfer->state.is_over = false;
    return 0;
}

RegistryTransferState registry_transfer_state(const RegistryTransfer *transfer)
{
    return transfer->state;
}

int registry_transfer_result(const RegistryTransfer *transfer, Error *err)
{
    return error_is_set(&transfer->error) ? copy_error(&transfer->error, err) : 0;
}

int registry_transfer_wait(RegistryTransfer *transfer, Error *err)
{
    while (!transfer->state.is_over) {
        _cleanup_registry_reply_ RegistryReply reply = {};

        (void)receive_reply(transfer->client, &reply, NULL); /* its failure is the transfer's */
    }
    return registry_transfer_result(transfer, err);
}

void registry_transfer_free(RegistryTransfer *transfer)
{
    RegistryRequest request = { .id = transfer->id, .operation = (char *)REGISTRY_RELEASE };
    RegistryTransfer **link = &transfer->client->transfers;

    while (*link != transfer)
        link = &(*link)->next;
    *link = transfer->next;
    (void)send_request(transfer->client, &request, -EBADF, NULL); /* gone: then so is it */
    error_done(&transfer->error);
    free(transfer->mount_from);
    free(transfer);
}

int registry_client_fd(const RegistryClient *client)
{
    return client->socket_fd;
}

int registry_client_dispatch(RegistryClient *client, Error *err)
{
    for (;;) {
        _cleanup_registry_reply_ RegistryReply reply = {};
        struct pollfd poll_fd = { .fd = client->socket_fd, .events = POLLIN };
        int r;

        if (client->is_gone)
            return copy_error(&client->gone, err);
        if (poll(&poll_fd, 1, 0) <= 0)
            return 0;
        r = receive_reply(client, &reply, err);
        if (r < 0)
            return r;
    }
}
