/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A response of HTTP/1.1 (RFC 9112), read strictly: what two readers could take for different
 * things is refused. Its body has a length, is chunked, or ends with the connection.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

#define HTTP_HEAD_MAX (16 * 1024)
#define HTTP_BODY_MAX (1024 * 1024)
/* Of what is on the wire: chunks may be small. */
#define HTTP_RESPONSE_MAX (HTTP_HEAD_MAX + 2 * HTTP_BODY_MAX)

typedef struct HttpResponse {
    int status; /* 200 to 599 */
    char *body; /* NUL-terminated beyond its length */
    size_t body_size;
} HttpResponse;

void http_response_done(HttpResponse *response);
#define _cleanup_http_response_ _cleanup_(http_response_done)

/*
 * Read the @size bytes at @data, all that has come so far; @at_end: no more will. Returns 1 with
 * the response, 0 when it is not complete yet, -EBADMSG (it is none, or was cut short) or -EFBIG.
 */
int http_response_parse(const char *data, size_t size, bool at_end, HttpResponse *ret);
