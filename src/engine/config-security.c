/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the container may not do: capabilities, seccomp, hidden paths. Everything is closed
 * by default; --privileged and the security options open it piece by piece.
 */

#include <string.h>

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

void config_list_hidden_paths(const ContainerSpec *spec, StringList *masked, StringList *read_only)
{
    SecurityOptions options = {};

    if (spec->privileged || (security_options_parse(&spec->security_options, &options, NULL) >= 0 &&
                             options.system_paths_unconfined))
        return;
    for (size_t i = 0; i < ARRAY_SIZE(masked_paths); i++)
        string_list_add(masked, masked_paths[i]);
    for (size_t i = 0; i < ARRAY_SIZE(readonly_paths); i++)
        string_list_add(read_only, readonly_paths[i]);
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
    config_list_hidden_paths(spec, &config->linux_config.masked_paths,
                             &config->linux_config.readonly_paths);
    return config_add_devices(config, spec, err);
}
