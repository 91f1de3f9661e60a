/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A call is a small state machine: what an exchange ended with decides whether the call is over, is
 * sent again at once (redirect, credentials, without TLS), later, or to the next endpoint.
 */

#include "registry/worker/call.h"

#include <stdarg.h>
#include <string.h>

#include "base/memory.h"
#include "base/time-format.h"
#include "registry/worker/failures.h"
#include "registry/worker/locations.h"
#include "registry/worker/retry.h"

#define REDIRECTS_MAX 10
#define CHALLENGES_MAX 2
#define MIRROR_ATTEMPTS 2
#define ERROR_BODY_MAX ((size_t)64 * 1024)

typedef enum Verdict {
    CALL_OVER,
    CALL_AGAIN,
    CALL_LATER,
} Verdict;

static void call_send(Call *call);

static void wipe_free(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
}

const ExchangeAnswer *call_answer(const Call *call)
{
    return exchange_answer(call->exchange);
}

int call_fail(Call *call, ErrorKind kind, const char *format, ...)
{
    _cleanup_free_ char *text = NULL;
    va_list arguments;

    va_start(arguments, format);
    text = memory_vprintf(format, arguments);
    va_end(arguments);
    return error_set(&call->error, kind, "%s at '%s': %s", call->what,
                     endpoint_host(call->endpoint), text);
}

void call_progressed(Call *call)
{
    call->attempts = 0;
}

static bool is_pinned(const Call *call)
{
    return call->options.url || call->options.endpoint || call->options.access != CALL_PULL;
}

static Endpoint *first_endpoint(const Call *call)
{
    Session *session = call->session;

    if (call->options.endpoint)
        return call->options.endpoint;
    if (!is_pinned(call))
        for (size_t i = 0; i < session->n_endpoints; i++)
            if (!session->endpoints[i].is_useless)
                return &session->endpoints[i];
    return &session->endpoints[session->n_endpoints - 1];
}

static Endpoint *next_endpoint(const Call *call)
{
    Endpoint *endpoint = call->endpoint,
             *end = call->session->endpoints + call->session->n_endpoints;

    if (is_pinned(call))
        return NULL;
    for (endpoint++; endpoint < end; endpoint++)
        if (!endpoint->is_useless)
            return endpoint;
    return NULL;
}

static char *make_scope(const Call *call)
{
    const char *path = call->session->opening.repository.path;
    _cleanup_free_ char *repository = path ? endpoint_repository(call->endpoint, path) : NULL;
    _cleanup_free_ char *other =
        call->mount_from ? endpoint_repository(call->endpoint, call->mount_from) : NULL;

    if (call->options.access == CALL_CATALOG)
        return memory_strdup("registry:catalog:*");
    if (!repository || call->options.is_global || call->options.access > CALL_PUSH)
        return memory_strdup("");
    return memory_printf("repository:%s:pull%s%s%s%s", repository,
                         call->options.access == CALL_PUSH ? ",push" : "",
                         other ? " repository:" : "", other ? other : "", other ? ":pull" : "");
}

static char *make_url(const Call *call)
{
    _cleanup_free_ char *base = endpoint_base_url(call->endpoint);
    _cleanup_free_ char *repository = NULL;

    if (call->start_url)
        return memory_strdup(call->start_url);
    if (call->options.is_global)
        return memory_printf("%s%s", base, call->path);
    repository = endpoint_repository(call->endpoint, call->session->opening.repository.path);
    return memory_printf("%sv2/%s/%s", base, repository, call->path);
}

/* Begin anew at @endpoint. */
static void call_aim(Call *call, Endpoint *endpoint)
{
    call->endpoint = endpoint;
    call->redirects = 0;
    free(call->url);
    call->url = make_url(call);
    free(call->scope);
    call->scope = make_scope(call);
}

