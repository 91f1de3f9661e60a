/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Specifications of the Container Device Interface: what vendors of devices say a container needs
 * to use one (CNCF CDI, SPEC.md, versions 0.3.0 to 1.1.0). They are the host's configuration,
 * written by its administrator or a vendor's driver, and may give what only root may give.
 */

#include "base/error.h"
#include "base/json-fields.h"
#include "base/string-list.h"

typedef struct CdiDeviceNode {
    char *path;      /* in the container */
    char *host_path; /* NULL: the same */
    char *type;      /* "b", "c", "u", "p"; NULL: as the host has it, with the numbers */
    OptionalInt64 major;
    OptionalInt64 minor;
    OptionalUint64 file_mode;
    char *permissions; /* of "rwm"; NULL: all */
    OptionalUint64 uid;
    OptionalUint64 gid;
} CdiDeviceNode;

typedef struct CdiMount {
    char *host_path;
    char *container_path;
    char *type; /* NULL: a bind mount */
    StringList options;
} CdiMount;

typedef struct CdiHook {
    char *name; /* "createContainer" */
    char *path;
    StringList args;
    StringList env;
    OptionalInt64 timeout;
} CdiHook;

/* "containerEdits": what is changed in a container's configuration. */
typedef struct CdiEdits {
    StringList env;
    JSON_ARRAY_OF(CdiDeviceNode) device_nodes;
    JSON_ARRAY_OF(CdiMount) mounts;
    JSON_ARRAY_OF(CdiHook) hooks;
    JSON_ARRAY_OF(uint32_t) additional_gids;
    json_t *intel_rdt; /* NULL: none */
    json_t *net_devices;
} CdiEdits;

typedef struct CdiDevice {
    char *name;
    StringMap annotations;
    CdiEdits edits;
} CdiDevice;

typedef struct CdiSpec {
    char *version;
    char *kind; /* "vendor.com/class" */
    StringMap annotations;
    JSON_ARRAY_OF(CdiDevice) devices;
    CdiEdits edits; /* with any of the devices */
} CdiSpec;

void cdi_spec_free(CdiSpec *spec);
DEFINE_CLEANUP(CdiSpec *, cdi_spec_free);

/*
 * Read one, strictly: members that no version has, and those that its own version has not, are
 * refused, as is what could not be done to a container. Errors: INVALID, UNSUPPORTED (the version).
 */
int cdi_spec_parse(const json_t *json, CdiSpec **ret, Error *err);

/* The device of that name; NULL: it has none. */
const CdiDevice *cdi_spec_find(const CdiSpec *spec, const char *name);
