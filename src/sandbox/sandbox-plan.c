/* SPDX-License-Identifier: Apache-2.0 */

/* Putting the plan together, and refusing what this version cannot do rather than ignoring it. */

#include "sandbox/sandbox-plan-private.h"

#include <string.h>

#include "base/fd.h"
#include "sandbox/process-files-private.h"
#include "sandbox/program-private.h"
#include "sandbox/rootfs-private.h"

static int check_supported(const RuntimeConfig *config, Error *err)
{
    const RuntimeProcess *process = config->process;
    const RuntimeHooks *hooks = &config->hooks;
    const LinuxConfig *settings = &config->linux_config;
    const LinuxTimeOffsets *time = &settings->time_offsets;
    const struct {
        const char *member;
        bool is_set;
    } refused[] = {
        { "hooks", hooks->prestart.count || hooks->create_runtime.count ||
                       hooks->create_container.count || hooks->start_container.count ||
                       hooks->poststart.count || hooks->poststop.count },
        { "process.apparmorProfile", process->apparmor_profile },
        { "process.selinuxLabel", process->selinux_label },
        { "process.ioPriority", process->io_priority },
        { "process.scheduler", process->scheduler },
        { "process.execCPUAffinity",
          process->exec_cpu_affinity.initial || process->exec_cpu_affinity.final },
        { "linux.timeOffsets", time->boottime.secs || time->boottime.nanosecs ||
                                   time->monotonic.secs || time->monotonic.nanosecs },
        { "linux.netDevices", settings->net_devices.count },
        { "linux.personality", settings->personality },
        { "linux.intelRdt", settings->intel_rdt },
        { "linux.memoryPolicy", settings->memory_policy },
        { "linux.seccomp.listenerPath", settings->seccomp && settings->seccomp->listener_path },
    };

    for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
        if (refused[i].is_set)
            return error_set(err, ERROR_UNSUPPORTED, "%s is not supported", refused[i].member);
    return 0;
}

static int check_process(const RuntimeConfig *config, Error *err)
{
    if (!config->process || config->process->args.count == 0)
        return error_set(err, ERROR_INVALID, "process.args: there is no program to execute");
    return 0;
}

int sandbox_plan_make(SandboxPlan *plan, const RuntimeConfig *config, const SandboxOptions *options,
                      const Cgroup *cgroup, Error *err)
{
    int r;

    plan->config = config;
    plan->cgroup = cgroup;
    plan->start_fd = options->start_fd;
    plan->no_pivot = options->no_pivot;
    memcpy(plan->stdio, options->stdio, sizeof(plan->stdio));

    r = check_process(config, err);
    if (r >= 0)
        r = check_supported(config, err);
    if (r >= 0)
        r = namespace_plan_make(&plan->namespaces, config, err);
    if (r >= 0)
        r = rootfs_open(config, options, &plan->root_fd, err);
    if (r >= 0 && options->no_pivot)
        r = rootfs_find_kernel_mounts(&plan->kernel_mounts, err);
    if (r >= 0)
        r = mount_table_plan(&plan->mounts, config, options->bundle_fd, cgroup, err);
    if (r < 0)
        return r;

    plan->has_own_dev = !mount_table_has_bind(&plan->mounts, "/dev");
    r = device_table_plan(&plan->devices, config, namespace_plan_has_user(&plan->namespaces),
                          plan->has_own_dev, err);
    if (r < 0)
        return r;
    sysctls_plan(&config->linux_config.sysctl, &plan->sysctls);
    program_plan(config->process, &plan->candidates);
    r = credentials_plan(config->process, config->linux_config.seccomp, options->cache_fd,
                         &plan->credentials, err);
    plan->credentials.dies_with_parent = options->start_fd < 0;
    return r;
}

void sandbox_plan_done(SandboxPlan *plan)
{
    namespace_plan_done(&plan->namespaces);
    mount_table_done(&plan->mounts);
    device_table_done(&plan->devices);
    string_map_done(&plan->sysctls);
    string_list_done(&plan->candidates);
    string_list_done(&plan->kernel_mounts);
    credentials_done(&plan->credentials);
    plan->root_fd = fd_close(plan->root_fd);
}
