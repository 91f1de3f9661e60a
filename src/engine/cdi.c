/* SPDX-License-Identifier: Apache-2.0 */

/* Specifications are the administrator's and the vendors' files: data, but trusted as the engine's
 * configuration is. They are read only when a device of theirs is asked for. */

#include "engine/cdi.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/directory.h"
#include "base/fd.h"
#include "base/json-fields.h"
#include "base/memory.h"
#include "base/yaml-json.h"

#define SPECIFICATION_LIMIT (4U << 20)

const char *const cdi_directories[] = { "/etc/cdi", "/var/run/cdi", NULL };

typedef struct CdiDeviceNode {
    char *path;
    char *host_path;
    char *type;
    OptionalInt64 major;
    OptionalInt64 minor;
    OptionalInt64 file_mode;
    char *permissions;
    OptionalInt64 uid;
    OptionalInt64 gid;
} CdiDeviceNode;

typedef struct CdiMount {
    char *host_path;
    char *container_path;
    char *type;
    StringList options;
} CdiMount;

typedef struct CdiHook {
    char *name;
    char *path;
    StringList args;
    StringList env;
    OptionalInt64 timeout;
} CdiHook;

typedef struct CdiEdits {
    StringList env;
    JSON_ARRAY_OF(CdiDeviceNode) device_nodes;
    JSON_ARRAY_OF(CdiMount) mounts;
    JSON_ARRAY_OF(CdiHook) hooks;
    JSON_ARRAY_OF(uint32_t) additional_gids;
    json_t *intel_rdt; /* the last two are only here to be refused */
    json_t *net_devices;
} CdiEdits;

typedef struct CdiDevice {
    char *name;
    CdiEdits edits;
} CdiDevice;

typedef struct CdiSpecification {
    char *version;
    char *kind; /* "vendor.com/class" */
    CdiEdits edits;
    JSON_ARRAY_OF(CdiDevice) devices;
} CdiSpecification;

static const JsonField node_fields[] = {
    JSON_FIELD_FLAGS(CdiDeviceNode, path, "path", JSON_TYPE_STRING, JSON_REQUIRED),
    JSON_FIELD(CdiDeviceNode, host_path, "hostPath", JSON_TYPE_STRING),
    JSON_FIELD(CdiDeviceNode, type, "type", JSON_TYPE_STRING),
    JSON_FIELD(CdiDeviceNode, major, "major", JSON_TYPE_OPTIONAL_INT64),
    JSON_FIELD(CdiDeviceNode, minor, "minor", JSON_TYPE_OPTIONAL_INT64),
    JSON_FIELD(CdiDeviceNode, file_mode, "fileMode", JSON_TYPE_OPTIONAL_INT64),
    JSON_FIELD(CdiDeviceNode, permissions, "permissions", JSON_TYPE_STRING),
    JSON_FIELD(CdiDeviceNode, uid, "uid", JSON_TYPE_OPTIONAL_INT64),
    JSON_FIELD(CdiDeviceNode, gid, "gid", JSON_TYPE_OPTIONAL_INT64),
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
    JSON_FIELD_OF(CdiDevice, edits, "containerEdits", JSON_TYPE_STRUCT, &edits_json),
};
static const JsonStruct device_json = JSON_STRUCT(CdiDevice, device_fields);

static const JsonField specification_fields[] = {
    JSON_FIELD_FLAGS(CdiSpecification, version, "cdiVersion", JSON_TYPE_STRING, JSON_REQUIRED),
    JSON_FIELD_FLAGS(CdiSpecification, kind, "kind", JSON_TYPE_STRING, JSON_REQUIRED),
    JSON_FIELD_OF(CdiSpecification, edits, "containerEdits", JSON_TYPE_STRUCT, &edits_json),
    JSON_FIELD_OF(CdiSpecification, devices, "devices", JSON_TYPE_STRUCT_ARRAY, &device_json),
};
static const JsonStruct specification_json = JSON_STRUCT(CdiSpecification, specification_fields);

static void specification_done(CdiSpecification *specification)
{
    json_struct_done(&specification_json, specification);
}

/* "vendor.com/class=name"; a path has no '=' before its first '/'. */
bool cdi_is_qualified_name(const char *text)
{
    const char *slash = strchr(text, '/'), *equals = strchr(text, '=');

    return text[0] != '/' && slash && equals && slash > text && equals > slash + 1 && equals[1];
}

/* --- edits --- */

