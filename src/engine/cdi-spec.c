/* SPDX-License-Identifier: Apache-2.0 */

/*
 * How a CDI specification reads from JSON, and what must hold of it whichever container it is for.
 */

#include "engine/cdi-spec.h"

#include <inttypes.h>
#include <string.h>

#include "base/memory.h"
#include "base/path.h"
#include "engine/cdi-name.h"
#include "engine/device-spec.h"

static const JsonField node_fields[] = {
    JSON_FIELD_FLAGS(CdiDeviceNode, path, "path", JSON_TYPE_STRING, JSON_REQUIRED),
    JSON_FIELD(CdiDeviceNode, host_path, "hostPath", JSON_TYPE_STRING),
    JSON_FIELD(CdiDeviceNode, type, "type", JSON_TYPE_STRING),
    JSON_FIELD(CdiDeviceNode, major, "major", JSON_TYPE_OPTIONAL_INT64),
    JSON_FIELD(CdiDeviceNode, minor, "minor", JSON_TYPE_OPTIONAL_INT64),
    JSON_FIELD(CdiDeviceNode, file_mode, "fileMode", JSON_TYPE_OPTIONAL_UINT64),
    JSON_FIELD(CdiDeviceNode, permissions, "permissions", JSON_TYPE_STRING),
    JSON_FIELD(CdiDeviceNode, uid, "uid", JSON_TYPE_OPTIONAL_UINT64),
    JSON_FIELD(CdiDeviceNode, gid, "gid", JSON_TYPE_OPTIONAL_UINT64),
};
static const JsonStruct node_json = JSON_STRUCT(CdiDeviceNode, node_fields);

static const JsonField mount_fields[] = {
    JSON_FIELD_FLAGS(CdiMount, host_path, "hostPath", JSON_TYPE_STRING, JSON_REQUIRED),
    JSON_FIELD_FLAGS(CdiMount, container_path, "containerPath", JSON_TYPE_STRING, JSON_REQUIRED),
    JSON_FIELD(CdiMount, type, "type", JSON_TYPE_STRING),
    JSON_FIELD(CdiMount, options, "options", JSON_TYPE_STRING_LIST),
};
static const JsonStruct mount_json = JSON_STRUCT(CdiMount, mount_fields);

static const JsonField hook_fields[] = {
    JSON_FIELD_FLAGS(CdiHook, name, "hookName", JSON_TYPE_STRING, JSON_REQUIRED),
    JSON_FIELD_FLAGS(CdiHook, path, "path", JSON_TYPE_STRING, JSON_REQUIRED),
    JSON_FIELD(CdiHook, args, "args", JSON_TYPE_STRING_LIST),
    JSON_FIELD(CdiHook, env, "env", JSON_TYPE_STRING_LIST),
    JSON_FIELD(CdiHook, timeout, "timeout", JSON_TYPE_OPTIONAL_INT64),
};
static const JsonStruct hook_json = JSON_STRUCT(CdiHook, hook_fields);

static const JsonField edits_fields[] = {
    JSON_FIELD(CdiEdits, env, "env", JSON_TYPE_STRING_LIST),
    JSON_FIELD_OF(CdiEdits, device_nodes, "deviceNodes", JSON_TYPE_STRUCT_ARRAY, &node_json),
    JSON_FIELD_OF(CdiEdits, mounts, "mounts", JSON_TYPE_STRUCT_ARRAY, &mount_json),
    JSON_FIELD_OF(CdiEdits, hooks, "hooks", JSON_TYPE_STRUCT_ARRAY, &hook_json),
    JSON_FIELD(CdiEdits, additional_gids, "additionalGids", JSON_TYPE_UINT32_LIST),
    JSON_FIELD(CdiEdits, intel_rdt, "intelRdt", JSON_TYPE_RAW),
    JSON_FIELD(CdiEdits, net_devices, "netDevices", JSON_TYPE_RAW),
};
static const JsonStruct edits_json = JSON_STRUCT(CdiEdits, edits_fields);

static const JsonField device_fields[] = {
    JSON_FIELD_FLAGS(CdiDevice, name, "name", JSON_TYPE_STRING, JSON_REQUIRED),
    JSON_FIELD(CdiDevice, annotations, "annotations", JSON_TYPE_STRING_MAP),
    JSON_FIELD_OF(CdiDevice, edits, "containerEdits", JSON_TYPE_STRUCT, &edits_json),
};
static const JsonStruct device_json = JSON_STRUCT(CdiDevice, device_fields);

