/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What must hold of a ContainerSpec whichever front end made it: one check per subject, in one
 * table. Nothing here looks at the container's file system. Limits: container-limits-validate.c.
 */

#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/parse.h"
#include "base/path.h"
#include "base/string-list.h"
#include "engine/cdi-name.h"
#include "engine/container-private.h"
#include "engine/container-spec.h"
#include "engine/device-spec.h"
#include "engine/mount-spec.h"
#include "engine/network-request.h"
#include "engine/secret.h"
#include "engine/security-options.h"
#include "sandbox/capabilities.h"
#include "supervisor/log-options.h"

#define HEALTH_DURATION_MIN INT64_C(1000000) /* nanoseconds */
#define HOSTNAME_LENGTH_MAX 64               /* the kernel's __NEW_UTS_LEN */
#define CONTAINER_NAME_MAX 255

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool consists_of(const char *text, const char *punctuation)
{
    for (; *text; text++)
        if (!is_alphanumeric(*text) && !strchr(punctuation, *text))
            return false;
    return true;
}

int container_name_validate(const char *name, Error *err)
{
    if (is_alphanumeric(*name) && name[1] != '\0' && consists_of(name, "_.-") &&
        strlen(name) <= CONTAINER_NAME_MAX)
        return 0;
    return error_set(err, ERROR_INVALID,
                     "invalid container name '%s': only [a-zA-Z0-9][a-zA-Z0-9_.-]+ is allowed",
                     name);
}

static int check_name(const ContainerSpec *spec, Error *err)
{
    return spec->name ? container_name_validate(spec->name, err) : 0;
}

static int check_image(const ContainerSpec *spec, Error *err)
{
    if (!spec->image || *spec->image == '\0')
        return error_set(err, ERROR_INVALID, "no image was given");
    return 0;
}

static int check_hostname(const ContainerSpec *spec, Error *err)
{
    const char *name = spec->hostname;
    size_t length = name ? strlen(name) : 0;

    if (length == 0)
        return 0;
    if (length > HOSTNAME_LENGTH_MAX)
        return error_set(err, ERROR_INVALID, "hostname '%s' is longer than %d characters", name,
                         HOSTNAME_LENGTH_MAX);
    if (!consists_of(name, "-._") || !is_alphanumeric(name[0]) ||
        !is_alphanumeric(name[length - 1]))
        return error_set(err, ERROR_INVALID,
                         "invalid hostname '%s': letters, digits, '-' and '.' are allowed", name);
    return 0;
}

static int check_environment(const ContainerSpec *spec, Error *err)
{
    for (size_t i = 0; i < spec->environment.count; i++) {
        const char *variable = spec->environment.items[i];

        if (*variable == '\0' || *variable == '=')
            return error_set(err, ERROR_INVALID,
                             "invalid environment variable '%s': it has no "
                             "name",
                             variable);
    }
    return 0;
}

static int check_labels(const ContainerSpec *spec, Error *err)
{
    for (size_t i = 0; i < spec->labels.count; i++)
        if (spec->labels.items[i].key[0] == '\0')
            return error_set(err, ERROR_INVALID, "invalid label '=%s': it has no name",
                             spec->labels.items[i].value ? spec->labels.items[i].value : "");
    return 0;
}

static int check_working_directory(const ContainerSpec *spec, Error *err)
{
    const char *directory = spec->working_directory;

    if (directory && *directory != '\0' && !path_is_absolute(directory))
        return error_set(err, ERROR_INVALID,
                         "working directory '%s' is invalid: it has to be an absolute path",
                         directory);
    return 0;
}

static int check_stop(const ContainerSpec *spec, Error *err)
{
    int number;

    if (spec->stop_signal && *spec->stop_signal && parse_signal(spec->stop_signal, &number) < 0)
        return error_set(err, ERROR_INVALID,
                         "invalid stop signal '%s': use a name such as SIGTERM, or its number",
                         spec->stop_signal);
    if (spec->stop_timeout.is_set &&
        (spec->stop_timeout.value < -1 || spec->stop_timeout.value > INT32_MAX))
        return error_set(err, ERROR_INVALID,
                         "invalid stop timeout %" PRId64 ": use seconds from 0, or -1 to wait "
                         "without end",
                         spec->stop_timeout.value);
    return 0;
}

