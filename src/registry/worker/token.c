/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Being let in: Basic, and the tokens of the server that a registry names (the distribution's
 * "token authentication" and its OAuth2 form). A token serves all calls of its scope until it
 * expires. The password goes to the token server that the registry names, as with Docker, but only
 * through TLS, or where the registry itself is spoken to without.
 */

#include <nettle/base64.h>
#include <string.h>

#include "base/json-fields.h"
#include "base/memory.h"
#include "base/string-buffer.h"
#include "base/time-format.h"
#include "registry/worker/call.h"
#include "registry/worker/endpoint.h"
#include "registry/worker/locations.h"

#define CLIENT_ID "cay"
#define IDENTITY_MAX 32768
#define ANSWER_MAX ((size_t)256 * 1024)
/* How long a token lives that does not say, or says less (as Docker has it), and how long before
 * its end it is not used any more; seconds. */
#define SHORTEST_LIFE 60
#define LONGEST_LIFE 86400
#define MARGIN 10

typedef struct TokenAnswer {
    char *token;
    char *access_token;
    char *refresh_token;
    int64_t expires_in;
} TokenAnswer;

static const JsonField answer_fields[] = {
    JSON_FIELD(TokenAnswer, token, "token", JSON_TYPE_STRING),
    JSON_FIELD(TokenAnswer, access_token, "access_token", JSON_TYPE_STRING),
    JSON_FIELD(TokenAnswer, refresh_token, "refresh_token", JSON_TYPE_STRING),
    JSON_FIELD(TokenAnswer, expires_in, "expires_in", JSON_TYPE_INT64),
};
static const JsonStruct answer_json = JSON_STRUCT(TokenAnswer, answer_fields);

static void wipe_free(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
}

static void token_answer_done(TokenAnswer *answer)
{
    wipe_free(TAKE_PTR(answer->token));
    wipe_free(TAKE_PTR(answer->access_token));
    wipe_free(TAKE_PTR(answer->refresh_token));
}

static void token_free(Token *token)
{
    if (token->fetcher)
        call_free(token->fetcher);
    wipe_free(token->authorization);
    wipe_free(token->form);
    free(token->scope);
    error_done(&token->error);
    free(token);
}

void endpoint_done(Endpoint *endpoint)
{
    while (endpoint->tokens) {
        Token *token = endpoint->tokens;

        endpoint->tokens = token->next;
        token_free(token);
    }
    challenge_done(&endpoint->challenge);
    wipe_free(endpoint->identity_token);
}

char *endpoint_basic(const Endpoint *endpoint)
{
    const RegistryCredentials *credentials = &endpoint->settings->credentials;
    size_t length;
    char *pair, *value;

    if (!credentials->username || !credentials->password)
        return NULL;
    pair = memory_printf("%s:%s", credentials->username, credentials->password);
    length = strlen(pair);
    value = memory_new(1, strlen("Basic ") + BASE64_ENCODE_RAW_LENGTH(length) + 1);
    memcpy(value, "Basic ", strlen("Basic "));
    base64_encode_raw(value + strlen("Basic "), length, (const uint8_t *)pair);
    wipe_free(pair);
    return value;
}

static bool contains(const char *text, const char *secret)
{
    return secret && *secret && strstr(text, secret);
}

bool endpoint_gives_away(const Endpoint *endpoint, const char *text)
{
    const RegistryCredentials *credentials = &endpoint->settings->credentials;
    char *basic = endpoint_basic(endpoint);
    bool found = contains(text, credentials->password) ||
                 contains(text, credentials->identity_token) ||
                 contains(text, credentials->registry_token) ||
                 (basic && contains(text, basic + strlen("Basic ")));

    wipe_free(basic);
    for (const Token *token = endpoint->tokens; token && !found; token = token->next)
        found = token->authorization && contains(text, token->authorization + strlen("Bearer "));
    return found;
}

static Token *find_token(Endpoint *endpoint, const char *scope)
{
    Token *token = endpoint->tokens;

    while (token && strcmp(token->scope, scope) != 0)
        token = token->next;
    if (token)
        return token;
    token = NEW(Token);
    *token =
        (Token) { .next = endpoint->tokens, .endpoint = endpoint, .scope = memory_strdup(scope) };
    endpoint->tokens = token;
    return token;
}

