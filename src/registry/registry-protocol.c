/* SPDX-License-Identifier: Apache-2.0 */

/* The field tables of what is asked and answered, shared by both ends. */

#include "registry/registry-protocol.h"

#include <string.h>

static const JsonField opening_fields[] = {
    JSON_FIELD_OF(RegistryOpening, repository, "repository", JSON_TYPE_STRUCT,
                  &registry_repository_json),
    JSON_FIELD(RegistryOpening, http_proxy, "httpProxy", JSON_TYPE_STRING),
    JSON_FIELD(RegistryOpening, https_proxy, "httpsProxy", JSON_TYPE_STRING),
    JSON_FIELD(RegistryOpening, no_proxy, "noProxy", JSON_TYPE_STRING),
};
const JsonStruct registry_opening_json = JSON_STRUCT(RegistryOpening, opening_fields);

static const JsonField request_fields[] = {
    JSON_FIELD_FLAGS(RegistryRequest, id, "id", JSON_TYPE_UINT64, JSON_REQUIRED),
    JSON_FIELD_FLAGS(RegistryRequest, operation, "operation", JSON_TYPE_STRING, JSON_REQUIRED),
    JSON_FIELD(RegistryRequest, reference, "reference", JSON_TYPE_STRING),
    JSON_FIELD(RegistryRequest, digest, "digest", JSON_TYPE_STRING),
    JSON_FIELD(RegistryRequest, media_type, "mediaType", JSON_TYPE_STRING),
    JSON_FIELD(RegistryRequest, artifact_type, "artifactType", JSON_TYPE_STRING),
    JSON_FIELD(RegistryRequest, term, "term", JSON_TYPE_STRING),
    JSON_FIELD(RegistryRequest, mount_from, "mountFrom", JSON_TYPE_STRING),
    JSON_FIELD(RegistryRequest, size, "size", JSON_TYPE_INT64),
    JSON_FIELD(RegistryRequest, limit, "limit", JSON_TYPE_INT64),
    JSON_FIELD(RegistryRequest, urls, "urls", JSON_TYPE_STRING_LIST),
};
const JsonStruct registry_request_json = JSON_STRUCT(RegistryRequest, request_fields);

static const JsonField failure_fields[] = {
    JSON_FIELD_FLAGS(RegistryFailure, kind, "kind", JSON_TYPE_STRING, JSON_REQUIRED),
    JSON_FIELD_FLAGS(RegistryFailure, errnum, "errno", JSON_TYPE_INT32, JSON_REQUIRED),
    JSON_FIELD_FLAGS(RegistryFailure, message, "message", JSON_TYPE_STRING, JSON_REQUIRED),
};
static const JsonStruct failure_json = JSON_STRUCT(RegistryFailure, failure_fields);

static const JsonField reply_fields[] = {
    JSON_FIELD_FLAGS(RegistryReply, id, "id", JSON_TYPE_UINT64, JSON_REQUIRED),
    JSON_FIELD(RegistryReply, is_over, "isOver", JSON_TYPE_BOOL),
    JSON_FIELD_OF(RegistryReply, failure, "failure", JSON_TYPE_STRUCT_POINTER, &failure_json),
    JSON_FIELD(RegistryReply, done, "done", JSON_TYPE_INT64),
    JSON_FIELD(RegistryReply, was_there, "wasThere", JSON_TYPE_BOOL),
    JSON_FIELD(RegistryReply, was_mounted, "wasMounted", JSON_TYPE_BOOL),
    JSON_FIELD(RegistryReply, was_fed, "wasFed", JSON_TYPE_BOOL),
    JSON_FIELD(RegistryReply, size, "size", JSON_TYPE_INT64),
    JSON_FIELD(RegistryReply, media_type, "mediaType", JSON_TYPE_STRING),
    JSON_FIELD(RegistryReply, digest, "digest", JSON_TYPE_STRING),
    JSON_FIELD(RegistryReply, identity_token, "identityToken", JSON_TYPE_STRING),
};
const JsonStruct registry_reply_json = JSON_STRUCT(RegistryReply, reply_fields);

static void wipe(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
}

void registry_opening_done(RegistryOpening *opening)
{
    registry_repository_done(&opening->repository);
    wipe(opening->http_proxy); /* may say a password */
    wipe(opening->https_proxy);
    json_struct_done(&registry_opening_json, opening);
}

void registry_request_done(RegistryRequest *request)
{
    json_struct_done(&registry_request_json, request);
}

void registry_reply_done(RegistryReply *reply)
{
    wipe(reply->identity_token);
    json_struct_done(&registry_reply_json, reply);
}
