/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * All that the last steps to a program need (launch-private.h), laid out before the clone: for a
 * container's first process and for one that joins later.
 */

#include <errno.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/string-list.h"
#include "sandbox/credentials-private.h"
#include "sandbox/environment-private.h"
#include "sandbox/process-attributes-private.h"
#include "sandbox/runtime-config.h"

/* What the callers' options have in common; see sandbox.h. */
typedef struct LaunchOptions {
    const char *id;
    const char *state;
    int cache_fd;
    unsigned preserve_fds;
    unsigned listen_fds;
    bool no_new_keyring;
    bool dies_with_parent;
} LaunchOptions;

typedef struct LaunchPlan {
    const RuntimeProcess *process;
    StringList candidates; /* program_plan() */
    Environment environment;
    ProcessAttributes attributes;
    Credentials credentials;
    unsigned first_closed_fd; /* this one and those above do not reach the program */
} LaunchPlan;

#define LAUNCH_PLAN_INIT                                                                           \
    (LaunchPlan)                                                                                   \
    {                                                                                              \
        .attributes = PROCESS_ATTRIBUTES_INIT                                                      \
    }

/*
 * @process and @settings (the container's) have to outlive @ret (LAUNCH_PLAN_INIT).
 * Errors: INVALID, UNSUPPORTED (naming the member), those of seccomp_program_load().
 */
int launch_plan_make(LaunchPlan *ret, const RuntimeProcess *process, const LinuxConfig *settings,
                     const LaunchOptions *options, Error *err);
void launch_plan_done(LaunchPlan *plan);