/* It is kept in a file and sent back: one line of what can be read, not longer than messages. */
static bool is_identity(const char *text)
{
    for (const char *c = text; *c; c++)
        if (*c <= ' ' || *c > '~')
            return false;
    return *text && strlen(text) <= IDENTITY_MAX;
}

static int read_answer(Token *token, const Call *call, Error *err)
{
    _cleanup_(token_answer_done) TokenAnswer answer = {};
    _cleanup_json_ json_t *json = NULL;
    Endpoint *endpoint = token->endpoint;
    const char *value;
    int64_t life;

    if (json_parse(call->body ? call->body : "", call->body_size, &json, NULL) >= 0)
        (void)json_struct_read(&answer_json, json, &answer, NULL);
    value = answer.token ? answer.token : answer.access_token;
    if (!value || !*value || strpbrk(value, "\r\n"))
        return error_set(err, ERROR_INVALID, "token server of '%s' answers with no token",
                         endpoint_host(endpoint));
    wipe_free(token->authorization);
    token->authorization = memory_printf("Bearer %s", value);
    life = answer.expires_in < SHORTEST_LIFE  ? SHORTEST_LIFE
           : answer.expires_in > LONGEST_LIFE ? LONGEST_LIFE
                                              : answer.expires_in;
    token->expires = time_monotonic() + (life - MARGIN) * NANOSECONDS_PER_SECOND;
    token->serial++;
    if (answer.refresh_token && is_identity(answer.refresh_token) &&
        endpoint->wants_identity_token && !endpoint->identity_token)
        endpoint->identity_token = TAKE_PTR(answer.refresh_token);
    return 0;
}

static void on_token(Call *call)
{
    Token *token = call->options.data;

    error_done(&token->error);
    if (error_is_set(&call->error))
        error_move(&token->error, &call->error);
    else
        (void)read_answer(token, call, &token->error);
    token->state = error_is_set(&token->error) ? TOKEN_REFUSED : TOKEN_GOOD;
    if (call->body)
        explicit_bzero(call->body, call->body_size);
    token->fetcher = NULL;
    calls_wake(call->session, token);
    call_free(call);
}

static void add_parameter(StringBuffer *query, const char *name, const char *value)
{
    _cleanup_free_ char *escaped = value ? location_escape(value) : NULL;

    if (escaped)
        string_buffer_printf(query, "%s%s=%s", query->length > 0 ? "&" : "", name, escaped);
    if (escaped)
        explicit_bzero(escaped, strlen(escaped));
}

/* A GET has each scope by itself, a form all of them in one. */
static void add_scopes(StringBuffer *query, const char *scope)
{
    _cleanup_string_list_ StringList scopes = {};

    if (*scope)
        string_list_split(&scopes, scope, ' ');
    for (size_t i = 0; i < scopes.count; i++)
        add_parameter(query, "scope", scopes.items[i]);
}

/* Who has no password, but what a token server gave instead of it, POSTs that. */
static char *make_form(const Token *token)
{
    const Endpoint *endpoint = token->endpoint;
    _cleanup_string_buffer_ StringBuffer form = {};

    add_parameter(&form, "grant_type", "refresh_token");
    add_parameter(&form, "refresh_token", endpoint->settings->credentials.identity_token);
    add_parameter(&form, "service", endpoint->challenge.service);
    add_parameter(&form, "client_id", CLIENT_ID);
    if (*token->scope)
        add_parameter(&form, "scope", token->scope);
    return string_buffer_take(&form);
}

static char *make_url(const Token *token)
{
    const Endpoint *endpoint = token->endpoint;
    const char *realm = endpoint->challenge.realm;
    _cleanup_string_buffer_ StringBuffer query = {};

    add_parameter(&query, "service", endpoint->challenge.service);
    add_scopes(&query, token->scope);
    if (endpoint->settings->credentials.username)
        add_parameter(&query, "account", endpoint->settings->credentials.username);
    if (endpoint->wants_identity_token) {
        add_parameter(&query, "offline_token", "true");
        add_parameter(&query, "client_id", CLIENT_ID);
    }
    return memory_printf("%s%s%s", realm, strchr(realm, '?') ? "&" : "?",
                         string_buffer_get(&query));
}

