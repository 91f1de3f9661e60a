/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* URLs that registries send: where they lead, and whether that is somewhere to go. */

#include <stdbool.h>

#include "base/error.h"

/* Who is spoken to: the scheme, the host in lower case and the port. */
typedef struct Origin {
    char *scheme;
    char *host;
    char *port;
} Origin;

void origin_done(Origin *origin);
#define _cleanup_origin_ _cleanup_(origin_done)

/* Of an http or https URL without a user in it. Returns 0 or -EINVAL. */
int origin_parse(const char *url, Origin *ret);
bool origin_equal(const char *url, const char *other_url);

/* Whether only processes of this machine are there. */
bool origin_is_loopback(const Origin *origin);

/*
 * Where @location, of an answer from @url, leads; the caller frees it. Refused (INVALID): other
 * schemes than http and https, http after https, and users in URLs.
 */
int location_resolve(const char *url, const char *location, char **ret, Error *err);

/* The target of the link with rel="next" of a Link header; NULL: none. The caller frees it. */
char *link_next(const char *header);

/* As a part of a query or a path: all but unreserved characters escaped. */
char *location_escape(const char *text);
