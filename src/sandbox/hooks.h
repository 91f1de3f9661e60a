/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The hooks of a configuration: programs that run at six moments of a container's life, in the
 * order of their lists, with the container's state on their standard input. What they write is
 * shown when they fail.
 *
 * prestart, createRuntime and createContainer run in sandbox_create(), once all mounts are made and
 * before the root is changed; startContainer in the container's first process, when it is started:
 * with the container's rights alone, for its program is the container's. poststart and poststop are
 * for whoever starts and deletes, which may be another process than the creator: poststop hooks
 * also where a hook of another kind has failed, once nothing is left.
 */

#include <stdbool.h>

#include "base/error.h"
#include "sandbox/runtime-config.h"
#include "sandbox/state.h"

typedef enum HookKind {
    HOOK_PRESTART,
    HOOK_CREATE_RUNTIME,
    HOOK_CREATE_CONTAINER,
    HOOK_START_CONTAINER,
    HOOK_POSTSTART,
    HOOK_POSTSTOP,
    _HOOK_KIND_MAX,
} HookKind;

/* Whether there are any, of whatever kind. */
bool hooks_exist(const RuntimeConfig *config);

/*
 * Run the hooks of @kind here, with @state but for its status, which follows from @kind. The first
 * failure ends it; of poststop hooks all are run, and @err names each that failed, which is only
 * worth a warning. After a failed poststart hook the caller stops the container.
 * Errors: NOT_FOUND (no such program), UNAVAILABLE (it took longer than its timeout), SYSTEM
 * (another failure, with the end of what it wrote).
 */
int hooks_run(const RuntimeConfig *config, HookKind kind, const RuntimeState *state, Error *err);
