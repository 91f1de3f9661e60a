/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One question to the registry and its final answer: asked of mirrors first, with credentials where
 * they belong and nowhere else, through redirects, and again where that may help. A call belongs to
 * who made it, until it is freed.
 */

#include "registry/worker/endpoint.h"
#include "registry/worker/exchange.h"
#include "registry/worker/ranges.h"
#include "registry/worker/session.h"

typedef enum CallAccess {
    CALL_PULL,
    CALL_PUSH,
    CALL_CATALOG,
    CALL_REGISTRY, /* nothing but to be let in */
    CALL_ANONYMOUS,
} CallAccess;

typedef struct CallOptions {
    const char *method; /* static */
    const char *path; /* what comes after the repository's name, "manifests/latest"; with is_global
                         what comes after the host, "v2/" */
    bool is_global;
    const char *url;           /* absolute, instead of a path */
    const char *authorization; /* for the url's origin; NULL: the endpoint's own, by access */
    CallAccess access;
    const char *mount_from; /* may be pulled from, too */
    const char *what;       /* "manifest 'latest'": for messages */
    const char *const *headers;
    Endpoint *endpoint; /* this one and no other; NULL: mirrors, then the registry */
    bool sends_once;    /* is not sent again when it is not known what became of it */
    bool has_body;
    bool is_secret;   /* the body is for the url's origin only: no redirect takes it elsewhere */
    const void *body; /* outlives the call; NULL: from body_fd */
    int body_fd;
    int64_t body_offset;
    int64_t body_size;
    size_t answer_limit; /* bytes, of a body that is collected */
    /* Takes the body of a good answer instead; fails with call_fail(). */
    int (*on_data)(Call *call, const void *bytes, size_t size);
    void (*before_send)(Call *call);   /* may set call->range */
    bool (*is_complete)(Call *call);   /* there is nothing more to come, even if it was cut */
    bool (*is_acceptable)(Call *call); /* what a mirror says; NULL: all */
    void (*on_end)(Call *call);        /* may free the call */
    void *data;
} CallOptions;

struct Call {
    Session *session;
    Call *next;
    CallOptions options;
    char *path;
    char *start_url;
    char *start_authorization;
    char *what;
    char *mount_from;
    StringList headers;

    Endpoint *endpoint;
    char *url; /* where it is sent now: the start, or where a redirect led */
    char *scope;
    Token *token; /* waited for, or used */
    uint64_t token_serial;
    bool waits_for_token;
    bool was_authorized;
    unsigned challenges;
    unsigned redirects;
    unsigned attempts;
    int64_t resume_at; /* CLOCK_MONOTONIC; 0: not waiting */
    Exchange *exchange;
    Range range;    /* of the answer that is wanted; empty: all */
    bool has_begun; /* data of this attempt's answer has come */

    char *body; /* collected */
    size_t body_size;
    size_t body_capacity;
    Error error; /* when it is over; else nothing */
};

Call *call_start(Session *session, const CallOptions *options);
void call_free(Call *call);
DEFINE_CLEANUP(Call *, call_free);

const ExchangeAnswer *call_answer(const Call *call);

/* From on_data: end it for good. Returns a negative number. */
int call_fail(Call *call, ErrorKind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* From on_data: it is getting on, so count attempts anew. */
void call_progressed(Call *call);

/* For the loop: go on with those whose time has come. Returns when the next one's will be, or
 * INT64_MAX. */
int64_t calls_resume(Session *session);

/* Those that wait for @token go on. */
void calls_wake(Session *session, const Token *token);
