/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One HTTP request and its answer, as libcurl makes it: no redirect is followed, nothing is tried
 * twice, and no credentials are there but those in the headers.
 */

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/string-list.h"

/* Whom to trust and who we are. All may be NULL, and outlive the exchange. */
typedef struct ExchangeTls {
    const char *ca_directory; /* hashed, as OpenSSL wants it */
    const char *ca;           /* PEM, in addition */
    bool skip_verify;
    const char *certificate; /* PEM, with key */
    const char *key;
} ExchangeTls;

typedef struct ExchangeRequest {
    const char *method;
    const char *url;
    const StringList *headers; /* "Name: value" */
    const char *authorization; /* NULL: none */
    ExchangeTls tls;
    const char *proxy; /* NULL: none */
    const char *no_proxy;
    bool has_body;
    bool sends_once;  /* fails rather than to send a body again that it has sent a part of */
    const void *body; /* outlives the exchange; NULL: from body_fd */
    int body_fd;
    int64_t body_offset;
    int64_t body_size;
} ExchangeRequest;

typedef struct ExchangeAnswer {
    CURLcode code;
    char reason[CURL_ERROR_SIZE]; /* with a code: libcurl's words */
    int status;
    StringList challenges;
    char *location;
    char *content_type;
    char *content_digest; /* Docker-Content-Digest */
    char *content_range;
    char *range;
    char *link;
    char *retry_after;
    char *chunk_min_length; /* OCI-Chunk-Min-Length */
    char *filters_applied;  /* OCI-Filters-Applied */
    int64_t length;         /* Content-Length; -1: not said */
} ExchangeAnswer;

typedef struct Exchange Exchange;

/* Take bytes of the answer's body, as they come. A negative result ends the exchange. */
typedef int (*ExchangeDataHandler)(void *data, const void *bytes, size_t size);
typedef void (*ExchangeEndHandler)(void *data);

typedef struct ExchangeHandlers {
    ExchangeDataHandler on_data;
    ExchangeEndHandler on_end; /* may free the exchange */
    void *data;
} ExchangeHandlers;

/* Begin. It takes its course in curl_multi_perform(). */
int exchange_start(CURLM *multi, const ExchangeRequest *request, const ExchangeHandlers *handlers,
                   Exchange **ret, Error *err);
const ExchangeAnswer *exchange_answer(const Exchange *exchange);
void exchange_free(Exchange *exchange);
DEFINE_CLEANUP(Exchange *, exchange_free);

/* Tell those that are over of it. */
void exchange_collect(CURLM *multi);
