/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The parent's part of the mounts that are new file systems: what each type makes of its options,
 * of a label, and of a user namespace. The child then makes them, in its own namespaces.
 */

#include <errno.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/vfs.h>

#include "base/memory.h"
#include "base/parse.h"
#include "sandbox/id-mapping.h"
#include "sandbox/mounts-private.h"

typedef enum LabelEffect {
    LABEL_OPTION,    /* the option "context" */
    LABEL_ATTRIBUTE, /* an attribute of its root: it takes no such option */
    LABEL_NONE,      /* the policy labels each file by its name */
} LabelEffect;

/*
 * The kernel's own file systems. Any other type lies on something that may itself be read-only.
 *
 * Some show a namespace, and only the user namespace that owns it may mount them. Where it is the
 * host's, a bind of the host's own mount shows the same. A network namespace only changes some
 * files of /sys, so that it does for a joined one, too; and nobody inside may write to the host's.
 */
static const struct {
    const char *type;
    LabelEffect label;
    const char *namespace;
    MountSubstitute substitute;
    bool is_for_joined;
} kernel_types[] = {
    { "tmpfs", LABEL_OPTION, NULL, {}, false },
    { "devpts", LABEL_OPTION, NULL, {}, false },
    { "proc", LABEL_NONE, "pid", { "/proc", 0 }, false },
    { "sysfs", LABEL_NONE, "network", { "/sys", MOUNT_ATTR_RDONLY }, true },
    { "mqueue", LABEL_ATTRIBUTE, "ipc", { "/dev/mqueue", 0 }, false },
};

static size_t find_type(const char *type)
{
    size_t i = 0;

    while (i < ARRAY_SIZE(kernel_types) && strcmp(kernel_types[i].type, type) != 0)
        i++;
    return i;
}

bool mount_type_is_memory(const char *type)
{
    return find_type(type) < ARRAY_SIZE(kernel_types);
}

static void plan_substitute(MountEntry *entry, const RuntimeConfig *config, size_t type)
{
    const LinuxNamespace *namespace;

    if (!kernel_types[type].namespace || !linux_namespace_find(&config->linux_config, "user"))
        return;
    namespace = linux_namespace_find(&config->linux_config, kernel_types[type].namespace);
    if (namespace && !namespace->path)
        return;
    entry->foreign_namespace = kernel_types[type].namespace;
    if (!namespace || kernel_types[type].is_for_joined)
        entry->substitute = kernel_types[type].substitute;
}

/* The kernel only says that the value is bad. Most common is gid=5 of devpts, the group "tty". */
static int check_owner(const MountEntry *entry, const char *key, const char *member,
                       const LinuxIdMappings *mappings, Error *err)
{
    const char *value = string_map_get(&entry->options.data, key);
    uint64_t id;

    if (!value || mappings->count == 0 || parse_u64(value, &id) < 0)
        return 0;
    if (id_mapping_has(mappings, id))
        return 0;
    return error_set(err, ERROR_INVALID,
                     "mount '%s': '%s=%s' is not an id of the user namespace: map it in "
                     "linux.%s, or leave the option out",
                     entry->destination, key, value, member);
}

static int check_owners(const MountEntry *entry, const RuntimeConfig *config, Error *err)
{
    const LinuxConfig *settings = &config->linux_config;
    int r = check_owner(entry, "uid", "uidMappings", &settings->uid_mappings, err);

    return r < 0 ? r : check_owner(entry, "gid", "gidMappings", &settings->gid_mappings, err);
}

int mount_entry_plan_new(MountEntry *entry, const RuntimeMount *mount, const RuntimeConfig *config,
                         Error *err)
{
    MountOptions *options = &entry->options;
    size_t type = mount->type ? find_type(mount->type) : 0;
    bool is_tmpfs = mount->type && strcmp(mount->type, "tmpfs") == 0;
    bool is_readonly = mount_options_merged(options).value & MOUNT_ATTR_RDONLY;

    if (!mount->type)
        return error_set(err, ERROR_INVALID, "mount '%s': neither a type nor 'bind' is given",
                         mount->destination);
    if (options->copy_up && !is_tmpfs)
        return error_set(err, ERROR_INVALID,
                         "mount '%s': 'tmpcopyup' is an option of the type 'tmpfs' alone",
                         mount->destination);

    entry->type = memory_strdup(mount->type);
    entry->source = memory_strdup(mount->source);
    entry->is_sealed = is_tmpfs && is_readonly;
    entry->keeps_mode =
        is_tmpfs && !options->copy_up && !string_map_contains(&options->data, "mode");
    if (type < ARRAY_SIZE(kernel_types))
        plan_substitute(entry, config, type);
    else if (is_readonly)
        string_map_set(&options->data, "ro", NULL); /* a read-only device is refused otherwise */
    mount_label_plan(entry, config);
    return check_owners(entry, config, err);
}

int mount_label_check(const RuntimeConfig *config, Error *err)
{
    const char *label = config->linux_config.mount_label;
    struct statfs fs;

    if (!label || *label == '\0')
        return 0;
    if (statfs("/sys/fs/selinux", &fs) == 0 && (unsigned long)fs.f_type == SELINUX_MAGIC)
        return 0;
    return error_set(err, ERROR_UNSUPPORTED,
                     "linux.mountLabel: SELinux is not enabled on this host");
}

void mount_label_plan(MountEntry *entry, const RuntimeConfig *config)
{
    const char *label = config->linux_config.mount_label;
    size_t type = find_type(entry->type);
    LabelEffect effect = type < ARRAY_SIZE(kernel_types) ? kernel_types[type].label : LABEL_OPTION;

    if (!label || *label == '\0')
        return;
    if (effect == LABEL_ATTRIBUTE)
        entry->label = label;
    else if (effect == LABEL_OPTION && !string_map_contains(&entry->options.data, "context"))
        string_map_set(&entry->options.data, "context", label);
}