static int add_node(RuntimeConfig *config, const CdiDeviceNode *node, Error *err)
{
    LinuxDevice *device = JSON_ARRAY_ADD(&config->linux_config.devices);
    LinuxDeviceRule *rule = JSON_ARRAY_ADD(&config->linux_config.resources.devices);
    const char *host_path = node->host_path ? node->host_path : node->path;
    struct stat st = {};

    if ((!node->major.is_set || !node->type) &&
        (stat(host_path, &st) < 0 || !(S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode))))
        return error_set(err, ERROR_NOT_FOUND, "'%s' is not a device of this host", host_path);
    device->path = memory_strdup(node->path);
    device->type = memory_strdup(node->type ? node->type : S_ISBLK(st.st_mode) ? "b" : "c");
    device->major = node->major.is_set ? node->major.value : (int64_t)major(st.st_rdev);
    device->minor = node->major.is_set ? node->minor.value : (int64_t)minor(st.st_rdev);
    if (node->file_mode.is_set)
        device->file_mode = (OptionalUint64) { true, (uint64_t)node->file_mode.value };
    else if (st.st_mode)
        device->file_mode = (OptionalUint64) { true, st.st_mode & 07777 };
    if (node->uid.is_set)
        device->uid = (OptionalUint64) { true, (uint64_t)node->uid.value };
    if (node->gid.is_set)
        device->gid = (OptionalUint64) { true, (uint64_t)node->gid.value };

    rule->allow = true;
    rule->type = memory_strdup(device->type);
    rule->major = (OptionalInt64) { true, device->major };
    rule->minor = (OptionalInt64) { true, device->minor };
    rule->access = memory_strdup(node->permissions ? node->permissions : "rwm");
    return 0;
}

static void add_mount(RuntimeConfig *config, const CdiMount *wanted)
{
    RuntimeMount *mount = JSON_ARRAY_ADD(&config->mounts);

    mount->destination = memory_strdup(wanted->container_path);
    mount->source = memory_strdup(wanted->host_path);
    mount->type = memory_strdup(wanted->type ? wanted->type : "bind");
    string_list_copy(&mount->options, &wanted->options);
    if (strcmp(mount->type, "bind") == 0 && !string_list_contains(&mount->options, "bind") &&
        !string_list_contains(&mount->options, "rbind"))
        string_list_add(&mount->options, "bind");
}

/* The shim runs no hook after the start and after the end. */
static RuntimeHookList *find_hooks(RuntimeHooks *hooks, const char *name)
{
    struct {
        const char *name;
        RuntimeHookList *list;
    } lists[] = {
        { "prestart", &hooks->prestart },
        { "createRuntime", &hooks->create_runtime },
        { "createContainer", &hooks->create_container },
        { "startContainer", &hooks->start_container },
    };

    for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
        if (strcmp(lists[i].name, name) == 0)
            return lists[i].list;
    return NULL;
}

static int add_hook(RuntimeConfig *config, const CdiHook *wanted, Error *err)
{
    RuntimeHookList *list = find_hooks(&config->hooks, wanted->name);
    RuntimeHook *hook;

    if (!list)
        return error_set(err, ERROR_UNSUPPORTED, "hook '%s' is not supported by this version",
                         wanted->name);
    hook = JSON_ARRAY_ADD(list);
    hook->path = memory_strdup(wanted->path);
    string_list_copy(&hook->args, &wanted->args);
    string_list_copy(&hook->env, &wanted->env);
    hook->timeout = wanted->timeout;
    return 0;
}

static int apply_edits(RuntimeConfig *config, const CdiEdits *edits, Error *err)
{
    int r = 0;

    if (edits->intel_rdt || edits->net_devices)
        return error_set(err, ERROR_UNSUPPORTED, "'%s' is not supported by this version",
                         edits->intel_rdt ? "intelRdt" : "netDevices");
    for (size_t i = 0; i < edits->env.count; i++)
        string_list_add(&config->process->env, edits->env.items[i]);
    for (size_t i = 0; i < edits->device_nodes.count && r >= 0; i++)
        r = add_node(config, &edits->device_nodes.items[i], err);
    for (size_t i = 0; i < edits->mounts.count; i++)
        add_mount(config, &edits->mounts.items[i]);
    for (size_t i = 0; i < edits->hooks.count && r >= 0; i++)
        r = add_hook(config, &edits->hooks.items[i], err);
    for (size_t i = 0; i < edits->additional_gids.count; i++)
        *JSON_ARRAY_ADD(&config->process->user.additional_gids) = edits->additional_gids.items[i];
    return r;
}

/* --- finding --- */

