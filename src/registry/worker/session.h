/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The one client of this process: what it asked for, the connections to its registry, and the loop
 * that everything happens in.
 */

#include <curl/curl.h>
#include <poll.h>
#include <stdint.h>

#include "base/error.h"
#include "registry/registry-protocol.h"

typedef struct Session Session;
typedef struct Operation Operation;
typedef struct Call Call;
typedef struct Endpoint Endpoint;

/* What is done for one request. Each kind begins with this. */
typedef struct OperationClass {
    void (*free)(Operation *operation);
    /* Something may have become possible meanwhile. NULL: nothing ever does. */
    void (*advance)(Operation *operation);
    /* What it waits for besides the network; false: nothing. NULL: never. */
    bool (*get_poll)(Operation *operation, struct pollfd *ret);
    /* Feed @pipe_fd, which it owns from here on. NULL: cannot. */
    void (*feed)(Operation *operation, int pipe_fd);
} OperationClass;

struct Operation {
    const OperationClass *class;
    Session *session;
    uint64_t id;
    Operation *next;
};

struct Session {
    int socket_fd;
    CURLM *multi;
    RegistryOpening opening;
    char *ca_directory; /* of the system; NULL: libcurl knows better */
    Endpoint *endpoints;
    size_t n_endpoints;
    Call *calls;
    Operation *operations; /* in the order of their requests */
    size_t n_pieces;       /* of blobs that are on their way */
    uint64_t n_over;       /* calls so far */
    StringList outgoing;   /* replies that the socket has no room for yet */
};

/* Read the opening, then serve until the client goes. */
int session_run(int socket_fd, Error *err);

/* Forget @operation, which is freed. */
void session_remove(Operation *operation);

/* Say something about @operation; @may_drop: only if there is room at once. */
void session_send(Operation *operation, RegistryReply *reply, bool may_drop);

/* Its last word: with a failure if @error has one. Single answers are removed, too. */
void session_end(Operation *operation, RegistryReply *reply, const Error *error);

/* How the loop makes operations of requests: the descriptor is the operation's. Each returns 0 with
 * *ret added to the session by the caller, or fails. */
int operation_start_document(Session *session, const RegistryRequest *request, int fd,
                             Operation **ret, Error *err);
int operation_start_fetch(Session *session, const RegistryRequest *request, int fd, Operation **ret,
                          Error *err);
int operation_start_upload(Session *session, const RegistryRequest *request, int fd,
                           Operation **ret, Error *err);
