/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A file becomes a blob (OCI distribution, "Pushing blobs"): looked for, mounted from another
 * repository, or sent, short ones in one request and long ones in chunks. When a chunk fails, the
 * registry says what it has of the upload, and there it goes on; where it does not know any more, a
 * new upload is begun.
 */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/fd.h"
#include "base/memory.h"
#include "base/parse.h"
#include "base/time-format.h"
#include "registry/worker/call.h"
#include "registry/worker/locations.h"
#include "registry/worker/ranges.h"
#include "registry/worker/retry.h"
#include "registry/worker/session.h"

#define CHUNK ((int64_t)16 << 20)
#define CHUNK_MAX ((int64_t)1 << 30)
#define ANSWER_MAX ((size_t)1 << 20)
#define RESTARTS_MAX 2

typedef enum UploadStep {
    UPLOAD_LOOK, /* is it there? */
    UPLOAD_BEGIN,
    UPLOAD_SEND,       /* the next chunk */
    UPLOAD_FINISH,     /* the last or only part of it, with its digest */
    UPLOAD_ASK,        /* how much has come? */
    UPLOAD_LOOK_AGAIN, /* the end was not heard of */
    UPLOAD_CANCEL,     /* it could only be taken from another repository, and was not */
} UploadStep;

typedef struct Upload {
    Operation operation;
    Digest digest;
    int64_t size;
    int file_fd; /* -EBADF: only with mount_from */
    char *mount_from;
    bool was_mounted;
    UploadStep step;
    Call *call;
    char *location; /* where the upload goes on */
    char *content_range;
    const char *headers[3];
    int64_t chunk; /* bytes */
    int64_t position;
    int64_t sent_to;   /* with the chunk on its way */
    unsigned failures; /* in a row */
    unsigned restarts;
    Error last_error;
} Upload;

static void upload_step(Upload *upload, UploadStep step);

static void upload_free(Operation *operation)
{
    Upload *upload = (Upload *)operation;

    if (upload->call)
        call_free(upload->call);
    fd_close(upload->file_fd);
    free(upload->mount_from);
    free(upload->location);
    free(upload->content_range);
    error_done(&upload->last_error);
    free(upload);
}

static const OperationClass upload_class = { .free = upload_free };

/* The transfer stays until its client has released it, and says nothing more. */
static void upload_end(Upload *upload, bool was_there, const Error *error)
{
    RegistryReply reply = { .done = upload->size,
                            .was_there = was_there,
                            .was_mounted = upload->was_mounted };

    if (error_is_set(error))
        reply.done = upload->position;
    session_end(&upload->operation, &reply, error);
}

/* Where the answer says that the upload goes on. */
static bool keep_location(Upload *upload, Call *call, Error *err)
{
    const char *location = call_answer(call)->location;
    char *url = NULL;

    if (!location && upload->location)
        return true;
    if (!location) {
        (void)error_set(err, ERROR_INVALID, "'%s' does not say where to upload to",
                        endpoint_host(call->endpoint));
        return false;
    }
    if (location_resolve(call->url, location, &url, err) < 0) {
        (void)error_wrap(err, -EINVAL, "'%s' says where to upload to, which",
                         endpoint_host(call->endpoint));
        return false;
    }
    free(upload->location);
    upload->location = url;
    return true;
}

static void read_chunk_length(Upload *upload, const Call *call)
{
    const char *text = call_answer(call)->chunk_min_length;
    int64_t least;

    if (text && parse_i64(text, &least) == 0 && least > upload->chunk && least <= CHUNK_MAX)
        upload->chunk = least;
}

/* A new upload instead of one that cannot go on, after a while; or the end. */
static void begin_anew(Upload *upload, const Error *error)
{
    if (++upload->restarts > RESTARTS_MAX) {
        upload_end(upload, false, error);
        return;
    }
    upload->position = 0;
    free(TAKE_PTR(upload->location));
    upload_step(upload, UPLOAD_BEGIN);
}

static void after_look(Upload *upload, Call *call)
{
    if (!error_is_set(&call->error))
        upload_end(upload, true, NULL);
    else if (call->exchange && call_answer(call)->status == 404)
        upload_step(upload, UPLOAD_BEGIN);
    else
        upload_end(upload, false, &call->error);
}

