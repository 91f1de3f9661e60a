/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The field tables of what a worker is asked and answers, shared by both ends, and the limits that
 * both start from.
 */

#include "image/worker-protocol.h"

#include <limits.h>

static const JsonField limits_fields[] = {
    JSON_FIELD_FLAGS(ImageLimits, max_bytes, "maxBytes", JSON_TYPE_INT64, JSON_REQUIRED),
    JSON_FIELD_FLAGS(ImageLimits, max_entries, "maxEntries", JSON_TYPE_INT64, JSON_REQUIRED),
    JSON_FIELD_FLAGS(ImageLimits, max_ratio, "maxRatio", JSON_TYPE_INT64, JSON_REQUIRED),
    JSON_FIELD_FLAGS(ImageLimits, ratio_floor, "ratioFloor", JSON_TYPE_INT64, JSON_REQUIRED),
    JSON_FIELD_FLAGS(ImageLimits, max_path, "maxPath", JSON_TYPE_INT64, JSON_REQUIRED),
    JSON_FIELD_FLAGS(ImageLimits, max_depth, "maxDepth", JSON_TYPE_INT64, JSON_REQUIRED),
    JSON_FIELD_FLAGS(ImageLimits, max_xattr_bytes, "maxXattrBytes", JSON_TYPE_INT64, JSON_REQUIRED),
};
static const JsonStruct limits_json = JSON_STRUCT(ImageLimits, limits_fields);

static const JsonField id_mapping_fields[] = {
    JSON_FIELD_FLAGS(IdMapping, container_id, "containerId", JSON_TYPE_UINT32, JSON_REQUIRED),
    JSON_FIELD_FLAGS(IdMapping, host_id, "hostId", JSON_TYPE_UINT32, JSON_REQUIRED),
    JSON_FIELD_FLAGS(IdMapping, size, "size", JSON_TYPE_UINT32, JSON_REQUIRED),
};
static const JsonStruct id_mapping_json = JSON_STRUCT(IdMapping, id_mapping_fields);

static const JsonField pack_fields[] = {
    JSON_FIELD(WorkerPack, name, "name", JSON_TYPE_STRING),
    JSON_FIELD(WorkerPack, has_as, "hasAs", JSON_TYPE_BOOL),
    JSON_FIELD(WorkerPack, as, "as", JSON_TYPE_STRING),
    JSON_FIELD(WorkerPack, is_layer, "isLayer", JSON_TYPE_BOOL),
    JSON_FIELD(WorkerPack, with_mounts, "withMounts", JSON_TYPE_BOOL),
    JSON_FIELD(WorkerPack, compress, "compress", JSON_TYPE_BOOL),
    JSON_FIELD(WorkerPack, wants_digest, "wantsDigest", JSON_TYPE_BOOL),
    JSON_FIELD_OF(WorkerPack, ids.uids, "uids", JSON_TYPE_STRUCT_ARRAY, &id_mapping_json),
    JSON_FIELD_OF(WorkerPack, ids.gids, "gids", JSON_TYPE_STRUCT_ARRAY, &id_mapping_json),
};
static const JsonStruct pack_json = JSON_STRUCT(WorkerPack, pack_fields);

static const JsonField request_fields[] = {
    JSON_FIELD_OF(WorkerRequest, pack, "pack", JSON_TYPE_STRUCT_POINTER, &pack_json),
    JSON_FIELD(WorkerRequest, ingest, "ingest", JSON_TYPE_BOOL),
    JSON_FIELD(WorkerRequest, has_blob, "hasBlob", JSON_TYPE_BOOL),
    JSON_FIELD(WorkerRequest, compress_blob, "compressBlob", JSON_TYPE_BOOL),
    JSON_FIELD(WorkerRequest, apply_whiteouts, "applyWhiteouts", JSON_TYPE_BOOL),
    JSON_FIELD(WorkerRequest, caller_finishes, "callerFinishes", JSON_TYPE_BOOL),
    JSON_FIELD(WorkerRequest, expected_blob, "expectedBlob", JSON_TYPE_STRING),
    JSON_FIELD(WorkerRequest, expected_diff_id, "expectedDiffId", JSON_TYPE_STRING),
    JSON_FIELD_OF(WorkerRequest, limits, "limits", JSON_TYPE_STRUCT, &limits_json),
};
const JsonStruct worker_request_json = JSON_STRUCT(WorkerRequest, request_fields);

static const JsonField error_fields[] = {
    JSON_FIELD_FLAGS(WorkerError, kind, "kind", JSON_TYPE_STRING, JSON_REQUIRED),
    JSON_FIELD_FLAGS(WorkerError, errnum, "errno", JSON_TYPE_INT32, JSON_REQUIRED),
    JSON_FIELD_FLAGS(WorkerError, message, "message", JSON_TYPE_STRING, JSON_REQUIRED),
};
static const JsonStruct error_json = JSON_STRUCT(WorkerError, error_fields);

