/* SPDX-License-Identifier: Apache-2.0 */

/* Status codes, libcurl's codes and the registries' own errors become ours. */

#include "registry/worker/failures.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/json-fields.h"
#include "base/memory.h"
#include "base/string-buffer.h"
#include "registry/worker/locations.h"

#define QUOTE_MAX 300

typedef struct RegistryError {
    char *code;
    char *message;
} RegistryError;

typedef struct RegistryErrors {
    JSON_ARRAY_OF(RegistryError) errors;
    char *details; /* of token servers and Docker Hub */
    char *error;
    char *message;
} RegistryErrors;

static const JsonField error_fields[] = {
    JSON_FIELD(RegistryError, code, "code", JSON_TYPE_STRING),
    JSON_FIELD(RegistryError, message, "message", JSON_TYPE_STRING),
};
static const JsonStruct error_json = JSON_STRUCT(RegistryError, error_fields);

static const JsonField errors_fields[] = {
    JSON_FIELD_OF(RegistryErrors, errors, "errors", JSON_TYPE_STRUCT_ARRAY, &error_json),
    JSON_FIELD(RegistryErrors, details, "details", JSON_TYPE_STRING),
    JSON_FIELD(RegistryErrors, error, "error", JSON_TYPE_STRING),
    JSON_FIELD(RegistryErrors, message, "message", JSON_TYPE_STRING),
};
static const JsonStruct errors_json = JSON_STRUCT(RegistryErrors, errors_fields);

static void errors_done(RegistryErrors *errors)
{
    json_struct_done(&errors_json, errors);
}

static const struct {
    int status;
    ErrorKind kind;
    const char *text;
} statuses[] = {
    { 400, ERROR_INVALID, "the request was refused" },
    { 401, ERROR_DENIED, "access denied" },
    { 403, ERROR_DENIED, "access denied" },
    { 404, ERROR_NOT_FOUND, "not found" },
    { 405, ERROR_DENIED, "the registry does not allow it" },
    { 407, ERROR_UNAVAILABLE, "the proxy wants credentials" },
    { 413, ERROR_EXHAUSTED, "too large for the registry" },
    { 416, ERROR_CORRUPT, "it is shorter than its manifest says" },
    { 429, ERROR_UNAVAILABLE, "too many requests" },
};

char *failure_quote(const char *text, size_t size)
{
    _cleanup_string_buffer_ StringBuffer quoted = {};

    for (size_t i = 0; i < size && quoted.length < QUOTE_MAX; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c >= ' ' && c <= '~')
            string_buffer_add_char(&quoted, (char)c);
        else
            string_buffer_printf(&quoted, "\\x%02x", c);
    }
    if (quoted.length >= QUOTE_MAX)
        string_buffer_add(&quoted, "...");
    return string_buffer_take(&quoted);
}

/* "manifest unknown (MANIFEST_UNKNOWN)", or NULL where the answer's body says nothing, or says
 * credentials back. */
static char *registry_words(const Call *call)
{
    _cleanup_(errors_done) RegistryErrors errors = {};
    _cleanup_json_ json_t *json = NULL;
    _cleanup_string_buffer_ StringBuffer text = {};
    const char *only;

    if (!call->body || json_parse(call->body, call->body_size, &json, NULL) < 0 ||
        json_struct_read(&errors_json, json, &errors, NULL) < 0)
        return NULL;
    only = errors.details ? errors.details : errors.message ? errors.message : errors.error;
    if (errors.errors.count > 0) {
        const RegistryError *first = &errors.errors.items[0];

        string_buffer_add(&text, first->message ? first->message : "");
        if (first->code)
            string_buffer_printf(&text, "%s(%s)", text.length > 0 ? " " : "", first->code);
    } else if (only) {
        string_buffer_add(&text, only);
    }
    if (text.length == 0 || endpoint_gives_away(call->endpoint, text.data))
        return NULL;
    return failure_quote(text.data, text.length);
}

static bool is_about_repository(const Call *call)
{
    return call->session->opening.repository.path && !call->options.is_global &&
           call->options.access <= CALL_PUSH;
}

/* "manifest 'latest' of 'library/debian' at 'registry-1.docker.io'", and where that led to. */
static char *subject(const Call *call)
{
    const char *path = call->session->opening.repository.path;
    bool has_repository = is_about_repository(call);
    _cleanup_free_ char *base = endpoint_base_url(call->endpoint);
    _cleanup_origin_ Origin origin = {};
    bool is_elsewhere = !origin_equal(call->url, base) && origin_parse(call->url, &origin) == 0;
    _cleanup_free_ char *elsewhere =
        is_elsewhere ? memory_printf(" (from '%s:%s')", origin.host, origin.port) : NULL;

    return memory_printf("%s%s%s%s at '%s'%s", call->what, has_repository ? " of '" : "",
                         has_repository ? path : "", has_repository ? "'" : "",
                         endpoint_host(call->endpoint), elsewhere ? elsewhere : "");
}

static bool has_credentials(const Endpoint *endpoint)
{
    const RegistryCredentials *credentials = &endpoint->settings->credentials;

    return credentials->username || credentials->identity_token || credentials->registry_token;
}

/* Registries do not say whether there is something that they refuse. */
static const char *hint(const Call *call, ErrorKind kind)
{
    if (kind != ERROR_DENIED || !is_about_repository(call))
        return "";
    return has_credentials(call->endpoint)
               ? "; the repository does not exist, or you may not do that"
               : "; the repository does not exist, or it takes 'cay login'";
}

int failure_of_answer(const Call *call, Error *err)
{
    int status = call_answer(call)->status;
    _cleanup_free_ char *words = registry_words(call), *what = subject(call);
    _cleanup_free_ char *other = memory_printf("the answer is %d", status);
    ErrorKind kind = status >= 500 ? ERROR_UNAVAILABLE : ERROR_INVALID;
    const char *text = other;

    for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
        if (statuses[i].status == status) {
            kind = statuses[i].kind;
            text = statuses[i].text;
        }
    }
    return error_set(err, kind, "%s: %s%s%s%s", what, text, words ? ": " : "", words ? words : "",
                     hint(call, kind));
}

int failure_of_connection(const Call *call, Error *err)
{
    const ExchangeAnswer *answer = call_answer(call);
    const char *words = *answer->reason ? answer->reason : curl_easy_strerror(answer->code);
    _cleanup_free_ char *reason = failure_quote(words, strlen(words)), *what = subject(call);

    switch (answer->code) {
    case CURLE_WRITE_ERROR:
        return error_set(err, ERROR_INVALID, "%s: the answer's headers are too long", what);
    case CURLE_OUT_OF_MEMORY:
        return error_set(err, ERROR_EXHAUSTED, "%s: out of memory", what);
    case CURLE_ABORTED_BY_CALLBACK:
        return error_set(err, ERROR_INVALID, "%s: the file became shorter", what);
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
        return error_set(err, ERROR_INVALID, "%s: %s", what, reason);
    case CURLE_SSL_CONNECT_ERROR:
        if (strstr(reason, "wrong version number") || strstr(reason, "http request"))
            return error_set(err, ERROR_UNAVAILABLE,
                             "%s: it answers with HTTP without TLS, which is not allowed there",
                             what);
        break;
    default:
        break;
    }
    return error_set(err, ERROR_UNAVAILABLE, "%s: %s", what, reason);
}