static int check_health(const ContainerSpec *spec, Error *err)
{
    const ContainerHealthcheck *check = spec->healthcheck;

    if (!check)
        return 0;

    const struct {
        const char *name;
        int64_t value;
    } durations[] = {
        { "interval", check->interval },
        { "timeout", check->timeout },
        { "start period", check->start_period },
        { "start interval", check->start_interval },
    };

    for (size_t i = 0; i < ARRAY_SIZE(durations); i++)
        if (durations[i].value != 0 && durations[i].value < HEALTH_DURATION_MIN)
            return error_set(err, ERROR_INVALID, "the %s of a health check cannot be less than 1ms",
                             durations[i].name);
    if (check->retries < 0)
        return error_set(err, ERROR_INVALID, "the retries of a health check cannot be negative");
    return 0;
}

/* Every place that is mounted over, each at most once. */
static int claim_target(StringMap *targets, const char *target, Error *err)
{
    _cleanup_free_ char *clean = path_clean(target);

    if (string_map_contains(targets, clean))
        return error_set(err, ERROR_INVALID, "duplicate mount point '%s'", clean);
    string_map_set(targets, clean, NULL);
    return 0;
}

static int check_binds(const ContainerSpec *spec, StringMap *targets, Error *err)
{
    for (size_t i = 0; i < spec->binds.count; i++) {
        _cleanup_container_mount_ ContainerMount mount = {};
        int r = mount_spec_parse_bind(spec->binds.items[i], NULL, &mount, err);

        if (r < 0)
            return error_wrap(err, r, "invalid volume '%s'", spec->binds.items[i]);
        r = claim_target(targets, mount.target, err);
        if (r < 0)
            return r;
    }
    return 0;
}

/* An anonymous volume has no place of its own to claim: what is mounted there comes first. */
static int check_volumes(const ContainerSpec *spec, Error *err)
{
    int r = 0;

    for (size_t i = 0; i < spec->volumes.count && r >= 0; i++) {
        r = mount_spec_validate_target(spec->volumes.items[i], err);
        if (r < 0)
            return error_wrap(err, r, "invalid volume '%s'", spec->volumes.items[i]);
    }
    for (size_t i = 0; i < spec->volumes_from.count && r >= 0; i++) {
        _cleanup_free_ char *container = NULL;
        bool read_only;

        r = mount_spec_parse_volumes_from(spec->volumes_from.items[i], &container, &read_only, err);
        if (r < 0)
            return error_wrap(err, r, "invalid volumes-from '%s'", spec->volumes_from.items[i]);
    }
    return r;
}

static int check_mounts(const ContainerSpec *spec, Error *err)
{
    _cleanup_string_map_ StringMap targets = {};
    int r = check_binds(spec, &targets, err);

    for (size_t i = 0; i < spec->mounts.count && r == 0; i++) {
        r = mount_spec_validate(&spec->mounts.items[i], err);
        if (r < 0)
            return error_wrap(err, r, "invalid mount");
        r = claim_target(&targets, spec->mounts.items[i].target, err);
    }
    for (size_t i = 0; i < spec->tmpfs.count && r == 0; i++) {
        const StringPair *tmpfs = &spec->tmpfs.items[i];

        r = mount_spec_validate_tmpfs(tmpfs->key, tmpfs->value, err);
        if (r < 0)
            return error_wrap(err, r, "invalid tmpfs '%s'", tmpfs->key);
        r = claim_target(&targets, tmpfs->key, err);
    }
    return r;
}

static bool is_capability(const char *name)
{
    return strcasecmp(name, "ALL") == 0 || capability_from_name(name) >= 0;
}

