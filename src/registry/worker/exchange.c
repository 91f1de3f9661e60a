/* SPDX-License-Identifier: Apache-2.0 */

/* The one place that sets options of libcurl. */

#include "registry/worker/exchange.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/parse.h"
#include "cay-config.h"

#define BUFFER_SIZE 262144L
#define CONNECT_TIMEOUT 30L
#define SILENCE_TIMEOUT 60L /* without a byte in either direction */
#define HEADERS_MAX ((size_t)64 * 1024)
#define CHALLENGES_MAX 16

struct Exchange {
    CURLM *multi;
    CURL *easy;
    struct curl_slist *headers;
    char *authorization; /* one of the headers, to be wiped */
    ExchangeHandlers handlers;
    ExchangeAnswer answer;
    size_t headers_size;
    const char *body;
    int body_fd;
    int64_t body_offset;
    int64_t body_size;
    int64_t body_sent;
    bool sends_once;
};

static const struct {
    const char *name;
    size_t offset;
} answer_headers[] = {
    { "location", offsetof(ExchangeAnswer, location) },
    { "content-type", offsetof(ExchangeAnswer, content_type) },
    { "docker-content-digest", offsetof(ExchangeAnswer, content_digest) },
    { "content-range", offsetof(ExchangeAnswer, content_range) },
    { "range", offsetof(ExchangeAnswer, range) },
    { "link", offsetof(ExchangeAnswer, link) },
    { "retry-after", offsetof(ExchangeAnswer, retry_after) },
    { "oci-chunk-min-length", offsetof(ExchangeAnswer, chunk_min_length) },
    { "oci-filters-applied", offsetof(ExchangeAnswer, filters_applied) },
};

static void answer_reset(ExchangeAnswer *answer)
{
    for (size_t i = 0; i < ARRAY_SIZE(answer_headers); i++) {
        char **member = (char **)((char *)answer + answer_headers[i].offset);

        free(*member);
        *member = NULL;
    }
    string_list_done(&answer->challenges);
    answer->status = 0;
    answer->length = -1;
}

/* One header "Name: value\r\n"; the first of a name counts. */
static void answer_read_header(ExchangeAnswer *answer, const char *line, size_t size)
{
    const char *colon = memchr(line, ':', size);
    _cleanup_free_ char *name = NULL, *value = NULL;
    const char *start, *end = line + size;

    if (!colon)
        return;
    for (start = colon + 1; start < end && (*start == ' ' || *start == '\t'); start++)
        ;
    while (end > start && strchr("\r\n \t", end[-1]))
        end--;
    name = memory_strndup(line, (size_t)(colon - line));
    value = memory_strndup(start, (size_t)(end - start));

    if (strcasecmp(name, "www-authenticate") == 0) {
        if (answer->challenges.count < CHALLENGES_MAX)
            string_list_add(&answer->challenges, value);
    } else if (strcasecmp(name, "content-length") == 0) {
        if (parse_i64(value, &answer->length) < 0 || answer->length < 0)
            answer->length = -1;
    }
    for (size_t i = 0; i < ARRAY_SIZE(answer_headers); i++) {
        char **member = (char **)((char *)answer + answer_headers[i].offset);

        if (strcasecmp(name, answer_headers[i].name) == 0 && !*member)
            *member = TAKE_PTR(value);
    }
}

static size_t on_header(char *line, size_t one, size_t size, void *data)
{
    Exchange *exchange = data;

    (void)one;
    exchange->headers_size += size;
    if (exchange->headers_size > HEADERS_MAX)
        return 0;
    if (size > 5 && strncmp(line, "HTTP/", 5) == 0) /* after a "100 Continue" comes another one */
        answer_reset(&exchange->answer);
    else
        answer_read_header(&exchange->answer, line, size);
    return size;
}

static size_t on_data(char *bytes, size_t one, size_t size, void *data)
{
    Exchange *exchange = data;
    long status = 0;

    (void)one;
    (void)curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
    exchange->answer.status = (int)status;
    return exchange->handlers.on_data(exchange->handlers.data, bytes, size) < 0
               ? CURL_WRITEFUNC_ERROR
               : size;
}

static size_t on_body(char *buffer, size_t one, size_t size, void *data)
{
    Exchange *exchange = data;
    int64_t left = exchange->body_size - exchange->body_sent;
    ssize_t n;

    (void)one;
    if ((int64_t)size > left)
        size = (size_t)left;
    if (size == 0)
        return 0;
    if (exchange->body) {
        memcpy(buffer, exchange->body + exchange->body_sent, size);
        n = (ssize_t)size;
    } else {
        n = pread(exchange->body_fd, buffer, size, exchange->body_offset + exchange->body_sent);
    }
    if (n <= 0) /* also when the file has become shorter */
        return CURL_READFUNC_ABORT;
    exchange->body_sent += n;
    return (size_t)n;
}

/* libcurl itself begins anew when a connection that was kept turns out to be closed. */
static int on_seek(void *data, curl_off_t offset, int origin)
{
    Exchange *exchange = data;

    if (exchange->sends_once || origin != SEEK_SET || offset < 0 || offset > exchange->body_size)
        return CURL_SEEKFUNC_FAIL;
    exchange->body_sent = offset;
    return CURL_SEEKFUNC_OK;
}