Call *call_start(Session *session, const CallOptions *options)
{
    Call *call = NEW(Call);

    *call = (Call) {
        .session = session,
        .next = session->calls,
        .options = *options,
        .path = memory_strdup(options->path),
        .start_url = memory_strdup(options->url),
        .start_authorization = memory_strdup(options->authorization),
        .what = memory_strdup(options->what),
        .mount_from = memory_strdup(options->mount_from),
        .resume_at = time_monotonic(), /* from the loop, so that nothing ends inside of this */
    };
    for (size_t i = 0; options->headers && options->headers[i]; i++)
        string_list_add(&call->headers, options->headers[i]);
    call_aim(call, first_endpoint(call));
    session->calls = call;
    return call;
}

static void drop_body(Call *call)
{
    free(TAKE_PTR(call->body));
    call->body_size = call->body_capacity = 0;
}

void call_free(Call *call)
{
    Call **link = &call->session->calls;

    while (*link != call)
        link = &(*link)->next;
    *link = call->next;
    if (call->exchange)
        exchange_free(call->exchange);
    free(call->path);
    wipe_free(call->start_url);
    wipe_free(call->start_authorization);
    free(call->what);
    free(call->mount_from);
    string_list_done(&call->headers);
    free(call->url);
    free(call->scope);
    drop_body(call);
    error_done(&call->error);
    free(call);
}

static int collect(Call *call, const void *bytes, size_t size, size_t limit)
{
    if (size > limit - call->body_size)
        return -1;
    call->body = memory_grow(call->body, &call->body_capacity, call->body_size + size + 1, 1);
    memcpy(call->body + call->body_size, bytes, size);
    call->body_size += size;
    call->body[call->body_size] = '\0';
    return 0;
}

static int on_data(void *data, const void *bytes, size_t size)
{
    Call *call = data;
    int status = call_answer(call)->status;

    if (status < 200 || status > 299) {
        size_t room = ERROR_BODY_MAX - call->body_size;

        return collect(call, bytes, size < room ? size : room, ERROR_BODY_MAX);
    }
    if (call->options.on_data)
        return call->options.on_data(call, bytes, size);
    if (collect(call, bytes, size, call->options.answer_limit) < 0)
        return call_fail(call, ERROR_EXHAUSTED, "the answer is longer than %zu bytes",
                         call->options.answer_limit);
    return 0;
}

/* libcurl's words for a server that speaks no TLS at all; a certificate that is not trusted has a
 * code of its own. */
static bool lacks_tls(const Call *call)
{
    CURLcode code = call_answer(call)->code;
    bool has_port = strchr(endpoint_host(call->endpoint), ':') != NULL;

    return (code == CURLE_SSL_CONNECT_ERROR && !strstr(call_answer(call)->reason, "alert")) ||
           (code == CURLE_COULDNT_CONNECT && !has_port);
}

/* What may work the next time. Who never answered is not waited for: the name may be wrong. */
static bool may_pass(const Call *call)
{
    _cleanup_free_ char *base = endpoint_base_url(call->endpoint);

    /* The other end of TLS does not want us: without a certificate, say. */
    if (strstr(call_answer(call)->reason, "alert"))
        return false;
    switch (call_answer(call)->code) {
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_SSL_CONNECT_ERROR:
        return call->endpoint->was_reached &&
               (call->redirects > 0 || origin_equal(call->url, base));
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_PARTIAL_FILE:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_OPERATION_TIMEDOUT:
        return true;
    default:
        return false;
    }
}

/* Schedule another attempt if there is one left. */
static Verdict try_later(Call *call, int64_t wait)
{
    unsigned limit = call->endpoint->settings->is_mirror ? MIRROR_ATTEMPTS : RETRY_ATTEMPTS;

    call->attempts++;
    if (call->options.sends_once || call->attempts >= limit)
        return CALL_OVER;
    if (wait <= 0)
        wait = retry_wait(call->attempts);
    call->resume_at = time_monotonic() + wait;
    return CALL_LATER;
}