static int check_capability_list(const StringList *list, Error *err)
{
    for (size_t i = 0; i < list->count; i++)
        if (!is_capability(list->items[i]))
            return error_set(err, ERROR_INVALID,
                             "unknown capability '%s', see capabilities(7), or use ALL",
                             list->items[i]);
    return 0;
}

static int check_capabilities(const ContainerSpec *spec, Error *err)
{
    int r = check_capability_list(&spec->capabilities_add, err);

    return r < 0 ? r : check_capability_list(&spec->capabilities_drop, err);
}

static int check_security_options(const ContainerSpec *spec, Error *err)
{
    SecurityOptions options;

    return security_options_parse(&spec->security_options, &options, err);
}

static int check_groups(const ContainerSpec *spec, Error *err)
{
    for (size_t i = 0; i < spec->groups_add.count; i++)
        if (spec->groups_add.items[i][0] == '\0')
            return error_set(err, ERROR_INVALID, "the name of a group to add is empty");
    return 0;
}

/* Those that have a value of their own in each ipc or network namespace; all others are the host's.
 * A name that ends with '.' stands for all below it. */
static const char *const namespaced_sysctls[] = {
    "fs.mqueue.",    "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni",          "kernel.sem",
    "kernel.shmall", "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced", "net.",
};

static bool sysctl_is_namespaced(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(namespaced_sysctls); i++) {
        const char *allowed = namespaced_sysctls[i];
        size_t length = strlen(allowed);

        if (allowed[length - 1] == '.' ? strncmp(name, allowed, length) == 0 && name[length] != '\0'
                                       : strcmp(name, allowed) == 0)
            return true;
    }
    return false;
}

static bool uses_host_network(const ContainerSpec *spec)
{
    return spec->network_mode && strcmp(spec->network_mode, "host") == 0;
}

/* The name becomes a path below /proc/sys: neither '/' nor an empty part may be in it. */
static bool sysctl_is_well_formed(const char *name)
{
    return consists_of(name, "_.-") && *name != '.' && !strstr(name, "..");
}

static int check_sysctls(const ContainerSpec *spec, Error *err)
{
    for (size_t i = 0; i < spec->sysctls.count; i++) {
        const char *name = spec->sysctls.items[i].key;

        if (!sysctl_is_namespaced(name) || !sysctl_is_well_formed(name))
            return error_set(err, ERROR_INVALID,
                             "sysctl '%s' is not allowed: it is not separate for each container",
                             name);
        if (uses_host_network(spec) && strncmp(name, "net.", 4) == 0)
            return error_set(err, ERROR_INVALID,
                             "sysctl '%s' is not allowed in the host's network namespace", name);
    }
    return 0;
}

static int check_log(const ContainerSpec *spec, Error *err)
{
    const char *tag = string_map_get(&spec->log_config.options, "tag");
    int r = log_options_validate(spec->log_config.type, &spec->log_config.options, err);

    return r >= 0 && tag ? container_log_tag_expand(tag, NULL, NULL, err) : r;
}

/* "container:" and a name, for modes that have it; else one of @names (NULL-terminated). */
static int check_mode(const char *option, const char *mode, const char *const *names, bool may_join,
                      Error *err)
{
    const char *joined = container_mode_joined(mode);
    _cleanup_string_list_ StringList known = {};
    _cleanup_free_ char *text = NULL;

    if (!mode || !*mode)
        return 0;
    for (size_t i = 0; names[i]; i++)
        if (strcmp(names[i], mode) == 0)
            return 0;
    if (may_join && joined && *joined)
        return 0;
    for (size_t i = 0; names[i]; i++)
        string_list_add(&known, names[i]);
    if (may_join)
        string_list_add(&known, "container:NAME");
    text = string_list_join(&known, "', '");
    return error_set(err, ERROR_INVALID, "invalid mode '%s' for '--%s': there is '%s'", mode,
                     option, text);
}

