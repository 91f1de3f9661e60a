/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Devices: which nodes the container has, and which it may open. A container has none of the host's
 * unless it is given them one by one, or all with --privileged.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/fd.h"
#include "base/memory.h"
#include "engine/container-private.h"
#include "engine/device-spec.h"

/* Any node may be made; only these may be opened. -1: any number. */
static const struct {
    const char *type;
    int64_t major;
    int64_t minor;
    const char *access;
} device_rules[] = {
    { "c", -1, -1, "m" },    { "b", -1, -1, "m" }, { "c", 1, 3, "rwm" }, /* null */
    { "c", 1, 5, "rwm" },                                                /* zero */
    { "c", 1, 7, "rwm" },                                                /* full */
    { "c", 1, 8, "rwm" },                                                /* random */
    { "c", 1, 9, "rwm" },                                                /* urandom */
    { "c", 5, 0, "rwm" },                                                /* tty */
    { "c", 5, 1, "rwm" },                                                /* console */
    { "c", 5, 2, "rwm" },                                                /* ptmx */
    { "c", 136, -1, "rwm" },                                             /* pts */
};

static void add_device_rules(LinuxResources *resources)
{
    for (size_t i = 0; i < ARRAY_SIZE(device_rules); i++) {
        LinuxDeviceRule *rule = JSON_ARRAY_ADD(&resources->devices);

        rule->allow = true;
        rule->type = memory_strdup(device_rules[i].type);
        rule->major = (OptionalInt64) { device_rules[i].major >= 0, device_rules[i].major };
        rule->minor = (OptionalInt64) { device_rules[i].minor >= 0, device_rules[i].minor };
        rule->access = memory_strdup(device_rules[i].access);
    }
}

/* Directories of /dev that a container has its own of, and what the sandbox makes itself. */
static bool is_own_device(const char *name)
{
    static const char *const names[] = { "pts",  "shm",  "mqueue", "fd",     "console",
                                         "null", "zero", "full",   "random", "urandom",
                                         "tty",  "ptmx", "stdin",  "stdout", "stderr" };

    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (strcmp(names[i], name) == 0)
            return true;

    return false;
}

static void add_device(LinuxConfig *config, const char *path, const struct stat *st)
{
    LinuxDevice *device = JSON_ARRAY_ADD(&config->devices);

    device->path = memory_strdup(path);
    device->type = memory_strdup(S_ISBLK(st->st_mode) ? "b" : "c");
    device->major = major(st->st_rdev);
    device->minor = minor(st->st_rdev);
    device->file_mode = (OptionalUint64) { true, st->st_mode & 07777 };
    device->uid = (OptionalUint64) { true, st->st_uid };
    device->gid = (OptionalUint64) { true, st->st_gid };
}

/* Those in the host's directory @name in @dir_fd, which is @path. What vanishes meanwhile is left
 * out. */
static void add_host_devices(LinuxConfig *config, int dir_fd, const char *name, const char *path)
{
    _cleanup_directory_ DIR *directory = NULL;
    bool is_top = dir_fd == AT_FDCWD;
    const struct dirent *entry;

    if (directory_open_at(dir_fd, name, &directory) < 0)
        return;
    while (directory_read(directory, &entry) > 0) {
        _cleanup_free_ char *child = memory_printf("%s/%s", path, entry->d_name);
        struct stat st;

        if ((is_top && is_own_device(entry->d_name)) ||
            fstatat(dirfd(directory), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        if (S_ISBLK(st.st_mode) || S_ISCHR(st.st_mode))
            add_device(config, child, &st);
        else if (S_ISDIR(st.st_mode))
            add_host_devices(config, dirfd(directory), entry->d_name, child);
    }
}

/* One node that the user named, and the right to use it. */
static void grant_device(LinuxConfig *config, const char *path, const struct stat *st,
                         const char *permissions)
{
    LinuxDeviceRule *rule = JSON_ARRAY_ADD(&config->resources.devices);

    rule->allow = true;
    rule->type = memory_strdup(S_ISBLK(st->st_mode) ? "b" : "c");
    rule->major = (OptionalInt64) { true, major(st->st_rdev) };
    rule->minor = (OptionalInt64) { true, minor(st->st_rdev) };
    rule->access = memory_strdup(permissions);
    add_device(config, path, st);
}

/* All device nodes in the host's directory @fd, which the container sees at @path. Returns how
 * many. */
static size_t grant_directory(LinuxConfig *config, int fd, const char *path,
                              const char *permissions)
{
    _cleanup_directory_ DIR *directory = NULL;
    const struct dirent *entry;
    size_t count = 0;

    if (directory_open_at(fd, ".", &directory) < 0)
        return 0;
    while (directory_read(directory, &entry) > 0) {
        _cleanup_free_ char *child = memory_printf("%s/%s", path, entry->d_name);
        struct stat st;

        if (fstatat(dirfd(directory), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        if (S_ISBLK(st.st_mode) || S_ISCHR(st.st_mode)) {
            grant_device(config, child, &st, permissions);
            count++;
        } else if (S_ISDIR(st.st_mode)) {
            _cleanup_close_ int child_fd = openat(dirfd(directory), entry->d_name,
                                                  O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

            if (child_fd >= 0)
                count += grant_directory(config, child_fd, child, permissions);
        }
    }
    return count;
}

static int add_user_device(LinuxConfig *config, const ContainerDevice *device, Error *err)
{
    struct stat st;

    if (stat(device->host_path, &st) < 0)
        return error_errno(err, "device '%s'", device->host_path);
    if (S_ISBLK(st.st_mode) || S_ISCHR(st.st_mode)) {
        grant_device(config, device->container_path, &st, device->permissions);
        return 0;
    }
    if (S_ISDIR(st.st_mode)) {
        _cleanup_close_ int fd = open(device->host_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (fd >= 0 && grant_directory(config, fd, device->container_path, device->permissions) > 0)
            return 0;
    }
    return error_set(err, ERROR_INVALID, "device '%s' is not a device node", device->host_path);
}

static int add_user_rules(LinuxResources *resources, const ContainerSpec *spec, Error *err)
{
    for (size_t i = 0; i < spec->device_cgroup_rules.count; i++) {
        int r = device_rule_parse(spec->device_cgroup_rules.items[i],
                                  JSON_ARRAY_ADD(&resources->devices), err);

        if (r < 0)
            return r;
    }
    return 0;
}

int config_add_devices(RuntimeConfig *config, const ContainerSpec *spec, Error *err)
{
    LinuxConfig *linux_config = &config->linux_config;

    if (spec->privileged) {
        JSON_ARRAY_ADD(&linux_config->resources.devices)->allow = true; /* everything */
        add_host_devices(linux_config, AT_FDCWD, "/dev", "/dev");
    } else {
        add_device_rules(&linux_config->resources);
    }
    for (size_t i = 0; i < spec->devices.count; i++) {
        int r = add_user_device(linux_config, &spec->devices.items[i], err);

        if (r < 0)
            return r;
    }
    return add_user_rules(&linux_config->resources, spec, err);
}
