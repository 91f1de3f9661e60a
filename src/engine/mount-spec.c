/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The checks that a mount gets whoever asks for it, and the text of --tmpfs. That of --volume is in
 * mount-spec-volume.c, the fields of --mount are in mount-spec-fields.c.
 */

#include "engine/mount-spec.h"

#include <string.h>

#include "base/memory.h"
#include "base/parse.h"
#include "base/path.h"
#include "base/string-list.h"
#include "engine/volume.h"

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

/* What lxcfs and the like have to show the container, as in other runtimes. */
static const char *const proc_files[] = {
    "/proc/cpuinfo",
    "/proc/diskstats",
    "/proc/loadavg",
    "/proc/meminfo",
    "/proc/slabinfo",
    "/proc/stat",
    "/proc/swaps",
    "/proc/sys/crypto/fips_enabled",
    "/proc/sys/kernel/ns_last_pid",
    "/proc/uptime",
};

static bool is_in_proc(const char *path)
{
    for (size_t i = 0; i < ARRAY_SIZE(proc_files); i++)
        if (strcmp(proc_files[i], path) == 0)
            return false;
    return strncmp(path, "/proc/", strlen("/proc/")) == 0;
}

int mount_spec_validate_target(const char *target, Error *err)
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
    if (is_in_proc(clean))
        return error_set(err, ERROR_INVALID,
                         "the target '%s' cannot be mounted over: it is inside of '/proc'", target);
    return 0;
}

/* Below the root of a volume or an image, and not above it. */
static int check_subpath(const char *path, Error *err)
{
    _cleanup_string_list_ StringList parts = {};

    if (!path)
        return 0;
    string_list_split(&parts, path, '/');
    if (path_is_absolute(path) || string_list_contains(&parts, ".."))
        return error_set(err, ERROR_INVALID,
                         "the subpath '%s' is not a relative path below the mount's own root",
                         path);
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
    return 0;
}

static int check_tmpfs(const ContainerMount *mount, Error *err)
{
    if (mount->source)
        return error_set(err, ERROR_INVALID, "a mount of type tmpfs has no source, but got '%s'",
                         mount->source);
    if (mount->tmpfs_size < 0)
        return error_set(err, ERROR_INVALID, "the size of a tmpfs cannot be negative");
    if (mount->tmpfs_mode > 07777)
        return error_set(err, ERROR_INVALID, "the mode of a tmpfs is at most 7777 (octal)");
    return 0;
}

static int check_volume(const ContainerMount *mount, Error *err)
{
    int r = mount->source ? volume_name_validate(mount->source, err) : 0;

    return r < 0 ? r : check_subpath(mount->volume_subpath, err);
}

static int check_image(const ContainerMount *mount, Error *err)
{
    if (!mount->source || *mount->source == '\0')
        return error_set(err, ERROR_INVALID, "the mount has no source: name an image");
    return check_subpath(mount->image_subpath, err);
}

static bool has_bind_options(const ContainerMount *mount)
{
    return mount->propagation || mount->non_recursive || mount->read_only_non_recursive ||
           mount->create_source || mount->match_user;
}

static bool has_tmpfs_options(const ContainerMount *mount)
{
    return mount->tmpfs_size != 0 || mount->tmpfs_mode != 0 || mount->tmpfs_options;
}

static bool has_volume_options(const ContainerMount *mount)
{
    return mount->volume_no_copy || mount->volume_subpath || mount->volume_driver ||
           mount->volume_options.count > 0 || mount->volume_labels.count > 0;
}

static bool has_image_options(const ContainerMount *mount)
{
    return mount->image_subpath;
}

static const struct {
    const char *name;
    bool (*has_options)(const ContainerMount *mount); /* that no other type has */
    int (*check)(const ContainerMount *mount, Error *err);
} types[] = {
    { "bind", has_bind_options, check_bind },
    { "image", has_image_options, check_image },
    { "tmpfs", has_tmpfs_options, check_tmpfs },
    { MOUNT_TYPE_DEFAULT, has_volume_options, check_volume },
};

int mount_spec_validate(const ContainerMount *mount, Error *err)
{
    const char *type = mount->type ? mount->type : MOUNT_TYPE_DEFAULT;
    int r = mount_spec_validate_target(mount->target, err);

    for (size_t i = 0; i < ARRAY_SIZE(types) && r >= 0; i++)
        if (strcmp(types[i].name, type) != 0 && types[i].has_options(mount))
            r = error_set(err, ERROR_INVALID, "'%s-*' options do not go with type '%s'",
                          types[i].name, type);
    if (r < 0)
        return r;
    if (strcmp(mount->target, "/proc") == 0 && strcmp(type, "bind") != 0)
        return error_set(err, ERROR_INVALID, "'/proc' cannot be mounted over");
    for (size_t i = 0; i < ARRAY_SIZE(types); i++)
        if (strcmp(types[i].name, type) == 0)
            return types[i].check(mount, err);
    return error_set(err, ERROR_INVALID,
                     "unknown mount type '%s', use bind, volume, tmpfs or image", type);
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
    int r = mount_spec_validate_target(target, err);

    if (r < 0 || !options || *options == '\0')
        return r;
    string_list_split(&list, options, ',');
    for (size_t i = 0; i < list.count && r == 0; i++)
        r = check_tmpfs_option(list.items[i], err);
    return r;
}
