/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * All that the container's first process needs, laid out by the parent: after the clone nothing
 * may be allocated, looked up by path on the host, or asked of the parent.
 */

#include <stdbool.h>

#include "base/error.h"
#include "sandbox/devices-private.h"
#include "sandbox/launch-plan-private.h"
#include "sandbox/mounts-private.h"
#include "sandbox/namespaces-private.h"
#include "sandbox/runtime-config.h"
#include "sandbox/sandbox.h"

typedef struct SandboxPlan {
    const RuntimeConfig *config;
    const Cgroup *cgroup; /* NULL: none */
    NamespacePlan namespaces;
    MountTable mounts;
    DeviceTable devices;
    bool has_own_dev; /* devices and links are made; else /dev is somebody else's */
    StringMap sysctls;
    LaunchPlan launch;
    int root_fd;
    int start_fd;
    bool no_pivot;
    StringList kernel_mounts; /* with no_pivot: see rootfs_change() */
    int stdio[3];
} SandboxPlan;

#define SANDBOX_PLAN_INIT                                                                          \
    (SandboxPlan)                                                                                  \
    {                                                                                              \
        .namespaces = NAMESPACE_PLAN_INIT, .launch = LAUNCH_PLAN_INIT, .root_fd = -EBADF,          \
        .start_fd = -EBADF, .stdio = {                                                             \
            -EBADF,                                                                                \
            -EBADF,                                                                                \
            -EBADF                                                                                 \
        }                                                                                          \
    }

/*
 * @config, @options and @cgroup have to outlive the plan. Errors: as sandbox_create().
 */
int sandbox_plan_make(SandboxPlan *plan, const RuntimeConfig *config, const SandboxOptions *options,
                      const Cgroup *cgroup, Error *err);
void sandbox_plan_done(SandboxPlan *plan);
