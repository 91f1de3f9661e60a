/* SPDX-License-Identifier: Apache-2.0 */

/* The members, their names and their order, as engines parse them. */

#include "oci/container-listing.h"

#include "base/json-fields.h"
#include "base/time-format.h"

typedef struct ContainerListing {
    char *oci_version;
    char *id;
    int32_t pid; /* 0: it has ended */
    char *status;
    char *bundle;
    char *rootfs;
    char *created;
    StringMap annotations;
    char *owner;
} ContainerListing;

static const JsonField container_listing_fields[] = {
    JSON_FIELD(ContainerListing, oci_version, "ociVersion", JSON_TYPE_STRING),
    JSON_FIELD(ContainerListing, id, "id", JSON_TYPE_STRING),
    JSON_FIELD_FLAGS(ContainerListing, pid, "pid", JSON_TYPE_INT32, JSON_KEEP_EMPTY),
    JSON_FIELD(ContainerListing, status, "status", JSON_TYPE_STRING),
    JSON_FIELD_FLAGS(ContainerListing, bundle, "bundle", JSON_TYPE_STRING, JSON_KEEP_EMPTY),
    JSON_FIELD_FLAGS(ContainerListing, rootfs, "rootfs", JSON_TYPE_STRING, JSON_KEEP_EMPTY),
    JSON_FIELD(ContainerListing, created, "created", JSON_TYPE_STRING),
    JSON_FIELD(ContainerListing, annotations, "annotations", JSON_TYPE_STRING_MAP),
    JSON_FIELD_FLAGS(ContainerListing, owner, "owner", JSON_TYPE_STRING, JSON_KEEP_EMPTY),
};
static const JsonStruct container_listing_json =
    JSON_STRUCT(ContainerListing, container_listing_fields);

static json_t *listing_to_json(const ContainerRecord *record, ContainerStatus status,
                               const char *owner)
{
    _cleanup_free_ char *created = time_to_rfc3339(record->created);
    const ContainerListing listing = {
        .oci_version = RUNTIME_CONFIG_VERSION,
        .id = record->id,
        .pid = status == CONTAINER_STOPPED ? 0 : record->pid,
        .status = (char *)container_status_to_string(status),
        .bundle = record->bundle,
        .rootfs = record->rootfs,
        .created = created,
        .annotations = record->annotations,
        .owner = (char *)owner,
    };

    return json_struct_write(&container_listing_json, &listing);
}

char *container_state_text(const Container *container, ContainerStatus status)
{
    _cleanup_json_ json_t *json = listing_to_json(&container->record, status, "");

    return json_to_text(json);
}

json_t *container_listing_to_json(Container *container, const char *owner)
{
    return listing_to_json(&container->record, container_status(container), owner);
}