static Verdict judge_connection(Call *call)
{
    Endpoint *endpoint = call->endpoint;
    Verdict verdict = CALL_OVER;

    if (error_is_set(&call->error) ||
        (call->has_begun && call->options.is_complete && call->options.is_complete(call)))
        return CALL_OVER;
    /* another call may have found that out while this one was under way */
    if (endpoint->settings->try_plain_http && strncmp(call->url, "https:", 6) == 0 &&
        (endpoint->uses_plain_http || !endpoint->was_reached) && !call->start_url &&
        lacks_tls(call)) {
        endpoint->uses_plain_http = true;
        call_aim(call, endpoint);
        return CALL_AGAIN;
    }
    if (may_pass(call))
        verdict = try_later(call, 0);
    if (verdict == CALL_OVER) {
        (void)failure_of_connection(call, &call->error);
        endpoint->is_useless = endpoint->settings->is_mirror;
    }
    return verdict;
}

static Verdict judge_redirect(Call *call)
{
    const ExchangeAnswer *answer = call_answer(call);
    _cleanup_error_ Error error = {};
    char *url = NULL;

    if (call->redirects++ >= REDIRECTS_MAX) {
        (void)call_fail(call, ERROR_INVALID, "it is redirected more than %d times", REDIRECTS_MAX);
        return CALL_OVER;
    }
    if (location_resolve(call->url, answer->location, &url, &error) < 0) {
        (void)call_fail(call, ERROR_INVALID, "the redirect %s", error_message(&error));
        return CALL_OVER;
    }
    if (call->options.is_secret && !origin_equal(call->url, url)) {
        free(url);
        (void)call_fail(call, ERROR_INVALID, "the redirect leads credentials to another host");
        return CALL_OVER;
    }
    free(call->url);
    call->url = url;
    return CALL_AGAIN;
}

/* 401: is there something to say that has not been said yet? */
static Verdict judge_challenge(Call *call)
{
    _cleanup_free_ char *base = endpoint_base_url(call->endpoint);

    if (call->options.access != CALL_ANONYMOUS && origin_equal(call->url, base) &&
        call->challenges++ < CHALLENGES_MAX &&
        endpoint_challenged(call->endpoint, &call_answer(call)->challenges, call->was_authorized,
                            call->token, call->token_serial))
        return CALL_AGAIN;
    (void)failure_of_answer(call, &call->error);
    return CALL_OVER;
}

/* 429 and 5xx: later, when the registry says if it does. */
static Verdict judge_overload(Call *call)
{
    const char *after = call_answer(call)->retry_after;
    int64_t wait = 0;
    Verdict verdict = CALL_OVER;

    if (!after || retry_parse_after(after, time_now(), &wait) < 0)
        wait = 0;
    if (wait <= RETRY_AFTER_MAX)
        verdict = try_later(call, wait);
    if (verdict == CALL_OVER)
        (void)failure_of_answer(call, &call->error);
    return verdict;
}

static bool has_status(const Call *call, const int *statuses)
{
    for (; *statuses; statuses++)
        if (call_answer(call)->status == *statuses)
            return true;
    return false;
}

static const int redirects[] = { 301, 302, 303, 307, 308, 0 };
static const int strict_redirects[] = { 307, 308, 0 }; /* which keep method and body */
static const int overloads[] = { 408, 429, 500, 502, 503, 504, 0 };

static Verdict judge_answer(Call *call)
{
    int status = call_answer(call)->status;
    bool only_reads =
        strcmp(call->options.method, "GET") == 0 || strcmp(call->options.method, "HEAD") == 0;

    call->endpoint->was_reached = true;
    if (call_answer(call)->location && has_status(call, only_reads ? redirects : strict_redirects))
        return judge_redirect(call);
    if (status == 401)
        return judge_challenge(call);
    if (has_status(call, overloads))
        return judge_overload(call);
    if (status < 200 || status > 299)
        (void)failure_of_answer(call, &call->error);
    else if (call->endpoint->settings->is_mirror && call->options.is_acceptable &&
             !call->options.is_acceptable(call))
        (void)call_fail(call, ERROR_CORRUPT, "it is another one");
    return CALL_OVER;
}

