/* SPDX-License-Identifier: Apache-2.0 */

/* Putting the plan together, and refusing what this version cannot do rather than ignoring it. */

#include "sandbox/sandbox-plan-private.h"

#include <string.h>

#include "base/fd.h"
#include "sandbox/process-files-private.h"
#include "sandbox/rootfs-private.h"

static int check_supported(const RuntimeConfig *config, Error *err)
{
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
        { "linux.timeOffsets", time->boottime.secs || time->boottime.nanosecs ||
                                   time->monotonic.secs || time->monotonic.nanosecs },
        { "linux.netDevices", settings->net_devices.count },
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

static int plan_launch(SandboxPlan *plan, const SandboxOptions *options, Error *err)
{
    const LaunchOptions launch = {
        .id = options->id,
        .state = options->state,
        .cache_fd = options->cache_fd,
        .preserve_fds = options->preserve_fds,
        .listen_fds = options->listen_fds,
        .no_new_keyring = options->no_new_keyring,
        .dies_with_parent = options->start_fd < 0,
    };

    return launch_plan_make(&plan->launch, plan->config->process, &plan->config->linux_config,
                            &launch, err);
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
    return plan_launch(plan, options, err);
}

void sandbox_plan_done(SandboxPlan *plan)
{
    namespace_plan_done(&plan->namespaces);
    mount_table_done(&plan->mounts);
    device_table_done(&plan->devices);
    string_map_done(&plan->sysctls);
    string_list_done(&plan->kernel_mounts);
    launch_plan_done(&plan->launch);
    plan->root_fd = fd_close(plan->root_fd);
}
