/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What `cay-image` and its client say to each other: one request in the arguments, one reply as
 * JSON through a pipe, descriptors by fixed numbers. Both ship together, so there is no version.
 */

#include "base/json-fields.h"
#include "image/worker-client.h"

#define WORKER_PROGRAM "cay-image"

/* The descriptors of a worker. Standard output is not used; standard error is for crashes. */
enum {
    WORKER_INPUT_FD = 0,
    WORKER_REPLY_FD = 3,
    WORKER_TARGET_FD = 4,
    WORKER_BLOB_FD = 5, /* only with WorkerRequest.has_blob, or pack */
};

/* A reply is read into memory by somebody with more rights: this many bytes at most. */
#define WORKER_REPLY_LIMIT ((size_t)64 << 20)
/* What an archive's list of members may need at most, so that it fits a reply. */
#define WORKER_INGEST_MAX_ENTRIES 65536
#define WORKER_INGEST_MAX_NAME_BYTES ((int64_t)8 << 20)

/* The members of PackOptions. The archive goes to WORKER_BLOB_FD. */
typedef struct WorkerPack {
    char *name;
    bool has_as;
    char *as; /* NULL with has_as: it is empty */
    bool is_layer;
    bool with_mounts;
    bool compress;
    bool wants_digest;
    IdMap ids;
} WorkerPack;

typedef struct WorkerRequest {
    bool ingest; /* unpack if this is not set, and neither is */
    WorkerPack *pack;
    bool has_blob;
    bool compress_blob;
    bool apply_whiteouts;
    bool caller_finishes;
    char *expected_blob; /* digests, NULL: not checked */
    char *expected_diff_id;
    ImageLimits limits;
} WorkerRequest;

typedef struct WorkerError {
    char *kind; /* error_kind_to_string() */
    int32_t errnum;
    char *message;
} WorkerError;

typedef struct WorkerUnpacked {
    char *blob_digest;
    int64_t blob_size;
    char *media_type;
    char *diff_id;
    int64_t diff_size;
    int64_t tree_size;
    int64_t entries;
    bool has_root;
} WorkerUnpacked;

typedef struct WorkerPacked {
    char *diff_id; /* NULL: not asked for */
    int64_t diff_size;
    char *blob_digest;
    int64_t blob_size;
    int64_t tree_size;
    int64_t entries;
    StringList warnings;
} WorkerPacked;

/* Exactly one member is set. */
typedef struct WorkerReply {
    WorkerError *error;
    WorkerUnpacked *unpacked;
    IngestResult *ingested;
    WorkerPacked *packed;
} WorkerReply;

extern const JsonStruct worker_request_json;
extern const JsonStruct worker_reply_json;
extern const JsonStruct ingest_result_json;

void worker_request_done(WorkerRequest *request);
void worker_reply_done(WorkerReply *reply);
#define _cleanup_worker_request_ _cleanup_(worker_request_done)
#define _cleanup_worker_reply_ _cleanup_(worker_reply_done)
