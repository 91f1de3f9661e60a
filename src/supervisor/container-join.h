/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One more process for a container that runs, where its others are. */

#include "base/error.h"
#include "sandbox/exec.h"
#include "sandbox/runtime-config.h"

/*
 * Execute config->process in the container that @options names, in the cgroup of @config; where
 * that takes no processes any more, as the container has divided it further, beside its first one.
 * options->cgroup is not looked at. Errors: those of sandbox_exec().
 */
int container_join(const RuntimeConfig *config, const SandboxExecOptions *options,
                   SandboxProcess **ret, Error *err);
