/* SPDX-License-Identifier: Apache-2.0 */

/* Parsing is libcurl's, so that what is checked is what is connected to. */

#include "registry/worker/locations.h"

#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/string-buffer.h"

static void url_cleanup(CURLU **url)
{
    curl_url_cleanup(*url);
}
#define _cleanup_url_ _cleanup_(url_cleanup)

void origin_done(Origin *origin)
{
    free(origin->scheme);
    free(origin->host);
    free(origin->port);
    *origin = (Origin) {};
}

/* A part of the URL in memory of ours, lower case; NULL where there is none. */
static char *get_part(CURLU *url, CURLUPart part, unsigned flags)
{
    char *text = NULL, *copy;

    if (curl_url_get(url, part, &text, flags) != CURLUE_OK)
        return NULL;
    copy = memory_strdup(text);
    curl_free(text);
    for (char *c = copy; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return copy;
}

static int read_origin(CURLU *url, Origin *ret)
{
    _cleanup_free_ char *user = get_part(url, CURLUPART_USER, 0);
    _cleanup_origin_ Origin origin = {
        .scheme = get_part(url, CURLUPART_SCHEME, 0),
        .host = get_part(url, CURLUPART_HOST, 0),
        .port = get_part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT),
    };

    if (user || !origin.scheme || !origin.host || !origin.port ||
        (strcmp(origin.scheme, "http") != 0 && strcmp(origin.scheme, "https") != 0))
        return -EINVAL;
    *ret = origin;
    origin = (Origin) {};
    return 0;
}

int origin_parse(const char *text, Origin *ret)
{
    _cleanup_url_ CURLU *url = curl_url();

    if (!url || curl_url_set(url, CURLUPART_URL, text, 0) != CURLUE_OK)
        return -EINVAL;
    return read_origin(url, ret);
}

bool origin_equal(const char *url, const char *other_url)
{
    _cleanup_origin_ Origin a = {}, b = {};

    return origin_parse(url, &a) == 0 && origin_parse(other_url, &b) == 0 &&
           strcmp(a.scheme, b.scheme) == 0 && strcmp(a.host, b.host) == 0 &&
           strcmp(a.port, b.port) == 0;
}

bool origin_is_loopback(const Origin *origin)
{
    /* Not a name that begins with "127.": digits and dots only. */
    return strcmp(origin->host, "localhost") == 0 || strcmp(origin->host, "[::1]") == 0 ||
           (strncmp(origin->host, "127.", 4) == 0 &&
            strspn(origin->host, "0123456789.") == strlen(origin->host));
}

int location_resolve(const char *from, const char *location, char **ret, Error *err)
{
    _cleanup_url_ CURLU *url = curl_url();
    _cleanup_origin_ Origin before = {}, after = {};
    char *text = NULL;

    if (!url || curl_url_set(url, CURLUPART_URL, from, 0) != CURLUE_OK ||
        read_origin(url, &before) < 0)
        return error_set(err, ERROR_INVALID, "URL makes no sense");
    if (curl_url_set(url, CURLUPART_URL, location, 0) != CURLUE_OK || read_origin(url, &after) < 0)
        return error_set(err, ERROR_INVALID, "leads to a URL that nobody should follow");
    if (strcmp(before.scheme, "https") == 0 && strcmp(after.scheme, "https") != 0)
        return error_set(err, ERROR_INVALID, "leads from https to '%s' without TLS", after.host);
    (void)curl_url_set(url, CURLUPART_FRAGMENT, NULL, 0);
    if (curl_url_get(url, CURLUPART_URL, &text, 0) != CURLUE_OK)
        return error_set(err, ERROR_INVALID, "URL makes no sense");
    *ret = memory_strdup(text);
    curl_free(text);
    return 0;
}

/* Is one of the parameters up to the next link rel="next"? */
static bool is_next(const char *parameters, size_t length)
{
    _cleanup_free_ char *text = memory_strndup(parameters, length);

    return strcasestr(text, "rel=\"next\"") || strcasestr(text, "rel=next");
}

char *link_next(const char *header)
{
    for (const char *start = strchr(header, '<'); start; start = strchr(start, '<')) {
        const char *end = strchr(start, '>');
        const char *next = end ? strchr(end, '<') : NULL;

        if (!end)
            return NULL;
        if (is_next(end, next ? (size_t)(next - end) : strlen(end)))
            return memory_strndup(start + 1, (size_t)(end - start - 1));
        start = end;
    }
    return NULL;
}

char *location_escape(const char *text)
{
    _cleanup_string_buffer_ StringBuffer escaped = {};

    for (; *text; text++) {
        if (isalnum((unsigned char)*text) || strchr("-._~", *text))
            string_buffer_add_char(&escaped, *text);
        else
            string_buffer_printf(&escaped, "%%%02X", (unsigned char)*text);
    }
    return string_buffer_take(&escaped);
}