static const JsonField spec_fields[] = {
    JSON_FIELD_FLAGS(CdiSpec, version, "cdiVersion", JSON_TYPE_STRING, JSON_REQUIRED),
    JSON_FIELD_FLAGS(CdiSpec, kind, "kind", JSON_TYPE_STRING, JSON_REQUIRED),
    JSON_FIELD(CdiSpec, annotations, "annotations", JSON_TYPE_STRING_MAP),
    JSON_FIELD_OF(CdiSpec, devices, "devices", JSON_TYPE_STRUCT_ARRAY, &device_json),
    JSON_FIELD_OF(CdiSpec, edits, "containerEdits", JSON_TYPE_STRUCT, &edits_json),
};
static const JsonStruct spec_json = JSON_STRUCT(CdiSpec, spec_fields);

/* Oldest first. */
static const char *const versions[] = { "0.3.0", "0.4.0", "0.5.0", "0.6.0",
                                        "0.7.0", "0.8.0", "1.0.0", "1.1.0" };
enum {
    VERSION_0_3,
    VERSION_0_4,
    VERSION_0_5,
    VERSION_0_6,
    VERSION_0_7,
    VERSION_0_8,
    VERSION_1_0,
    VERSION_1_1,
};

void cdi_spec_free(CdiSpec *spec)
{
    if (!spec)
        return;
    json_struct_done(&spec_json, spec);
    free(spec);
}

static int find_version(const CdiSpec *spec, size_t *ret, Error *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(versions); i++)
        if (strcmp(versions[i], spec->version) == 0) {
            *ret = i;
            return 0;
        }
    return error_set(err, ERROR_UNSUPPORTED,
                     "version '%s' of CDI is not supported: 0.3.0 to 1.1.0 are", spec->version);
}

/* What is there although the specification's version @has only what is older. */
static int require(bool is_there, size_t has, size_t needs, const char *what, Error *err)
{
    if (!is_there || has >= needs)
        return 0;
    return error_set(err, ERROR_INVALID, "%s takes version %s of CDI or later", what,
                     versions[needs]);
}

static int check_environment(const StringList *environment, Error *err)
{
    for (size_t i = 0; i < environment->count; i++)
        if (environment->items[i][0] == '=' || !strchr(environment->items[i], '='))
            return error_set(err, ERROR_INVALID, "environment variable '%s' is not 'NAME=value'",
                             environment->items[i]);
    return 0;
}

static bool is_number(OptionalInt64 number, int64_t maximum)
{
    return !number.is_set || (number.value >= 0 && number.value <= maximum);
}

static int check_node(const CdiDeviceNode *node, Error *err)
{
    if (!path_is_absolute(node->path) || (node->host_path && !path_is_absolute(node->host_path)))
        return error_set(err, ERROR_INVALID, "device node '%s' is not an absolute path",
                         node->host_path ? node->host_path : node->path);
    if (node->type && *node->type && (strlen(node->type) != 1 || !strchr("bcup", *node->type)))
        return error_set(err, ERROR_INVALID, "device node '%s': type '%s' is not b, c, u or p",
                         node->path, node->type);
    if (node->permissions && *node->permissions && !device_permissions_are_valid(node->permissions))
        return error_set(err, ERROR_INVALID, "device node '%s': permissions '%s' are not of 'rwm'",
                         node->path, node->permissions);
    if (!is_number(node->major, UINT32_MAX) || !is_number(node->minor, UINT32_MAX))
        return error_set(err, ERROR_INVALID, "device node '%s': a number is out of range",
                         node->path);
    if (node->file_mode.value > 07777)
        return error_set(err, ERROR_INVALID, "device node '%s': the mode is more than 07777",
                         node->path);
    if (node->uid.value >= UINT32_MAX || node->gid.value >= UINT32_MAX)
        return error_set(err, ERROR_INVALID, "device node '%s': an owner is out of range",
                         node->path);
    return 0;
}

static int check_nodes(const CdiEdits *edits, size_t version, Error *err)
{
    int r = 0;

    for (size_t i = 0; i < edits->device_nodes.count && r >= 0; i++) {
        r = check_node(&edits->device_nodes.items[i], err);
        if (r >= 0)
            r = require(edits->device_nodes.items[i].host_path != NULL, version, VERSION_0_5,
                        "'hostPath' of a device node", err);
    }
    return r;
}

static int check_mounts(const CdiEdits *edits, size_t version, Error *err)
{
    int r = 0;

    for (size_t i = 0; i < edits->mounts.count && r >= 0; i++) {
        const CdiMount *mount = &edits->mounts.items[i];

        r = require(mount->type != NULL, version, VERSION_0_4, "'type' of a mount", err);
        if (r >= 0 && *mount->host_path == '\0')
            r = error_set(err, ERROR_INVALID, "a mount's 'hostPath' is empty");
        if (r >= 0 && !path_is_absolute(mount->container_path))
            r = error_set(err, ERROR_INVALID, "mount point '%s' is not an absolute path",
                          mount->container_path);
    }
    return r;
}

