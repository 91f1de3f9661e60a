/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What every kind of mount has in common: its checks, and the text of --volume and --tmpfs. The
 * fields of --mount are in mount-spec-fields.c.
 */

#include "engine/mount-spec.h"

#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/parse.h"
#include "base/path.h"
#include "base/string-list.h"
#include "engine/mount-spec-private.h"

/* Only a kernel with SELinux has this directory. */
#define SELINUX_PATH "/sys/fs/selinux"

static const char *const propagations[] = {
    "private", "rprivate", "shared", "rshared", "slave", "rslave",
};

static bool is_propagation(const char *text)
{
    for (size_t i = 0; i < ARRAY_SIZE(propagations); i++)
        if (strcmp(propagations[i], text) == 0)
            return true;
    return false;
}

static int check_absolute(const char *what, const char *path, Error *err)
{
    if (!path || *path == '\0')
        return error_set(err, ERROR_INVALID, "the mount has no %s", what);
    if (!path_is_absolute(path))
        return error_set(err, ERROR_INVALID, "the %s '%s' is not an absolute path", what, path);
    return 0;
}

static int check_target(const char *target, Error *err)
{
    int r = check_absolute("target", target, err);

    if (r < 0)
        return r;
    _cleanup_free_ char *clean = path_clean(target);
    if (strcmp(clean, "/") == 0)
        return error_set(err, ERROR_INVALID,
                         "the target '%s' cannot be mounted over: it is the "
                         "container's root",
                         target);
    return 0;
}

static int check_bind(const ContainerMount *mount, Error *err)
{
    int r = check_absolute("source", mount->source, err);

    if (r < 0)
        return r;
    if (mount->propagation && !is_propagation(mount->propagation))
        return error_set(err, ERROR_INVALID,
                         "unknown propagation '%s', use one of private rprivate shared rshared "
                         "slave rslave",
                         mount->propagation);
    if (mount->tmpfs_size != 0 || mount->tmpfs_mode != 0)
        return error_set(err, ERROR_INVALID, "'tmpfs-*' options belong to mounts of type tmpfs");
    return 0;
}

static int check_tmpfs(const ContainerMount *mount, Error *err)
{
    if (mount->source)
        return error_set(err, ERROR_INVALID, "a mount of type tmpfs has no source, but got '%s'",
                         mount->source);
    if (mount->propagation || mount->non_recursive || mount->read_only_non_recursive ||
        mount->create_source)
        return error_set(err, ERROR_INVALID, "'bind-*' options belong to mounts of type bind");
    if (mount->tmpfs_size < 0)
        return error_set(err, ERROR_INVALID, "the size of a tmpfs cannot be negative");
    if (mount->tmpfs_mode > 07777)
        return error_set(err, ERROR_INVALID, "the mode of a tmpfs is at most 7777 (octal)");
    return 0;
}

int mount_spec_validate(const ContainerMount *mount, Error *err)
{
    static const struct {
        const char *type;
        int (*check)(const ContainerMount *mount, Error *err);
    } types[] = { { "bind", check_bind }, { "tmpfs", check_tmpfs } };
    const char *type = mount->type ? mount->type : "volume"; /* Docker's default */
    int r = check_target(mount->target, err);

    if (r < 0)
        return r;
    for (size_t i = 0; i < ARRAY_SIZE(types); i++)
        if (strcmp(types[i].type, type) == 0)
            return types[i].check(mount, err);
    return error_set(err, ERROR_UNSUPPORTED,
                     "mount type '%s' is not supported by this version: use 'type=bind' or "
                     "'type=tmpfs'",
                     type);
}

/* SELinux labels: without SELinux there is nothing to label, and the wish is fulfilled. */
static int apply_label_option(ContainerMount *mount, const char *option, Error *err)
{
    (void)mount;
    if (access(SELINUX_PATH, F_OK) == 0)
        return error_set(err, ERROR_UNSUPPORTED,
                         "option '%s' is not supported by this version: label the source with "
                         "chcon(1)",
                         option);
    return 0;
}

static int apply_access(ContainerMount *mount, const char *option, Error *err)
{
    (void)err;
    mount->read_only = strcmp(option, "ro") == 0;
    return 0;
}

