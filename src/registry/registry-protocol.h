/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What `cay-registry` and its client say to each other: messages of JSON over a SOCK_SEQPACKET
 * socket, the descriptors that belong to a request beside it. Both ship together, so there is no
 * version.
 *
 * The first message opens: its descriptor is a file that holds a RegistryOpening, which may be long
 * (certificates) and is nobody else's to read. Documents travel in files, too, both ways: the
 * client makes them, so that it never reads from a descriptor that somebody else chose.
 */

#include "base/json-fields.h"
#include "registry/registry-endpoint.h"

#define REGISTRY_PROGRAM "cay-registry"

/* The descriptor of the socket in the program. */
#define REGISTRY_SOCKET_FD 3

/* A message is this long at most, an opening and a document as long as these. */
#define REGISTRY_MESSAGE_MAX ((size_t)64 * 1024)
#define REGISTRY_OPENING_MAX ((size_t)8 << 20)
#define REGISTRY_MANIFEST_MAX ((size_t)4 << 20)
#define REGISTRY_LISTING_MAX ((size_t)32 << 20)

typedef struct RegistryOpening {
    RegistryRepository repository;
    char *http_proxy; /* as the environment has them; NULL: none */
    char *https_proxy;
    char *no_proxy;
} RegistryOpening;

/* What a request asks for, and which descriptors come with it. */
#define REGISTRY_GET_MANIFEST "get-manifest"           /* a file for the answer */
#define REGISTRY_HEAD_MANIFEST "head-manifest"         /* none */
#define REGISTRY_PUT_MANIFEST "put-manifest"           /* the manifest */
#define REGISTRY_LIST_TAGS "list-tags"                 /* a file for the names, each with "\n" */
#define REGISTRY_LIST_REPOSITORIES "list-repositories" /* the same */
#define REGISTRY_SEARCH "search"                       /* a file for the answer */
#define REGISTRY_LIST_REFERRERS "list-referrers"       /* the same */
#define REGISTRY_LOGIN "login"                         /* none */
#define REGISTRY_HAS_BLOB "has-blob"                   /* none */
#define REGISTRY_FETCH "fetch"                         /* the file */
#define REGISTRY_FEED "feed"                           /* the pipe; of the transfer with this id */
#define REGISTRY_UPLOAD "upload"                       /* the file */
#define REGISTRY_RELEASE "release"                     /* none; forget the transfer with this id */

typedef struct RegistryRequest {
    uint64_t id; /* the client's choice; of FEED and RELEASE that of the transfer */
    char *operation;
    char *reference;     /* of manifests */
    char *digest;        /* of blobs and referrers */
    char *media_type;    /* PUT_MANIFEST */
    char *artifact_type; /* LIST_REFERRERS */
    char *term;          /* SEARCH */
    char *mount_from;    /* UPLOAD */
    int64_t size;        /* bytes, of blobs and of the manifest to be put */
    int64_t limit;       /* of listings */
    StringList urls;     /* FETCH */
} RegistryRequest;

typedef struct RegistryFailure {
    char *kind; /* error_kind_to_string() */
    int32_t errnum;
    char *message;
} RegistryFailure;

typedef struct RegistryReply {
    uint64_t id;
    bool is_over;             /* nothing more comes for this id, but after a FEED */
    RegistryFailure *failure; /* only when it is over */
    int64_t done;             /* of transfers: bytes */
    bool was_there;           /* UPLOAD; HAS_BLOB: it is there */
    bool was_mounted;         /* UPLOAD: taken from mount_from */
    bool was_fed;             /* the transfer's FEED is over, too */
    int64_t size;             /* of a blob or a manifest's text */
    char *media_type;
    char *digest; /* HEAD_MANIFEST */
    char *identity_token;
} RegistryReply;

extern const JsonStruct registry_opening_json;
extern const JsonStruct registry_request_json;
extern const JsonStruct registry_reply_json;

void registry_opening_done(RegistryOpening *opening);
void registry_request_done(RegistryRequest *request);
void registry_reply_done(RegistryReply *reply);
#define _cleanup_registry_opening_ _cleanup_(registry_opening_done)
#define _cleanup_registry_request_ _cleanup_(registry_request_done)
#define _cleanup_registry_reply_ _cleanup_(registry_reply_done)
