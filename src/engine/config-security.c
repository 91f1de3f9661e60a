/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the container may not do: capabilities, seccomp, hidden paths, devices. Everything is closed
 * by default; --privileged and the security options open it piece by piece.
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/memory.h"
#include "engine/container-private.h"
#include "engine/seccomp-profile.h"
#include "engine/security-options.h"
#include "sandbox/capabilities.h"
#include "sandbox/seccomp-default.h"

/* What procfs and sysfs tell or do about the host as a whole; Docker's lists. */
static const char *const masked_paths[] = {
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
};

static const char *const readonly_paths[] = {
    "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
};

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

static int add_capabilities(RuntimeProcess *process, const ContainerSpec *spec, uint64_t *ret_mask,
                            Error *err)
{
    RuntimeCapabilities *capabilities = NEW(RuntimeCapabilities);
    uint64_t mask;
    int r;

    process->capabilities = capabilities;
    if (spec->privileged) {
        mask = capabilities_available();
    } else {
        r = capabilities_adjust(CAPABILITIES_DEFAULT & capabilities_available(),
                                &spec->capabilities_add, &spec->capabilities_drop, &mask, err);
        if (r < 0)
            return r;
    }

    /* Inheritable stays empty: a file's capabilities must not add to what a user was given. */
    capabilities_to_names(mask, &capabilities->bounding);
    if (process->user.uid == 0) {
        capabilities_to_names(mask, &capabilities->permitted);
        capabilities_to_names(mask, &capabilities->effective);
    }
    *ret_mask = mask;
    return 0;
}

static int add_seccomp(LinuxConfig *config, const ContainerSpec *spec,
                       const SecurityOptions *options, uint64_t capabilities, Error *err)
{
    const char *profile = options->seccomp_profile;
    int r;

    if (options->seccomp_unconfined || (spec->privileged && !profile))
        return 0;
    if (!profile) {
        config->seccomp = seccomp_default_new(capabilities);
        return 0;
    }
    r = seccomp_profile_parse(profile, strlen(profile), capabilities, &config->seccomp, err);
    return r < 0 ? error_wrap(err, r, "seccomp profile") : 0;
}

static void add_hidden_paths(LinuxConfig *config)
{
    for (size_t i = 0; i < ARRAY_SIZE(masked_paths); i++)
        string_list_add(&config->masked_paths, masked_paths[i]);
    for (size_t i = 0; i < ARRAY_SIZE(readonly_paths); i++)
        string_list_add(&config->readonly_paths, readonly_paths[i]);
}

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

static void add_devices(LinuxConfig *config, const ContainerSpec *spec)
{
    if (!spec->privileged) {
        add_device_rules(&config->resources);
        return;
    }

    JSON_ARRAY_ADD(&config->resources.devices)->allow = true; /* everything */
    add_host_devices(config, AT_FDCWD, "/dev", "/dev");
}

int config_add_security(RuntimeConfig *config, const ConfigSource *source, Error *err)
{
    const ContainerSpec *spec = &source->container->spec;
    SecurityOptions options = {};
    uint64_t capabilities;
    int r;

    r = security_options_parse(&spec->security_options, &options, err);
    if (r < 0)
        return r;
    r = add_capabilities(config->process, spec, &capabilities, err);
    if (r >= 0)
        r = add_seccomp(&config->linux_config, spec, &options, capabilities, err);
    if (r < 0)
        return r;

    config->process->no_new_privileges = options.no_new_privileges;
    if (!spec->privileged && !options.system_paths_unconfined)
        add_hidden_paths(&config->linux_config);
    add_devices(&config->linux_config, spec);
    return 0;
}