static void set_headers(Exchange *exchange, const ExchangeRequest *request)
{
    struct curl_slist *headers = NULL;

    for (size_t i = 0; request->headers && i < request->headers->count; i++)
        headers = curl_slist_append(headers, request->headers->items[i]);
    headers = curl_slist_append(headers, "Expect:"); /* which is a second of waiting at many */
    if (request->authorization) {
        struct curl_slist *last;
        _cleanup_free_ char *line = memory_printf("Authorization: %s", request->authorization);

        headers = curl_slist_append(headers, line);
        explicit_bzero(line, strlen(line));
        for (last = headers; last->next; last = last->next)
            ;
        exchange->authorization = last->data;
    }
    exchange->headers = headers;
    (void)curl_easy_setopt(exchange->easy, CURLOPT_HTTPHEADER, headers);
}

static void set_blob(CURL *easy, CURLoption option, const char *pem)
{
    struct curl_blob blob = { (void *)pem, pem ? strlen(pem) : 0, CURL_BLOB_NOCOPY };

    if (pem)
        (void)curl_easy_setopt(easy, option, &blob);
}

static void set_tls(CURL *easy, const ExchangeTls *tls)
{
    (void)curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, tls->skip_verify ? 0L : 1L);
    (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, tls->skip_verify ? 0L : 2L);
    if (tls->ca_directory) { /* of which only what is needed is read, not hundreds */
        (void)curl_easy_setopt(easy, CURLOPT_CAPATH, tls->ca_directory);
        (void)curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
    }
    set_blob(easy, CURLOPT_CAINFO_BLOB, tls->ca);
    set_blob(easy, CURLOPT_SSLCERT_BLOB, tls->certificate);
    set_blob(easy, CURLOPT_SSLKEY_BLOB, tls->key);
}

static void set_method(Exchange *exchange, const ExchangeRequest *request)
{
    CURL *easy = exchange->easy;

    if (strcmp(request->method, "HEAD") == 0)
        (void)curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    else if (request->has_body) {
        (void)curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
        (void)curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)request->body_size);
        (void)curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_body);
        (void)curl_easy_setopt(easy, CURLOPT_READDATA, exchange);
        (void)curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek);
        (void)curl_easy_setopt(easy, CURLOPT_SEEKDATA, exchange);
        (void)curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, BUFFER_SIZE);
        (void)curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
    } else {
        (void)curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
    }
}

static void set_options(Exchange *exchange, const ExchangeRequest *request)
{
    CURL *easy = exchange->easy;

    (void)curl_easy_setopt(easy, CURLOPT_PRIVATE, exchange);
    (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange->answer.reason);
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L);
    (void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    (void)curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_USERAGENT, "cay/" CAY_VERSION);
    (void)curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, BUFFER_SIZE);
    (void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT);
    (void)curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, SILENCE_TIMEOUT);
    (void)curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_PROXY, request->proxy ? request->proxy : "");
    if (request->no_proxy)
        (void)curl_easy_setopt(easy, CURLOPT_NOPROXY, request->no_proxy);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, exchange);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_data);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
    set_tls(easy, &request->tls);
    set_method(exchange, request);
    set_headers(exchange, request);
}

int exchange_start(CURLM *multi, const ExchangeRequest *request, const ExchangeHandlers *handlers,
                   Exchange **ret, Error *err)
{
    _cleanup_(exchange_freep) Exchange *exchange = NEW(Exchange);

    exchange->handlers = *handlers;
    exchange->answer.length = -1;
    exchange->body = request->body;
    exchange->body_fd = request->body_fd;
    exchange->body_offset = request->body_offset;
    exchange->body_size = request->body_size;
    exchange->sends_once = request->sends_once;
    exchange->easy = curl_easy_init();
    if (!exchange->easy)
        return error_set(err, ERROR_EXHAUSTED, "prepare a request: out of memory");
    set_options(exchange, request);
    if (curl_easy_setopt(exchange->easy, CURLOPT_URL, request->url) != CURLE_OK ||
        curl_multi_add_handle(multi, exchange->easy) != CURLM_OK)
        return error_set(err, ERROR_EXHAUSTED, "prepare a request: out of memory");
    exchange->multi = multi;
    *ret = TAKE_PTR(exchange);
    return 0;
}

const ExchangeAnswer *exchange_answer(const Exchange *exchange)
{
    return &exchange->answer;
}

void exchange_free(Exchange *exchange)
{
    if (exchange->multi)
        (void)curl_multi_remove_handle(exchange->multi, exchange->easy);
    if (exchange->easy)
        curl_easy_cleanup(exchange->easy);
    if (exchange->authorization)
        explicit_bzero(exchange->authorization, strlen(exchange->authorization));
    curl_slist_free_all(exchange->headers);
    answer_reset(&exchange->answer);
    free(exchange);
}

void exchange_collect(CURLM *multi)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(multi, &left))) {
        Exchange *exchange;
        long status = 0;

        if (message->msg != CURLMSG_DONE)
            continue;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&exchange);
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_RESPONSE_CODE, &status);
        exchange->answer.code = message->data.result;
        exchange->answer.status = (int)status;
        (void)curl_multi_remove_handle(multi, exchange->easy);
        exchange->multi = NULL;
        exchange->handlers.on_end(exchange->handlers.data);
    }
}
