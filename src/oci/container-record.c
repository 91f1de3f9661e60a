/* SPDX-License-Identifier: Apache-2.0 */

/* The record as a field table. */

#include "oci/container-record.h"

#include "base/json-fields.h"

static const JsonField container_record_fields[] = {
    JSON_FIELD_FLAGS(ContainerRecord, id, "id", JSON_TYPE_STRING, JSON_REQUIRED),
    JSON_FIELD_FLAGS(ContainerRecord, bundle, "bundle", JSON_TYPE_STRING, JSON_REQUIRED),
    JSON_FIELD_FLAGS(ContainerRecord, rootfs, "rootfs", JSON_TYPE_STRING, JSON_REQUIRED),
    JSON_FIELD(ContainerRecord, cgroup_path, "cgroupPath", JSON_TYPE_STRING),
    JSON_FIELD(ContainerRecord, systemd_cgroup, "systemdCgroup", JSON_TYPE_BOOL),
    JSON_FIELD(ContainerRecord, shares_pids, "sharesPids", JSON_TYPE_BOOL),
    JSON_FIELD(ContainerRecord, has_agent, "hasAgent", JSON_TYPE_BOOL),
    JSON_FIELD(ContainerRecord, has_rdt, "hasRdt", JSON_TYPE_BOOL),
    JSON_FIELD(ContainerRecord, has_poststart, "hasPoststart", JSON_TYPE_BOOL),
    JSON_FIELD(ContainerRecord, has_poststop, "hasPoststop", JSON_TYPE_BOOL),
    JSON_FIELD(ContainerRecord, pid, "pid", JSON_TYPE_INT32),
    JSON_FIELD(ContainerRecord, start_time, "startTime", JSON_TYPE_UINT64),
    JSON_FIELD_FLAGS(ContainerRecord, created, "created", JSON_TYPE_INT64, JSON_REQUIRED),
    JSON_FIELD(ContainerRecord, owner, "owner", JSON_TYPE_UINT32),
    JSON_FIELD(ContainerRecord, annotations, "annotations", JSON_TYPE_STRING_MAP),
};
static const JsonStruct container_record_json =
    JSON_STRUCT(ContainerRecord, container_record_fields);

void container_record_done(ContainerRecord *record)
{
    json_struct_done(&container_record_json, record);
}

char *container_record_to_text(const ContainerRecord *record)
{
    _cleanup_json_ json_t *json = json_struct_write(&container_record_json, record);

    return json_to_text(json);
}

int container_record_from_text(const char *text, size_t size, ContainerRecord *ret, Error *err)
{
    _cleanup_json_ json_t *json = NULL;
    _cleanup_container_record_ ContainerRecord record = {};
    _cleanup_error_ Error cause = {};

    if (json_parse(text, size, &json, &cause) < 0 ||
        json_struct_read(&container_record_json, json, &record, &cause) < 0)
        return error_set(err, ERROR_CORRUPT, "state of the container: %s", error_message(&cause));
    if (record.pid < 0)
        return error_set(err, ERROR_CORRUPT, "state of the container: pid: negative");

    *ret = record;
    record = (ContainerRecord) {};
    return 0;
}