/* A password goes only where it cannot be overheard, or where it is overheard already. */
static int check_realm(const Endpoint *endpoint, Error *err)
{
    _cleanup_origin_ Origin origin = {};

    if (origin_parse(endpoint->challenge.realm, &origin) < 0)
        return error_set(err, ERROR_INVALID, "'%s' names a token server that is none",
                         endpoint_host(endpoint));
    if (strcmp(origin.scheme, "https") != 0 && !endpoint->uses_plain_http &&
        !origin_is_loopback(&origin))
        return error_set(err, ERROR_UNAVAILABLE, "'%s' names a token server without TLS, '%s'",
                         endpoint_host(endpoint), origin.host);
    return 0;
}

static int ask_for_token(Token *token, Error *err)
{
    static const char *const form_headers[] = { "Content-Type: application/x-www-form-urlencoded",
                                                NULL };
    Endpoint *endpoint = token->endpoint;
    _cleanup_free_ char *url = NULL;
    CallOptions options = {
        .method = "GET",
        .access = CALL_ANONYMOUS,
        .what = "token",
        .endpoint = endpoint,
        .answer_limit = ANSWER_MAX,
        .on_end = on_token,
        .data = token,
    };
    char *basic = NULL;
    int r = check_realm(endpoint, err);

    if (r < 0)
        return r;
    wipe_free(TAKE_PTR(token->form));
    if (endpoint->settings->credentials.identity_token) {
        token->form = make_form(token);
        url = memory_strdup(endpoint->challenge.realm);
        options.method = "POST";
        options.headers = form_headers;
        options.has_body = true;
        options.is_secret = true;
        options.body = token->form;
        options.body_size = (int64_t)strlen(token->form);
    } else {
        url = make_url(token);
        options.authorization = basic = endpoint_basic(endpoint);
    }
    options.url = url;
    token->fetcher = call_start(endpoint->session, &options);
    token->state = TOKEN_ASKED;
    wipe_free(basic);
    return 0;
}

static int authorize_by_token(Endpoint *endpoint, const char *scope, char **ret_authorization,
                              Token **ret_token, Error *err)
{
    Token *token;
    int r;

    if (!*scope && endpoint->challenge.scope)
        scope = endpoint->challenge.scope;
    token = find_token(endpoint, scope);
    if (token->state == TOKEN_GOOD && time_monotonic() < token->expires) {
        *ret_authorization = memory_strdup(token->authorization);
        *ret_token = token;
        return 1;
    }
    if (token->state != TOKEN_ASKED) {
        r = ask_for_token(token, err);
        if (r < 0)
            return r;
    }
    *ret_token = token;
    return 0;
}

int endpoint_authorize(Endpoint *endpoint, const char *scope, char **ret_authorization,
                       Token **ret_token, Error *err)
{
    const char *registry_token = endpoint->settings->credentials.registry_token;

    *ret_authorization = NULL;
    *ret_token = NULL;
    if (registry_token)
        *ret_authorization = memory_printf("Bearer %s", registry_token);
    else if (endpoint->challenge.scheme == CHALLENGE_BASIC)
        *ret_authorization = endpoint_basic(endpoint);
    else if (endpoint->challenge.scheme == CHALLENGE_BEARER)
        return authorize_by_token(endpoint, scope, ret_authorization, ret_token, err);
    return 1;
}

bool endpoint_challenged(Endpoint *endpoint, const StringList *challenges, bool was_authorized,
                         Token *token, uint64_t serial)
{
    _cleanup_challenge_ Challenge challenge = {};
    bool is_enough, is_insufficient;

    challenge_parse(challenges, &challenge);
    is_insufficient = challenge.error && strcmp(challenge.error, "insufficient_scope") == 0;
    is_enough = was_authorized && (!token || is_insufficient);
    if (challenge.scheme == CHALLENGE_NONE || endpoint->settings->credentials.registry_token ||
        is_enough)
        return false;
    if (challenge.scheme == CHALLENGE_BASIC &&
        (!endpoint->settings->credentials.username || !endpoint->settings->credentials.password))
        return false;
    if (token && token->state == TOKEN_GOOD && token->serial == serial)
        token->state = TOKEN_NONE;
    challenge_done(&endpoint->challenge);
    endpoint->challenge = challenge;
    challenge = (Challenge) {};
    return true;
}