static int check_namespaces(const ContainerSpec *spec, Error *err)
{
    static const char *const host[] = { "host", NULL };
    static const char *const host_or_private[] = { "host", "private", NULL };
    static const char *const ipc[] = { "host", "private", "shareable", "none", NULL };
    int r = check_mode("pid", spec->pid_mode, host, true, err);

    if (r >= 0)
        r = check_mode("ipc", spec->ipc_mode, ipc, true, err);
    if (r >= 0)
        r = check_mode("uts", spec->uts_mode, host, false, err);
    if (r >= 0)
        r = check_mode("cgroupns", spec->cgroupns_mode, host_or_private, false, err);
    if (r >= 0 && spec->uts_mode && *spec->uts_mode && (spec->hostname || spec->domainname))
        return error_set(err, ERROR_INVALID,
                         "conflicting options: a hostname and the host's uts namespace");
    return r;
}

static int check_cgroup_parent(const ContainerSpec *spec, Error *err)
{
    _cleanup_free_ char *path =
        spec->cgroup_parent ? memory_printf("/%s/", spec->cgroup_parent) : NULL;

    if (path && (strstr(path, "/../") || strchr(path, ':')))
        return error_set(err, ERROR_INVALID, "invalid cgroup parent '%s'", spec->cgroup_parent);
    return 0;
}

static int check_devices(const ContainerSpec *spec, Error *err)
{
    int r = 0;

    for (size_t i = 0; i < spec->devices.count && r >= 0; i++)
        r = device_spec_validate(&spec->devices.items[i], err);
    for (size_t i = 0; i < spec->cdi_devices.count && r >= 0; i++)
        r = cdi_name_validate(spec->cdi_devices.items[i], err);
    for (size_t i = 0; i < spec->device_cgroup_rules.count && r >= 0; i++) {
        LinuxDeviceRule rule = {};

        r = device_rule_parse(spec->device_cgroup_rules.items[i], &rule, err);
        free(rule.type);
        free(rule.access);
    }
    return r;
}

/* A shim restarts a container under the policy; what it cannot be asked for is refused here. */
static int check_restart_policy(const ContainerSpec *spec, Error *err)
{
    static const struct {
        const char *name;
        bool has_maximum;
    } policies[] = {
        { "no", false },        { "always", false },   { "unless-stopped", false },
        { "on-failure", true }, { "unhealthy", true },
    };
    const ContainerRestartPolicy *policy = &spec->restart_policy;

    for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
        if (strcmp(policies[i].name, policy->name && *policy->name ? policy->name : "no") != 0)
            continue;
        if (policy->maximum_retry_count < 0)
            return error_set(err, ERROR_INVALID, "the maximum number of restarts is negative");
        if (policy->maximum_retry_count > 0 && !policies[i].has_maximum)
            return error_set(err, ERROR_INVALID,
                             "restart policy '%s' has no maximum: only 'on-failure' and "
                             "'unhealthy' have",
                             policies[i].name);
        if (i > 0 && spec->auto_remove)
            return error_set(err, ERROR_INVALID,
                             "conflicting options: a restart policy and '--rm'");
        return 0;
    }
    return error_set(err, ERROR_INVALID,
                     "unknown restart policy '%s': use 'no', 'always', 'unless-stopped', "
                     "'on-failure[:n]' or 'unhealthy[:n]'",
                     policy->name);
}

int container_spec_validate(const ContainerSpec *spec, Error *err)
{
    static int (*const checks[])(const ContainerSpec *, Error *) = {
        check_image,
        check_name,
        check_hostname,
        check_environment,
        check_labels,
        check_working_directory,
        check_stop,
        check_mounts,
        check_volumes,
        container_quota_validate,
        secret_specs_validate,
        check_capabilities,
        check_security_options,
        check_groups,
        check_sysctls,
        container_limits_validate,
        network_requests_validate,
        check_health,
        check_namespaces,
        check_cgroup_parent,
        check_devices,
        check_restart_policy,
        check_log,
    };

    for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
        int r = checks[i](spec, err);
        if (r < 0)
            return r;
    }
    return 0;
}
