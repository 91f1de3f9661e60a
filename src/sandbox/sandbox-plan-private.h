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
    bool has_user;        /* a user namespace that is not ours */
    bool may_keep_groups; /* nobody may be able to drop the caller's groups in there */
    MountTable mounts;
    DeviceTable devices;
    bool has_own_dev; /* devices and links are made; else /dev is somebody else's */
    StringMap sysctls;
    LaunchPlan launch;
    int root_fd;
    bool root_is_given; /* a mount of its own, and none of the directory root.path */
    bool keeps_root;    /* the parent gets it again: see SandboxOptions.ret_root_fd */
    char *root_path;    /* where hooks expect the root before it is changed; NULL: nowhere */
    int creating_fd;    /* the state for createContainer hooks and those before; -EBADF: none */
    int created_fd;     /* the same for startContainer hooks */
    bool asks_outside;  /* before the root is changed, the parent has something to do */
    int start_fd;
    bool no_pivot;
    StringList kernel_mounts; /* with no_pivot: see rootfs_change() */
    int stdio[3];
} SandboxPlan;

#define SANDBOX_PLAN_INIT                                                                          \
    (SandboxPlan)                                                                                  \
    {                                                                                              \
        .launch = LAUNCH_PLAN_INIT, .root_fd = -EBADF, .creating_fd = -EBADF,                      \
        .created_fd = -EBADF, .start_fd = -EBADF, .stdio = {                                       \
            -EBADF,                                                                                \
            -EBADF,                                                                                \
            -EBADF                                                                                 \
        }                                                                                          \
    }

/*
 * What is known before any namespace is entered. @config, @options and @cgroup have to outlive the
 * plan. Errors: as sandbox_create().
 */
int sandbox_plan_make(SandboxPlan *plan, const RuntimeConfig *config, const SandboxOptions *options,
                      const Cgroup *cgroup, Error *err);

/*
 * Open what the container gets of the host, and lay out the rest: by the caller itself, or, where
 * cloning mounts takes a user namespace of one's own (namespaces.is_ordinary), by the process that
 * has entered it. Errors: as sandbox_create().
 */
int sandbox_plan_open(SandboxPlan *plan, const SandboxOptions *options, Error *err);
void sandbox_plan_done(SandboxPlan *plan);
