/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One place where the repository can be reached, and what has been learnt about it. */

#include <stdbool.h>
#include <stdint.h>

#include "registry/worker/challenge.h"
#include "registry/worker/exchange.h"
#include "registry/worker/session.h"

typedef enum TokenState {
    TOKEN_NONE,
    TOKEN_ASKED, /* by the call `fetcher` */
    TOKEN_GOOD,
    TOKEN_REFUSED, /* with error */
} TokenState;

/* What a token server has given for one scope. */
typedef struct Token {
    struct Token *next;
    Endpoint *endpoint;
    char *scope;
    TokenState state;
    char *authorization; /* "Bearer ..." */
    char *form;          /* what is POSTed for it */
    int64_t expires;     /* CLOCK_MONOTONIC */
    uint64_t serial;     /* of the answer, counted */
    Call *fetcher;
    Error error;
} Token;

struct Endpoint {
    Session *session;
    const RegistryEndpoint *settings;
    bool uses_plain_http; /* as configured, or found out */
    bool was_reached;     /* it has answered: what does not work now may work again */
    bool is_useless;      /* a mirror that cannot be reached */
    Challenge challenge;
    Token *tokens;
    char *identity_token; /* given at a login */
    bool wants_identity_token;
};

/* How it is called in messages: its host. */
const char *endpoint_host(const Endpoint *endpoint);

/* "https://HOST/"; the caller frees it. */
char *endpoint_base_url(const Endpoint *endpoint);

/* The repository's name there, with the endpoint's prefix; the caller frees it. */
char *endpoint_repository(const Endpoint *endpoint, const char *path);

/* Whom to trust at @url; our own certificate is shown to nobody else. */
ExchangeTls endpoint_tls(const Endpoint *endpoint, const char *url);

/* The proxy for @url; NULL: none. */
const char *session_proxy(const Session *session, const char *url);

void endpoint_done(Endpoint *endpoint);

/*
 * What is to be said to be let in for @scope ("": nothing in particular). Returns 1 with the value
 * of an Authorization header, which the caller wipes and frees, or NULL where none is needed as far
 * as is known; *ret_token is the token in it, or NULL. Returns 0 when a token has been asked for:
 * *ret_token is then waited for.
 */
int endpoint_authorize(Endpoint *endpoint, const char *scope, char **ret_authorization,
                       Token **ret_token, Error *err);

/*
 * @endpoint has answered 401 with @challenges to a request with @token of @serial, or with other
 * credentials (@was_authorized). Returns whether something else could be said now.
 */
bool endpoint_challenged(Endpoint *endpoint, const StringList *challenges, bool was_authorized,
                         Token *token, uint64_t serial);

/* Does @text, which came from outside, contain any of the credentials? */
bool endpoint_gives_away(const Endpoint *endpoint, const char *text);

/* "Basic ..."; NULL without a user. The caller wipes and frees it. */
char *endpoint_basic(const Endpoint *endpoint);