static void send_next(Upload *upload)
{
    bool is_last = upload->size - upload->position <= upload->chunk;

    upload_step(upload, is_last ? UPLOAD_FINISH : UPLOAD_SEND);
}

static void after_begin(Upload *upload, Call *call)
{
    _cleanup_error_ Error error = {};

    if (error_is_set(&call->error)) {
        upload_end(upload, false, &call->error);
        return;
    }
    if (call_answer(call)->status == 201) {
        upload->was_mounted = upload->mount_from != NULL;
        upload_end(upload, true, NULL);
        return;
    }
    read_chunk_length(upload, call);
    if (!keep_location(upload, call, &error)) {
        upload_end(upload, false, &error);
        return;
    }
    if (upload->file_fd < 0)
        upload_step(upload, UPLOAD_CANCEL);
    else
        send_next(upload);
}

/* There is nothing that could be sent. Whether the registry has forgotten the upload is its own
 * business. */
static void after_cancel(Upload *upload, Call *call)
{
    _cleanup_error_ Error error = {};

    (void)call;
    (void)error_set(&error, ERROR_NOT_FOUND, "blob '%s' cannot be taken from '%s'",
                    upload->digest.text, upload->mount_from);
    upload_end(upload, false, &error);
}

/* What has not become clear is asked for; what was refused is the end. */
static void after_failure(Upload *upload, Call *call)
{
    ErrorKind kind = call->error.kind;
    int status =
        call->exchange && call_answer(call)->code == CURLE_OK ? call_answer(call)->status : 0;

    if (status == 404 || status == 416) {
        begin_anew(upload, &call->error);
    } else if (kind != ERROR_UNAVAILABLE || ++upload->failures >= RETRY_ATTEMPTS) {
        upload_end(upload, false, &call->error);
    } else {
        error_done(&upload->last_error);
        error_move(&upload->last_error, &call->error);
        upload_step(upload, upload->step == UPLOAD_FINISH ? UPLOAD_LOOK_AGAIN : UPLOAD_ASK);
        upload->call->resume_at = time_monotonic() + retry_wait(upload->failures);
    }
}

static void after_send(Upload *upload, Call *call)
{
    _cleanup_error_ Error error = {};
    RegistryReply reply = {};

    if (error_is_set(&call->error)) {
        after_failure(upload, call);
        return;
    }
    upload->failures = 0;
    upload->position = upload->sent_to;
    reply.done = upload->position;
    session_send(&upload->operation, &reply, true);
    if (upload->step == UPLOAD_FINISH)
        upload_end(upload, false, NULL);
    else if (!keep_location(upload, call, &error))
        upload_end(upload, false, &error);
    else
        send_next(upload);
}

static void after_ask(Upload *upload, Call *call)
{
    _cleanup_error_ Error error = {};
    const char *range;
    int64_t size;

    if (error_is_set(&call->error)) {
        if (call->error.kind == ERROR_UNAVAILABLE)
            upload_end(upload, false, &call->error);
        else
            begin_anew(upload, &upload->last_error);
        return;
    }
    range = call_answer(call)->range;
    if (!range || range_parse_progress(range, &size) < 0 || size > upload->size ||
        !keep_location(upload, call, &error)) {
        begin_anew(upload, &upload->last_error);
        return;
    }
    upload->position = size;
    send_next(upload);
}

static void after_look_again(Upload *upload, Call *call)
{
    if (!error_is_set(&call->error))
        upload_end(upload, false, NULL);
    else if (call->exchange && call_answer(call)->status == 404)
        upload_step(upload, UPLOAD_ASK);
    else
        upload_end(upload, false, &call->error);
}

static void on_end(Call *call)
{
    Upload *upload = call->options.data;
    static void (*const after[])(Upload *, Call *) = {
        [UPLOAD_LOOK] = after_look,     [UPLOAD_BEGIN] = after_begin,
        [UPLOAD_SEND] = after_send,     [UPLOAD_FINISH] = after_send,
        [UPLOAD_ASK] = after_ask,       [UPLOAD_LOOK_AGAIN] = after_look_again,
        [UPLOAD_CANCEL] = after_cancel,
    };

    upload->call = NULL;
    after[upload->step](upload, call);
    call_free(call);
}

