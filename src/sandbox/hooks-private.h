/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Hooks that run in the container's first process, which may not allocate: the state is text in a
 * sealed memory file. The file exists before the clone and is filled by the parent, who alone knows
 * the pid, before it lets the first process go on.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "sandbox/hooks.h"
#include "sandbox/report-private.h"

/* The descriptor of an empty file for a state, or -errno. */
int hook_state_new(void);

/* Fill it, once, with @state as the hooks of @kind see it. Returns 0 or -errno. */
int hook_state_fill(int state_fd, HookKind kind, const RuntimeState *state);

const RuntimeHookList *hooks_of_kind(const RuntimeHooks *hooks, HookKind kind);

/* Run all of @hooks, until one fails. Does not allocate. Errors: as hooks_run(). */
int hooks_execute(const RuntimeHookList *hooks, HookKind kind, int state_fd, Report *report);
