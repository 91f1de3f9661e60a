/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A repository at a registry (OCI distribution specification 1.1), spoken to at arm's length: HTTP,
 * TLS and redirects are the business of the program `cay-registry`, one per client, which has no
 * files but the descriptors it is handed. It has one pool of connections, retries what may work the
 * next time (cut connections, 5xx, 429 as Retry-After says), asks for tokens, and never sends
 * credentials to another host than theirs. What it brings is unverified: whoever asked checks sizes
 * and digests.
 *
 * Errors of all calls: NOT_FOUND, DENIED (credentials missing, wrong, or not enough), UNAVAILABLE
 * (no connection, no TLS, an untrusted certificate, HTTP answered to HTTPS, retries used up, the
 * program missing), INVALID (an answer that makes no sense), EXHAUSTED (an answer that is too long,
 * no space), CORRUPT (not of the size or the digest that was asked for), SYSTEM. Messages name the
 * host and never a credential.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/string-list.h"
#include "registry/registry-endpoint.h"

typedef struct RegistryClient RegistryClient;

/* Start the program for @repository (copied). */
int registry_client_open(const RegistryRepository *repository, RegistryClient **ret, Error *err);
/* Ends whatever goes on. Transfers of it must be freed before. */
void registry_client_close(RegistryClient *client);
DEFINE_CLEANUP(RegistryClient *, registry_client_close);

/* A document as the registry sent it: bytes count. */
typedef struct RegistryDocument {
    char *text; /* NUL-terminated beyond size */
    size_t size;
    char *media_type; /* of the Content-Type, without parameters; NULL: not said */
    Digest digest;    /* computed here, of text */
} RegistryDocument;

void registry_document_done(RegistryDocument *document);
#define _cleanup_registry_document_ _cleanup_(registry_document_done)

/* The manifest or index @reference: a tag or a digest, which is then checked (CORRUPT). At most
 * 4 MiB. All types of OCI and Docker schema 2 are accepted. */
int registry_client_get_manifest(RegistryClient *client, const char *reference,
                                 RegistryDocument *ret, Error *err);

/* Its digest and type without its text. Not all registries say a digest: then it is fetched. */
int registry_client_head_manifest(RegistryClient *client, const char *reference,
                                  RegistryDocument *ret, Error *err);

/* Store a manifest under @reference (a tag or its own digest). */
int registry_client_put_manifest(RegistryClient *client, const char *reference,
                                 const RegistryDocument *manifest, Error *err);

/* The first @limit tags (0: all, through all pages), in the registry's order. */
int registry_client_list_tags(RegistryClient *client, size_t limit, StringList *ret, Error *err);

/* All names of repositories of the registry (`_catalog`), at most @limit; and Docker's v1 search
 * (`/v1/search?q=`), its answer as it is. */
int registry_client_list_repositories(RegistryClient *client, size_t limit, StringList *ret,
                                      Error *err);
int registry_client_search(RegistryClient *client, const char *term, size_t limit,
                           RegistryDocument *ret, Error *err);

/* What refers to @digest: an index, by the API or by the tag that stands for it ("sha256-HEX").
 * @artifact_type NULL: all. Empty where the registry knows of none. */
int registry_client_list_referrers(RegistryClient *client, const Digest *digest,
                                   const char *artifact_type, RegistryDocument *ret, Error *err);

/* Are the credentials good (GET /v2/)? *ret_identity_token (may be NULL) is what a token server
 * gave instead of the password; NULL: nothing. The caller frees it. */
int registry_client_login(RegistryClient *client, char **ret_identity_token, Error *err);

/* Is the blob there? Returns 1 with its size, 0 when it is not. */
int registry_client_has_blob(RegistryClient *client, const Digest *digest, int64_t *ret_size,
                             Error *err);

/*
 * Transfers of blobs. Any number go on at the same time while somebody calls
 * registry_client_dispatch(), or any function above.
 */
typedef struct RegistryTransfer RegistryTransfer;

typedef struct RegistryFetch {
    Digest digest;
    int64_t size; /* as the manifest says; more is never accepted */
    int file_fd;  /* regular file, readable and writable, in which its bytes come to lie at their
                     offsets; what is there already (SEEK_HOLE tells) is not asked for again. Not
                     kept after the call */
    const StringList *urls; /* of a foreign layer: tried without credentials when the registry does
                               not have it. NULL: none */
} RegistryFetch;

/* Begin to fetch a blob: in ranges, several at once where the registry can. */
int registry_client_fetch(RegistryClient *client, const RegistryFetch *fetch,
                          RegistryTransfer **ret, Error *err);

/*
 * Write the blob into the pipe @pipe_fd from its beginning on, as it arrives, and close it at the
 * end, also when the transfer failed: then it ends early, so its reader has to verify. At most once
 * per transfer. Needs nobody to dispatch. The transfer's end waits for the reader.
 */
int registry_transfer_feed(RegistryTransfer *transfer, int pipe_fd, Error *err);

typedef struct RegistryUpload {
    Digest digest;
    int64_t size;
    int file_fd;            /* regular file; not kept after the call. -EBADF: it is not here: unless
                               it can be taken from mount_from, the transfer is NOT_FOUND */
    const char *mount_from; /* path of another repository of the same registry that has it, from
                               which it is taken without an upload where possible. NULL: none */
} RegistryUpload;

/* Begin to send a blob, in chunks that are sent again one by one when they fail. */
int registry_client_upload(RegistryClient *client, const RegistryUpload *upload,
                           RegistryTransfer **ret, Error *err);

typedef struct RegistryTransferState {
    int64_t done; /* bytes; of a fetch also those that were there before */
    int64_t total;
    bool is_over;
    bool was_there;           /* upload: nothing had to be sent, the registry has it or took it from
                                 mount_from */
    const char *mounted_from; /* upload: that; stays the transfer's. NULL: it was not taken from
                                 there */
} RegistryTransferState;

RegistryTransferState registry_transfer_state(const RegistryTransfer *transfer);

/* After it is over: 0, or what it failed with. */
int registry_transfer_result(const RegistryTransfer *transfer, Error *err);

/* Waits until it is over. */
int registry_transfer_wait(RegistryTransfer *transfer, Error *err);

/* Ends it if it is not over; the file keeps what has arrived. */
void registry_transfer_free(RegistryTransfer *transfer);
DEFINE_CLEANUP(RegistryTransfer *, registry_transfer_free);

/* To be polled for POLLIN; then registry_client_dispatch() takes what has arrived, without waiting.
 * Fails when the program is gone: so have all transfers. */
int registry_client_fd(const RegistryClient *client);
int registry_client_dispatch(RegistryClient *client, Error *err);