/* What comes of a verdict. The call may be gone afterwards. */
static void settle(Call *call, Verdict verdict)
{
    Endpoint *next = next_endpoint(call);

    if (verdict == CALL_OVER && error_is_set(&call->error) && next &&
        (!call->has_begun || call->error.kind == ERROR_UNAVAILABLE)) {
        error_done(&call->error);
        call->attempts = call->challenges = 0;
        call_aim(call, next);
        verdict = CALL_AGAIN;
    }
    if (verdict == CALL_LATER)
        call_aim(call, call->endpoint); /* where a redirect led may be what does not work */
    if (verdict == CALL_AGAIN)
        call->resume_at = time_monotonic();
    if (verdict != CALL_OVER)
        return;
    call->session->n_over++;
    call->options.on_end(call);
}

static void on_exchange_end(void *data)
{
    Call *call = data;

    settle(call, call_answer(call)->code != CURLE_OK ? judge_connection(call) : judge_answer(call));
}

/* The value of the Authorization header, which goes to its own origin and nowhere else. Returns 0
 * when it has to be waited for. */
static int find_authorization(Call *call, char **ret, Error *err)
{
    _cleanup_free_ char *base = endpoint_base_url(call->endpoint);
    int r;

    *ret = NULL;
    call->token = NULL;
    if (call->start_authorization && origin_equal(call->url, call->start_url))
        *ret = memory_strdup(call->start_authorization);
    if (call->options.access == CALL_ANONYMOUS || !origin_equal(call->url, base))
        return 1;
    r = endpoint_authorize(call->endpoint, call->scope, ret, &call->token, err);
    if (r > 0 && call->token)
        call->token_serial = call->token->serial;
    return r;
}

static int send_to(Call *call, const char *authorization, Error *err)
{
    _cleanup_string_list_ StringList headers = {};
    ExchangeHandlers handlers = { on_data, on_exchange_end, call };
    ExchangeRequest request = {
        .method = call->options.method,
        .url = call->url,
        .headers = &headers,
        .authorization = authorization,
        .tls = endpoint_tls(call->endpoint, call->url),
        .proxy = session_proxy(call->session, call->url),
        .no_proxy = call->session->opening.no_proxy,
        .has_body = call->options.has_body,
        .sends_once = call->options.sends_once,
        .body = call->options.body,
        .body_fd = call->options.body_fd,
        .body_offset = call->options.body_offset,
        .body_size = call->options.body_size,
    };

    string_list_copy(&headers, &call->headers);
    if (call->range.from < call->range.to)
        string_list_printf(&headers, "Range: bytes=%lld-%lld", (long long)call->range.from,
                           (long long)call->range.to - 1);
    return exchange_start(call->session->multi, &request, &handlers, &call->exchange, err);
}

static void call_send(Call *call)
{
    char *authorization = NULL;
    int r;

    if (call->exchange)
        exchange_free(TAKE_PTR(call->exchange));
    drop_body(call);
    call->has_begun = false;
    if (call->waits_for_token && call->token->state == TOKEN_REFUSED) {
        (void)error_set(&call->error, call->token->error.kind, "%s",
                        error_message(&call->token->error));
        call->waits_for_token = false;
        settle(call, CALL_OVER);
        return;
    }
    call->waits_for_token = false;

    r = find_authorization(call, &authorization, &call->error);
    if (r == 0) {
        call->waits_for_token = true;
        return;
    }
    call->was_authorized = authorization != NULL;
    if (r > 0 && call->options.before_send)
        call->options.before_send(call);
    if (r > 0)
        r = send_to(call, authorization, &call->error);
    wipe_free(authorization);
    if (r < 0)
        settle(call, CALL_OVER);
}

void calls_wake(Session *session, const Token *token)
{
    for (Call *call = session->calls; call; call = call->next)
        if (call->waits_for_token && call->token == token)
            call->resume_at = time_monotonic();
}

static Call *find_due(Session *session, int64_t now)
{
    Call *call = session->calls;

    while (call && (call->resume_at == 0 || call->resume_at > now))
        call = call->next;
    return call;
}

int64_t calls_resume(Session *session)
{
    int64_t next = INT64_MAX;
    Call *call;

    /* Each may end others, so begin from the first again. */
    while ((call = find_due(session, time_monotonic()))) {
        call->resume_at = 0;
        call_send(call);
    }
    for (call = session->calls; call; call = call->next)
        if (call->resume_at > 0 && call->resume_at < next)
            next = call->resume_at;
    return next;
}
