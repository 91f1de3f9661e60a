/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The root file system: a detached mount that becomes the container's root. */

#include "base/error.h"
#include "sandbox/report-private.h"
#include "sandbox/runtime-config.h"
#include "sandbox/sandbox.h"

/*
 * The detached mount of the root: a duplicate of options->rootfs_fd, or a clone of root.path with
 * all that is mounted below it. Errors: NOT_FOUND, INVALID (it is not a directory), SYSTEM.
 */
int rootfs_open(const RuntimeConfig *config, const SandboxOptions *options, int *ret_fd,
                Error *err);

/* The child's part, without allocation. */

/* Cut the mount namespace off from the host's and attach the root in it. */
int rootfs_attach(int root_fd, Report *report);

/* Once all mounts are made: set the root's flags, make it the root and let go of the host's. */
int rootfs_enter(int root_fd, const RuntimeConfig *config, Report *report);
