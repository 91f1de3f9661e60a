/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What devices of the Container Device Interface change in a configuration. A specification's own
 * edits come once, before those of the first of its devices, in the order in which the devices were
 * asked for; what is in their place already gives way.
 */

#include "engine/cdi.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/memory.h"
#include "base/path.h"
#include "base/variables.h"
#include "engine/cdi-registry.h"

/* What the host's drivers have put down when they were loaded wins. */
const char *const cdi_directories[] = { "/etc/cdi", "/var/run/cdi", NULL };

/* Edits that were made before, by their address. */
typedef JSON_ARRAY_OF(const CdiEdits *) DoneEdits;

static void done_edits_done(DoneEdits *done)
{
    free(done->items);
}

static void mount_done(RuntimeMount *mount)
{
    free(mount->destination);
    free(mount->type);
    free(mount->source);
    string_list_done(&mount->options);
}

/* A mount that is in this place already gives way. */
static void remove_mount(RuntimeConfig *config, const char *destination)
{
    size_t kept = 0;

    for (size_t i = 0; i < config->mounts.count; i++) {
        if (strcmp(config->mounts.items[i].destination, destination) == 0)
            mount_done(&config->mounts.items[i]);
        else
            config->mounts.items[kept++] = config->mounts.items[i];
    }
    config->mounts.count = kept;
}

/* Without a type, or with the type "bind" alone, it is a bind mount. */
static int add_mount(RuntimeConfig *config, const CdiMount *wanted, Error *err)
{
    _cleanup_free_ char *destination = path_clean(wanted->container_path);
    bool is_bind = !wanted->type || !*wanted->type || strcmp(wanted->type, "bind") == 0;
    RuntimeMount *mount;
    struct stat st;

    if (is_bind && stat(wanted->host_path, &st) < 0)
        return error_errno(err, "mount source '%s'", wanted->host_path);
    remove_mount(config, destination);
    mount = JSON_ARRAY_ADD(&config->mounts);
    mount->destination = TAKE_PTR(destination);
    mount->type = memory_strdup(is_bind ? "bind" : wanted->type);
    mount->source = memory_strdup(wanted->host_path);
    string_list_copy(&mount->options, &wanted->options);
    if (is_bind && !string_list_contains(&mount->options, "bind") &&
        !string_list_contains(&mount->options, "rbind"))
        string_list_add(&mount->options, "bind");
    return 0;
}

/* What the specification leaves open is the host's node's, whose type has to be the same. */
static int complete_node(const CdiDeviceNode *node, LinuxDevice *device, Error *err)
{
    const char *path = node->host_path && *node->host_path ? node->host_path : node->path;
    bool is_complete = device->type && (node->major.is_set || *device->type == 'p');
    const char *type;
    struct stat st;

    if (is_complete)
        return 0;
    if (stat(path, &st) < 0)
        return error_errno(err, "device node '%s'", path);
    type = S_ISBLK(st.st_mode) ? "b" : S_ISCHR(st.st_mode) ? "c" : S_ISFIFO(st.st_mode) ? "p" : "";
    if (!*type)
        return error_set(err, ERROR_INVALID, "'%s' is no device node", path);
    if (device->type && strcmp(device->type, "u") != 0 && strcmp(device->type, type) != 0)
        return error_set(err, ERROR_INVALID, "device node '%s' is '%s', not '%s'", path, type,
                         device->type);
    if (!device->type)
        device->type = memory_strdup(type);
    if (*type != 'p') {
        device->major = major(st.st_rdev);
        device->minor = minor(st.st_rdev);
    }
    if (!device->file_mode.is_set)
        device->file_mode = (OptionalUint64) { true, st.st_mode & 07777 };
    return 0;
}

static void device_done(LinuxDevice *device)
{
    free(device->path);
    free(device->type);
}

/* A node that is in this place already gives way. */
static void remove_node(LinuxConfig *config, const char *path)
{
    size_t kept = 0;

    for (size_t i = 0; i < config->devices.count; i++) {
        if (strcmp(config->devices.items[i].path, path) == 0)
            device_done(&config->devices.items[i]);
        else
            config->devices.items[kept++] = config->devices.items[i];
    }
    config->devices.count = kept;
}