static int apply_propagation(ContainerMount *mount, const char *option, Error *err)
{
    (void)err;
    mount->propagation = memory_strdup(option);
    return 0;
}

static int refuse_volume_option(ContainerMount *mount, const char *option, Error *err)
{
    (void)mount;
    return error_set(err, ERROR_UNSUPPORTED,
                     "option '%s' is for volumes, which this version does not support", option);
}

/* Docker's hints for shared folders of virtual machines: on Linux all three mean the same. */
static int accept_consistency(ContainerMount *mount, const char *option, Error *err)
{
    (void)mount, (void)option, (void)err;
    return 0;
}

/* Options of one group exclude each other. */
static const struct {
    const char *name;
    unsigned group;
    int (*apply)(ContainerMount *mount, const char *option, Error *err);
} bind_options[] = {
    { "ro", 1 << 0, apply_access },
    { "rw", 1 << 0, apply_access },
    { "z", 1 << 1, apply_label_option },
    { "Z", 1 << 1, apply_label_option },
    { "private", 1 << 2, apply_propagation },
    { "rprivate", 1 << 2, apply_propagation },
    { "shared", 1 << 2, apply_propagation },
    { "rshared", 1 << 2, apply_propagation },
    { "slave", 1 << 2, apply_propagation },
    { "rslave", 1 << 2, apply_propagation },
    { "nocopy", 1 << 3, refuse_volume_option },
    { "consistent", 1 << 4, accept_consistency },
    { "cached", 1 << 4, accept_consistency },
    { "delegated", 1 << 4, accept_consistency },
};

static int apply_bind_option(ContainerMount *mount, const char *option, unsigned *groups,
                             Error *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(bind_options); i++) {
        if (strcmp(bind_options[i].name, option) != 0)
            continue;
        if (*groups & bind_options[i].group)
            return error_set(err, ERROR_INVALID, "option '%s' contradicts or repeats another one",
                             option);
        *groups |= bind_options[i].group;
        return bind_options[i].apply(mount, option, err);
    }
    return error_set(err, ERROR_INVALID,
                     "unknown option '%s', use ro, rw, z, Z or a propagation such as rslave",
                     option);
}

static int apply_bind_options(ContainerMount *mount, const char *text, Error *err)
{
    _cleanup_string_list_ StringList options = {};
    unsigned groups = 0;

    string_list_split(&options, text, ',');
    for (size_t i = 0; i < options.count; i++) {
        int r = apply_bind_option(mount, options.items[i], &groups, err);
        if (r < 0)
            return r;
    }
    return 0;
}

static bool is_relative_path(const char *source)
{
    return strcmp(source, ".") == 0 || strcmp(source, "..") == 0 || strncmp(source, "./", 2) == 0 ||
           strncmp(source, "../", 3) == 0;
}

int mount_spec_resolve_source(const char *source, const char *directory, char **ret, Error *err)
{
    if (!is_relative_path(source)) {
        *ret = memory_strdup(source);
        return 0;
    }
    if (!directory)
        return error_set(err, ERROR_INVALID, "the source '%s' is not an absolute path", source);
    *ret = path_join(directory, source);
    return 0;
}

/* Named volumes are told from paths by their first character, as Docker does. */
static int take_bind_source(ContainerMount *mount, const char *source, const char *directory,
                            Error *err)
{
    if (*source == '\0')
        return error_set(err, ERROR_INVALID, "the source is empty");
    if (!path_is_absolute(source) && !is_relative_path(source))
        return error_set(err, ERROR_UNSUPPORTED,
                         "volume '%s': volumes are not supported by this version, use a path of "
                         "the host such as './%s'",
                         source, source);
    return mount_spec_resolve_source(source, directory, &mount->source, err);
}