static bool is_specification_name(const char *name)
{
    const char *dot = strrchr(name, '.');

    return dot && dot != name && (strcmp(dot, ".json") == 0 || strcmp(dot, ".yaml") == 0);
}

static int read_specification(int dir_fd, const char *name, CdiSpecification *ret, Error *err)
{
    _cleanup_(specification_done) CdiSpecification specification = {};
    _cleanup_json_ json_t *json = NULL;
    _cleanup_free_ char *text = NULL;
    size_t size;
    int r = file_read_at(dir_fd, name, SPECIFICATION_LIMIT, &text, &size);

    if (r < 0)
        return error_result(err, r, "read");
    r = strcmp(strrchr(name, '.'), ".json") == 0 ? json_parse(text, size, &json, err)
                                                 : yaml_parse(text, size, &json, err);
    if (r >= 0)
        r = json_struct_read(&specification_json, json, &specification, err);
    if (r < 0)
        return r;
    *ret = specification;
    specification = (CdiSpecification) {};
    return 0;
}

/* A device that is being looked for, and what there was besides. */
typedef struct Search {
    const char *name;
    const char *kind; /* not terminated */
    size_t kind_length;
    CdiSpecification found; /* kind NULL: not found yet */
    StringList others;
} Search;

static void search_done(Search *search)
{
    specification_done(&search->found);
    string_list_done(&search->others);
}

static const CdiDevice *find_device(const CdiSpecification *specification, const char *name)
{
    for (size_t i = 0; i < specification->devices.count; i++)
        if (strcmp(specification->devices.items[i].name, name) == 0)
            return &specification->devices.items[i];
    return NULL;
}

static void look_into(Search *search, CdiSpecification *specification)
{
    const char *device = search->kind + search->kind_length + 1;

    for (size_t i = 0; i < specification->devices.count; i++)
        string_list_printf(&search->others, "%s=%s", specification->kind,
                           specification->devices.items[i].name);
    if (strlen(specification->kind) != search->kind_length ||
        strncmp(specification->kind, search->kind, search->kind_length) != 0 ||
        !find_device(specification, device))
        return;
    specification_done(&search->found);
    search->found = *specification;
    *specification = (CdiSpecification) {};
}

/* One that cannot be read matters only if no other one has the device. */
static int search_directory(Search *search, const char *path, Error *problem)
{
    _cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    _cleanup_directory_ DIR *directory = NULL;
    const struct dirent *entry;
    int r = fd < 0 ? -errno : directory_open_at(fd, ".", &directory);

    if (r == -ENOENT)
        return 0;
    while (r >= 0 && (r = directory_read(directory, &entry)) > 0) {
        _cleanup_(specification_done) CdiSpecification specification = {};
        _cleanup_error_ Error wrong = {};

        if (!is_specification_name(entry->d_name))
            continue;
        if (read_specification(fd, entry->d_name, &specification, &wrong) >= 0) {
            look_into(search, &specification);
        } else if (!error_is_set(problem)) {
            error_move(problem, &wrong);
            (void)error_wrap(problem, -EINVAL, "'%s/%s'", path, entry->d_name);
        }
    }
    return r;
}

static int apply_device(const char *const *directories, const char *name, RuntimeConfig *config,
                        Error *err)
{
    _cleanup_(search_done)
        Search search = { .name = name, .kind = name, .kind_length = strcspn(name, "=") };
    _cleanup_error_ Error problem = {};
    int r = 0;

    for (size_t i = 0; directories[i] && r >= 0; i++) {
        r = search_directory(&search, directories[i], &problem);
        if (r < 0)
            return error_result(err, r, "read '%s'", directories[i]);
    }
    if (search.found.kind) {
        r = apply_edits(config, &search.found.edits, err);
        if (r >= 0)
            r = apply_edits(config, &find_device(&search.found, strchr(name, '=') + 1)->edits, err);
        return r < 0 ? error_wrap(err, r, "CDI device '%s'", name) : 0;
    }
    if (error_is_set(&problem)) {
        error_move(err, &problem);
        return error_wrap(err, -EINVAL, "CDI device '%s'", name);
    }

    _cleanup_free_ char *others = string_list_join(&search.others, ", ");
    return error_set(err, ERROR_NOT_FOUND, "no such CDI device: '%s': there %s%s", name,
                     search.others.count > 0 ? "are " : "is none", others);
}

int cdi_apply(const char *const *directories, const StringList *devices, RuntimeConfig *config,
              Error *err)
{
    int r = 0;

    for (size_t i = 0; i < devices->count && r >= 0; i++)
        r = apply_device(directories, devices->items[i], config, err);
    return r;
}