static char *begin_path(const Upload *upload)
{
    const Session *session = upload->operation.session;
    const Endpoint *endpoint = &session->endpoints[session->n_endpoints - 1];
    _cleanup_free_ char *from =
        upload->mount_from ? endpoint_repository(endpoint, upload->mount_from) : NULL;
    _cleanup_free_ char *escaped = from ? location_escape(from) : NULL;

    return escaped ? memory_printf("blobs/uploads/?mount=%s&from=%s", upload->digest.text, escaped)
                   : memory_strdup("blobs/uploads/");
}

static char *finish_url(const Upload *upload)
{
    return memory_printf("%s%sdigest=%s", upload->location,
                         strchr(upload->location, '?') ? "&" : "?", upload->digest.text);
}

static void set_chunk(Upload *upload, CallOptions *options)
{
    int64_t left = upload->size - upload->position;

    options->has_body = true;
    options->body_fd = upload->file_fd;
    options->body_offset = upload->position;
    options->body_size = upload->step == UPLOAD_SEND && left > upload->chunk ? upload->chunk : left;
    upload->sent_to = upload->position + options->body_size;
    options->sends_once = true;
    free(upload->content_range);
    upload->content_range =
        memory_printf("Content-Range: %lld-%lld", (long long)upload->position,
                      (long long)(upload->sent_to > 0 ? upload->sent_to - 1 : 0));
    upload->headers[0] = "Content-Type: application/octet-stream";
    /* A last part that is all there is has no range. */
    upload->headers[1] =
        upload->position > 0 || upload->step == UPLOAD_SEND ? upload->content_range : NULL;
    options->headers = upload->headers;
}

static void upload_step(Upload *upload, UploadStep step)
{
    _cleanup_free_ char *what = memory_printf("blob '%s'", upload->digest.text);
    _cleanup_free_ char *path = NULL, *url = NULL;
    Session *session = upload->operation.session;
    CallOptions options = {
        .access = CALL_PUSH,
        .mount_from = upload->mount_from,
        .what = what,
        .endpoint = &session->endpoints[session->n_endpoints - 1],
        .answer_limit = ANSWER_MAX,
        .on_end = on_end,
        .data = upload,
    };
    static const char *const methods[] = {
        [UPLOAD_LOOK] = "HEAD",     [UPLOAD_BEGIN] = "POST", [UPLOAD_SEND] = "PATCH",
        [UPLOAD_FINISH] = "PUT",    [UPLOAD_ASK] = "GET",    [UPLOAD_LOOK_AGAIN] = "HEAD",
        [UPLOAD_CANCEL] = "DELETE",
    };

    upload->step = step;
    options.method = methods[step];
    if (step == UPLOAD_LOOK || step == UPLOAD_LOOK_AGAIN)
        path = memory_printf("blobs/%s", upload->digest.text);
    else if (step == UPLOAD_BEGIN)
        path = begin_path(upload);
    else
        url = step == UPLOAD_FINISH ? finish_url(upload) : memory_strdup(upload->location);
    if (step == UPLOAD_BEGIN)
        options.has_body = true; /* of no bytes: some want a length */
    if (step == UPLOAD_SEND || step == UPLOAD_FINISH)
        set_chunk(upload, &options);
    options.path = path;
    options.url = url;
    upload->call = call_start(session, &options);
}

int operation_start_upload(Session *session, const RegistryRequest *request, int fd,
                           Operation **ret, Error *err)
{
    _cleanup_close_ int owned = fd;
    Upload *upload;
    Digest digest;

    if ((owned < 0 && !request->mount_from) || request->size < 0 ||
        !session->opening.repository.path || !request->digest ||
        digest_parse(request->digest, &digest) < 0)
        return error_set(err, ERROR_INVALID, "request makes no sense");
    upload = NEW(Upload);
    *upload = (Upload) {
        .operation = { .class = &upload_class, .session = session },
        .digest = digest,
        .size = request->size,
        .file_fd = TAKE_FD(owned),
        .mount_from = memory_strdup(request->mount_from),
        .chunk = CHUNK,
    };
    upload_step(upload, UPLOAD_LOOK);
    *ret = &upload->operation;
    return 0;
}