static int parse_bind_parts(const StringList *parts, const char *directory, ContainerMount *mount,
                            Error *err)
{
    int r;

    if (parts->count == 1)
        return error_set(err, ERROR_UNSUPPORTED,
                         "volumes are not supported by this version, use a path of the host: "
                         "SOURCE:%s",
                         parts->items[0]);
    if (parts->count > 3)
        return error_set(err, ERROR_INVALID, "too many colons, write SOURCE:TARGET[:OPTIONS]");

    mount->type = memory_strdup("bind");
    mount->target = memory_strdup(parts->items[1]);
    mount->create_source = true;
    r = take_bind_source(mount, parts->items[0], directory, err);
    if (r == 0 && parts->count == 3)
        r = apply_bind_options(mount, parts->items[2], err);
    return r < 0 ? r : mount_spec_validate(mount, err);
}

int mount_spec_parse_bind(const char *text, const char *directory, ContainerMount *ret, Error *err)
{
    _cleanup_container_mount_ ContainerMount mount = {};
    _cleanup_string_list_ StringList parts = {};
    int r;

    string_list_split(&parts, text, ':');
    r = parse_bind_parts(&parts, directory, &mount, err);
    if (r < 0)
        return r;
    *ret = mount;
    mount = (ContainerMount) {};
    return 0;
}

int mount_spec_complete_bind(const char *text, const char *directory, char **ret, Error *err)
{
    _cleanup_container_mount_ ContainerMount mount = {};
    int r = mount_spec_parse_bind(text, directory, &mount, err);

    if (r < 0)
        return r;
    if (strchr(mount.source, ':'))
        return error_set(err, ERROR_INVALID,
                         "the source '%s' has a colon: use --mount type=bind instead",
                         mount.source);
    *ret = memory_printf("%s%s", mount.source, strchr(text, ':'));
    return 0;
}

/* The flags and parameters that --tmpfs may hand to the kernel. */
static const char *const tmpfs_flags[] = {
    "async", "atime",      "dev",         "diratime",   "dirsync",       "exec",   "noatime",
    "nodev", "nodiratime", "noexec",      "norelatime", "nostrictatime", "nosuid", "relatime",
    "ro",    "rw",         "strictatime", "suid",       "sync",
};

static int check_tmpfs_id(const char *value)
{
    uint32_t id;

    return parse_u32(value, &id);
}

/* "512m", or "50%" of the memory, as tmpfs(5) has it. */
static int check_tmpfs_size(const char *value)
{
    size_t length = strlen(value);
    int64_t size;
    uint32_t percent;

    if (length < 2 || value[length - 1] != '%')
        return parse_size(value, &size);
    _cleanup_free_ char *number = memory_strndup(value, length - 1);
    return parse_u32(number, &percent);
}

static int check_tmpfs_mode(const char *value)
{
    uint32_t mode;

    return parse_mode(value, &mode);
}

static const struct {
    const char *name;
    int (*check)(const char *value);
} tmpfs_parameters[] = {
    { "gid", check_tmpfs_id },         { "mode", check_tmpfs_mode },
    { "nr_blocks", check_tmpfs_size }, { "nr_inodes", check_tmpfs_size },
    { "size", check_tmpfs_size },      { "uid", check_tmpfs_id },
};

static int check_tmpfs_option(const char *option, Error *err)
{
    size_t length = strcspn(option, "=");

    for (size_t i = 0; i < ARRAY_SIZE(tmpfs_flags); i++)
        if (strcmp(tmpfs_flags[i], option) == 0)
            return 0;
    for (size_t i = 0; i < ARRAY_SIZE(tmpfs_parameters); i++) {
        const char *name = tmpfs_parameters[i].name;

        if (option[length] != '=' || strlen(name) != length || strncmp(name, option, length) != 0)
            continue;
        if (tmpfs_parameters[i].check(option + length + 1) < 0)
            return error_set(err, ERROR_INVALID, "invalid value in tmpfs option '%s'", option);
        return 0;
    }
    return error_set(err, ERROR_INVALID, "unknown tmpfs option '%s'", option);
}

int mount_spec_validate_tmpfs(const char *target, const char *options, Error *err)
{
    _cleanup_string_list_ StringList list = {};
    int r = check_target(target, err);

    if (r < 0 || !options || *options == '\0')
        return r;
    string_list_split(&list, options, ',');
    for (size_t i = 0; i < list.count && r == 0; i++)
        r = check_tmpfs_option(list.items[i], err);
    return r;
}
