/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One request over a connection of its own: enough for programs that answer on a unix socket. */

#include <stdint.h>

#include "base/error.h"
#include "base/http-response.h"

typedef struct HttpRequest {
    const char *path;         /* "/Plugin.Activate" */
    const char *host;         /* what the Host header says */
    const char *content_type; /* of the body, and of the answer that is wanted */
    const char *body;         /* "": none */
} HttpRequest;

/*
 * POST @request to who listens at the stream socket @socket_path, and wait for the whole answer,
 * @timeout nanoseconds for all of it together.
 * Errors: NOT_FOUND (no such socket), UNAVAILABLE (nobody listens, no answer in time, or one that
 * is none), SYSTEM. A status that tells of an error is an answer like any other.
 */
int http_post(const char *socket_path, const HttpRequest *request, int64_t timeout,
              HttpResponse *ret, Error *err);
