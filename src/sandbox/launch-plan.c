/* SPDX-License-Identifier: Apache-2.0 */

/* Putting together what a process executes, with which attributes, rights and descriptors. */

#include "sandbox/launch-plan-private.h"

#include <unistd.h>

#include "sandbox/program-private.h"
#include "sandbox/seccomp-listener-private.h"

int launch_plan_make(LaunchPlan *ret, const RuntimeProcess *process, const LinuxConfig *settings,
                     const LaunchOptions *options, Error *err)
{
    const ProcessAttributesOptions attributes = { .id = options->id,
                                                  .no_new_keyring = options->no_new_keyring };
    int r;

    ret->process = process;
    ret->first_closed_fd = STDERR_FILENO + 1 + options->preserve_fds;
    program_plan(process, &ret->candidates);
    environment_plan(process, options->listen_fds, &ret->environment);
    r = process_attributes_plan(process, settings, &attributes, &ret->attributes, err);
    if (r >= 0)
        r = seccomp_listener_check(settings->seccomp, options->state, err);
    if (r >= 0)
        r = credentials_plan(process, settings, options->cache_fd, &ret->credentials, err);
    if (r >= 0)
        ret->credentials.dies_with_parent = options->dies_with_parent;
    return r;
}

void launch_plan_done(LaunchPlan *plan)
{
    string_list_done(&plan->candidates);
    environment_done(&plan->environment);
    process_attributes_done(&plan->attributes);
    credentials_done(&plan->credentials);
}