static void allow_node(LinuxConfig *config, const LinuxDevice *device, const char *permissions)
{
    LinuxDeviceRule *rule;

    if (*device->type == 'p')
        return; /* the list of devices knows nothing of pipes */
    rule = JSON_ARRAY_ADD(&config->resources.devices);
    rule->allow = true;
    rule->type = memory_strdup(*device->type == 'b' ? "b" : "c");
    rule->major = (OptionalInt64) { true, device->major };
    rule->minor = (OptionalInt64) { true, device->minor };
    rule->access = memory_strdup(permissions && *permissions ? permissions : "rwm");
}

/* Who owns it, if the specification does not say: the container's user, if that is not root. */
static OptionalUint64 owner_of(OptionalUint64 wanted, uint32_t user)
{
    return wanted.is_set ? wanted : (OptionalUint64) { user != 0, user };
}

static int add_node(RuntimeConfig *config, const CdiDeviceNode *node, Error *err)
{
    LinuxDevice device = {
        .path = path_clean(node->path),
        .type = node->type && *node->type ? memory_strdup(node->type) : NULL,
        .major = node->major.value,
        .minor = node->minor.value,
        .file_mode = node->file_mode,
        .uid = owner_of(node->uid, config->process->user.uid),
        .gid = owner_of(node->gid, config->process->user.gid),
    };
    int r = complete_node(node, &device, err);

    if (r < 0) {
        device_done(&device);
        return r;
    }
    remove_node(&config->linux_config, device.path);
    allow_node(&config->linux_config, &device, node->permissions);
    *JSON_ARRAY_ADD(&config->linux_config.devices) = device;
    return 0;
}

static void add_groups(RuntimeUser *user, const CdiEdits *edits)
{
    for (size_t i = 0; i < edits->additional_gids.count; i++) {
        uint32_t group = edits->additional_gids.items[i];
        bool is_there = group == 0; /* as the specification wants it: root's is never given */

        for (size_t j = 0; j < user->additional_gids.count; j++)
            is_there = is_there || user->additional_gids.items[j] == group;
        if (!is_there)
            *JSON_ARRAY_ADD(&user->additional_gids) = group;
    }
}

/* The shim runs no hook after the start and after the end. */
static RuntimeHookList *find_hooks(RuntimeHooks *hooks, const char *name)
{
    const struct {
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

static int make_edits(RuntimeConfig *config, const CdiEdits *edits, Error *err)
{
    int r = 0;

    if (edits->intel_rdt || edits->net_devices)
        return error_set(err, ERROR_UNSUPPORTED, "'%s' is not supported by this version",
                         edits->intel_rdt ? "intelRdt" : "netDevices");
    for (size_t i = 0; i < edits->env.count; i++)
        variables_set(&config->process->env, edits->env.items[i]);
    add_groups(&config->process->user, edits);
    for (size_t i = 0; i < edits->device_nodes.count && r >= 0; i++)
        r = add_node(config, &edits->device_nodes.items[i], err);
    for (size_t i = 0; i < edits->mounts.count && r >= 0; i++)
        r = add_mount(config, &edits->mounts.items[i], err);
    for (size_t i = 0; i < edits->hooks.count && r >= 0; i++)
        r = add_hook(config, &edits->hooks.items[i], err);
    return r;
}

static int make_edits_once(RuntimeConfig *config, const CdiEdits *edits, DoneEdits *done,
                           Error *err)
{
    for (size_t i = 0; i < done->count; i++)
        if (done->items[i] == edits)
            return 0;
    *JSON_ARRAY_ADD(done) = edits;
    return make_edits(config, edits, err);
}

int cdi_apply(const char *const *directories, const StringList *devices, RuntimeConfig *config,
              Error *err)
{
    _cleanup_(cdi_registry_freep) CdiRegistry *registry = NULL;
    _cleanup_(done_edits_done) DoneEdits done = {};

    if (devices->count > 0)
        registry = cdi_registry_load(directories);
    for (size_t i = 0; i < devices->count; i++) {
        const CdiDevice *device;
        const CdiSpec *spec;
        int r = cdi_registry_find(registry, devices->items[i], &spec, &device, err);

        if (r < 0)
            return r;
        r = make_edits_once(config, &spec->edits, &done, err);
        if (r >= 0)
            r = make_edits_once(config, &device->edits, &done, err);
        if (r < 0)
            return error_wrap(err, r, "CDI device '%s'", devices->items[i]);
    }
    return 0;
}
