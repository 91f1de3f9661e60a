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

json_t *container_listing_to_json(Container *container, const char *owner)
{
    const ContainerRecord *record = &container->record;
    _cleanup_free_ char *created = time_to_rfc3339(record->created);
    RuntimeStatus status = container_status(container);
    const ContainerListing listing = {
        .oci_version = RUNTIME_CONFIG_VERSION,
        .id = record->id,
        .pid = status == RUNTIME_STOPPED ? 0 : record->pid,
        .status = (char *)runtime_status_to_string(status),
        .bundle = record->bundle,
        .rootfs = record->rootfs,
        .created = created,
        .annotations = record->annotations,
        .owner = (char *)owner,
    };

    return json_struct_write(&container_listing_json, &listing);
}
