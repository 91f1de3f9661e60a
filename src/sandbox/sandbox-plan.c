/* SPDX-License-Identifier: Apache-2.0 */

/* Putting the plan together, in two steps: what needs no namespace, and what the host gives. */

#include "sandbox/sandbox-plan-private.h"

#include <string.h>

#include "base/fd.h"
#include "sandbox/hooks-private.h"
#include "sandbox/process-files-private.h"
#include "sandbox/rootfs-private.h"
#include "sandbox/user-namespace-private.h"

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

static bool has_hooks(const RuntimeConfig *config, HookKind kind)
{
    return hooks_of_kind(&config->hooks, kind)->count > 0;
}

static bool has_create_hooks(const RuntimeConfig *config)
{
    return has_hooks(config, HOOK_PRESTART) || has_hooks(config, HOOK_CREATE_RUNTIME) ||
           has_hooks(config, HOOK_CREATE_CONTAINER);
}

static int open_state(int *ret_fd, Error *err)
{
    *ret_fd = hook_state_new();
    return *ret_fd < 0 ? error_result(err, *ret_fd, "hooks: make a file for the state") : 0;
}

static int plan_hooks(SandboxPlan *plan, const SandboxOptions *options, Error *err)
{
    const RuntimeConfig *config = plan->config;
    int r = 0;

    for (HookKind kind = 0; kind < _HOOK_KIND_MAX; kind++)
        if (has_hooks(config, kind) && (!options->id || !options->bundle))
            return error_set(err, ERROR_INVALID, "hooks: without a container's id there are none");

    plan->asks_outside = has_create_hooks(config) || config->linux_config.net_devices.count > 0;
    if (has_create_hooks(config))
        r = open_state(&plan->creating_fd, err);
    if (r >= 0 && has_hooks(config, HOOK_START_CONTAINER))
        r = open_state(&plan->created_fd, err);
    return r;
}

int sandbox_plan_make(SandboxPlan *plan, const RuntimeConfig *config, const SandboxOptions *options,
                      const Cgroup *cgroup, Error *err)
{
    int r;

    plan->config = config;
    plan->cgroup = cgroup;
    plan->start_fd = options->start_fd;
    plan->no_pivot = options->no_pivot;
    plan->keeps_root = options->ret_root_fd && options->rootfs_fd >= 0;
    plan->mounts.keeps_passed = plan->keeps_root;
    memcpy(plan->stdio, options->stdio, sizeof(plan->stdio));

    r = check_process(config, err);
    if (r >= 0)
        r = namespace_plan_make(&plan->namespaces, config, err);
    if (r < 0)
        return r;

    plan->has_user = namespace_plan_has_user(&plan->namespaces);
    plan->may_keep_groups = plan->has_user || user_namespace_denies_groups(&config->linux_config);
    return plan_hooks(plan, options, err);
}

/* Hooks that run before the root is changed look for it where the configuration says it is. */
static int plan_root(SandboxPlan *plan, const SandboxOptions *options, Error *err)
{
    int r = rootfs_open(plan->config, options, &plan->root_fd, err);

    if (r < 0 || plan->creating_fd < 0)
        return r;
    plan->root_is_given = options->rootfs_fd >= 0;
    plan->root_path = rootfs_path(plan->config, options);
    return 0;
}

int sandbox_plan_open(SandboxPlan *plan, const SandboxOptions *options, Error *err)
{
    const RuntimeConfig *config = plan->config;
    int r = plan_root(plan, options, err);

    if (r >= 0)
        r = mount_table_plan(&plan->mounts, config, options->bundle_fd, plan->cgroup, err);
    if (r >= 0 && options->no_pivot)
        r = rootfs_find_kernel_mounts(&plan->kernel_mounts, err);
    if (r < 0)
        return r;

    plan->has_own_dev = !mount_table_has_bind(&plan->mounts, "/dev");
    r = device_table_plan(&plan->devices, config, plan->has_own_dev, err);
    if (r >= 0 && plan->has_user && !plan->namespaces.is_ordinary)
        r = device_tree_make(&plan->mounts, &plan->devices, config, err);
    if (r >= 0 && (plan->has_user || !id_map_is_initial()))
        r = device_table_clone(&plan->devices, err);
    if (r < 0)
        return r;
    sysctls_plan(&config->linux_config.sysctl, &plan->sysctls);
    r = plan_launch(plan, options, err);
    plan->launch.credentials.may_keep_groups = plan->may_keep_groups;
    return r;
}

void sandbox_plan_done(SandboxPlan *plan)
{
    namespace_plan_done(&plan->namespaces);
    mount_table_done(&plan->mounts);
    device_table_done(&plan->devices);
    string_map_done(&plan->sysctls);
    string_list_done(&plan->kernel_mounts);
    launch_plan_done(&plan->launch);
    free(plan->root_path);
    plan->root_fd = fd_close(plan->root_fd);
    plan->creating_fd = fd_close(plan->creating_fd);
    plan->created_fd = fd_close(plan->created_fd);
}