static int check_hooks(const CdiEdits *edits, Error *err)
{
    static const char *const names[] = { "prestart",       "createRuntime", "createContainer",
                                         "startContainer", "poststart",     "poststop" };

    for (size_t i = 0; i < edits->hooks.count; i++) {
        const CdiHook *hook = &edits->hooks.items[i];
        bool is_known = false;
        int r;

        for (size_t j = 0; j < ARRAY_SIZE(names); j++)
            is_known = is_known || strcmp(names[j], hook->name) == 0;
        if (!is_known)
            return error_set(err, ERROR_INVALID, "unknown hook '%s'", hook->name);
        if (!path_is_absolute(hook->path))
            return error_set(err, ERROR_INVALID, "hook '%s': '%s' is not an absolute path",
                             hook->name, hook->path);
        if (hook->timeout.is_set && hook->timeout.value < 1)
            return error_set(err, ERROR_INVALID, "hook '%s': a timeout of %" PRId64 " seconds",
                             hook->name, hook->timeout.value);
        r = check_environment(&hook->env, err);
        if (r < 0)
            return r;
    }
    return 0;
}

static int check_edits(const CdiEdits *edits, size_t version, Error *err)
{
    int r = check_environment(&edits->env, err);

    if (r >= 0)
        r = check_nodes(edits, version, err);
    if (r >= 0)
        r = check_mounts(edits, version, err);
    if (r >= 0)
        r = check_hooks(edits, err);
    if (r >= 0)
        r = require(edits->intel_rdt != NULL, version, VERSION_0_7, "'intelRdt'", err);
    if (r >= 0)
        r = require(edits->net_devices != NULL, version, VERSION_1_1, "'netDevices'", err);
    if (r >= 0)
        r = require(edits->additional_gids.count > 0, version, VERSION_0_7, "'additionalGids'",
                    err);
    return r;
}

static bool is_without_edits(const CdiEdits *edits)
{
    return edits->env.count + edits->device_nodes.count + edits->mounts.count + edits->hooks.count +
                   edits->additional_gids.count ==
               0 &&
           !edits->intel_rdt && !edits->net_devices;
}

static int check_device(const CdiSpec *spec, const CdiDevice *device, size_t version, Error *err)
{
    int r = cdi_device_validate(device->name, err);

    if (r >= 0)
        r = require(device->name[0] >= '0' && device->name[0] <= '9', version, VERSION_0_5,
                    "a device's name that begins with a digit", err);
    if (r >= 0)
        r = require(device->annotations.count > 0, version, VERSION_0_6, "'annotations'", err);
    if (r >= 0 && cdi_spec_find(spec, device->name) != device)
        r = error_set(err, ERROR_INVALID, "it is there twice");
    if (r >= 0 && is_without_edits(&device->edits))
        r = error_set(err, ERROR_INVALID, "it has no 'containerEdits'");
    if (r >= 0)
        r = check_edits(&device->edits, version, err);
    return r < 0 ? error_wrap(err, r, "device '%s'", device->name) : 0;
}

static int check_spec(const CdiSpec *spec, Error *err)
{
    size_t version;
    int r = find_version(spec, &version, err);

    if (r >= 0)
        r = cdi_kind_validate(spec->kind, err);
    if (r >= 0)
        r = require(strchr(strchr(spec->kind, '/'), '.') != NULL, version, VERSION_0_6,
                    "a class with '.'", err);
    if (r >= 0)
        r = require(spec->annotations.count > 0, version, VERSION_0_6, "'annotations'", err);
    if (r >= 0)
        r = check_edits(&spec->edits, version, err);
    if (r >= 0 && spec->devices.count == 0)
        r = error_set(err, ERROR_INVALID, "it has no devices");
    for (size_t i = 0; i < spec->devices.count && r >= 0; i++)
        r = check_device(spec, &spec->devices.items[i], version, err);
    return r;
}

int cdi_spec_parse(const json_t *json, CdiSpec **ret, Error *err)
{
    _cleanup_(cdi_spec_freep) CdiSpec *spec = NEW(CdiSpec);
    int r = json_struct_read(&spec_json, json, spec, err);

    if (r >= 0)
        r = json_struct_check_members(&spec_json, json, err);
    if (r >= 0)
        r = check_spec(spec, err);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(spec);
    return 0;
}

const CdiDevice *cdi_spec_find(const CdiSpec *spec, const char *name)
{
    for (size_t i = 0; i < spec->devices.count; i++)
        if (strcmp(spec->devices.items[i].name, name) == 0)
            return &spec->devices.items[i];
    return NULL;
}