static const JsonField unpacked_fields[] = {
    JSON_FIELD_FLAGS(WorkerUnpacked, blob_digest, "blobDigest", JSON_TYPE_STRING, JSON_REQUIRED),
    JSON_FIELD_FLAGS(WorkerUnpacked, blob_size, "blobSize", JSON_TYPE_INT64, JSON_REQUIRED),
    JSON_FIELD(WorkerUnpacked, media_type, "mediaType", JSON_TYPE_STRING),
    JSON_FIELD_FLAGS(WorkerUnpacked, diff_id, "diffId", JSON_TYPE_STRING, JSON_REQUIRED),
    JSON_FIELD_FLAGS(WorkerUnpacked, diff_size, "diffSize", JSON_TYPE_INT64, JSON_REQUIRED),
    JSON_FIELD_FLAGS(WorkerUnpacked, tree_size, "treeSize", JSON_TYPE_INT64, JSON_REQUIRED),
    JSON_FIELD_FLAGS(WorkerUnpacked, entries, "entries", JSON_TYPE_INT64, JSON_REQUIRED),
    JSON_FIELD(WorkerUnpacked, has_root, "hasRoot", JSON_TYPE_BOOL),
};
static const JsonStruct unpacked_json = JSON_STRUCT(WorkerUnpacked, unpacked_fields);

static const JsonField ingest_entry_fields[] = {
    JSON_FIELD_FLAGS(IngestEntry, path, "path", JSON_TYPE_STRING, JSON_REQUIRED),
    JSON_FIELD(IngestEntry, file, "file", JSON_TYPE_STRING),
    JSON_FIELD(IngestEntry, link, "link", JSON_TYPE_STRING),
    JSON_FIELD(IngestEntry, is_hard_link, "isHardLink", JSON_TYPE_BOOL),
    JSON_FIELD(IngestEntry, size, "size", JSON_TYPE_INT64),
};
static const JsonStruct ingest_entry_json = JSON_STRUCT(IngestEntry, ingest_entry_fields);

static const JsonField ingest_fields[] = {
    JSON_FIELD_OF(IngestResult, entries, "entries", JSON_TYPE_STRUCT_ARRAY, &ingest_entry_json),
};
const JsonStruct ingest_result_json = JSON_STRUCT(IngestResult, ingest_fields);

static const JsonField packed_fields[] = {
    JSON_FIELD(WorkerPacked, diff_id, "diffId", JSON_TYPE_STRING),
    JSON_FIELD_FLAGS(WorkerPacked, diff_size, "diffSize", JSON_TYPE_INT64, JSON_REQUIRED),
    JSON_FIELD(WorkerPacked, blob_digest, "blobDigest", JSON_TYPE_STRING),
    JSON_FIELD_FLAGS(WorkerPacked, blob_size, "blobSize", JSON_TYPE_INT64, JSON_REQUIRED),
    JSON_FIELD_FLAGS(WorkerPacked, tree_size, "treeSize", JSON_TYPE_INT64, JSON_REQUIRED),
    JSON_FIELD_FLAGS(WorkerPacked, entries, "entries", JSON_TYPE_INT64, JSON_REQUIRED),
    JSON_FIELD(WorkerPacked, warnings, "warnings", JSON_TYPE_STRING_LIST),
};
static const JsonStruct packed_json = JSON_STRUCT(WorkerPacked, packed_fields);

static const JsonField reply_fields[] = {
    JSON_FIELD_OF(WorkerReply, error, "error", JSON_TYPE_STRUCT_POINTER, &error_json),
    JSON_FIELD_OF(WorkerReply, unpacked, "unpacked", JSON_TYPE_STRUCT_POINTER, &unpacked_json),
    JSON_FIELD_OF(WorkerReply, ingested, "ingested", JSON_TYPE_STRUCT_POINTER, &ingest_result_json),
    JSON_FIELD_OF(WorkerReply, packed, "packed", JSON_TYPE_STRUCT_POINTER, &packed_json),
};
const JsonStruct worker_reply_json = JSON_STRUCT(WorkerReply, reply_fields);

void worker_request_done(WorkerRequest *request)
{
    json_struct_done(&worker_request_json, request);
}

void worker_reply_done(WorkerReply *reply)
{
    json_struct_done(&worker_reply_json, reply);
}

ImageLimits image_limits_default(void)
{
    return (ImageLimits) {
        .max_bytes = INT64_C(128) << 30,
        .max_entries = 2000000,
        .max_ratio = 200,
        .ratio_floor = INT64_C(1) << 30,
        .max_path = PATH_MAX - 1,
        .max_depth = 256,
        .max_xattr_bytes = INT64_C(1) << 20,
    };
}
