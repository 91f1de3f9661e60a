/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Who the program runs as and what it may do, and the order in which rights can be given up. */

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "sandbox/capabilities.h"
#include "sandbox/report-private.h"
#include "sandbox/runtime-config.h"
#include "sandbox/seccomp.h"

typedef struct Credentials {
    uid_t uid;
    gid_t gid;
    const gid_t *groups; /* supplementary ones, the configuration's */
    size_t n_groups;
    mode_t umask;
    CapabilitySets capabilities;
    bool no_new_privileges;
    bool dies_with_parent;  /* killed when its parent ends */
    bool may_keep_groups;   /* where the kernel lets nobody change them; the caller's to set */
    SeccompProgram seccomp; /* empty: none */
    bool filters_late;      /* nothing but execve(2) follows the filter */
} Credentials;

/*
 * Lay out what @process asks for in a container with @settings; valid as long as @process is.
 * Compiled filters are kept in @cache_fd. Errors: those of seccomp_program_load().
 */
int credentials_plan(const RuntimeProcess *process, const LinuxConfig *settings, int cache_fd,
                     Credentials *ret, Error *err);
void credentials_done(Credentials *credentials);

/*
 * Set the limits and the oom score of the child @pid, which waits. Errors: DENIED (naming the
 * limit: raising a hard one takes CAP_SYS_RESOURCE), INVALID.
 */
int process_limits_apply(pid_t pid, const RuntimeProcess *process, Error *err);

/*
 * The child's part, without allocation: become the user and keep only what was granted; then, as
 * the last call before execve(2), go under the filter. Without no_new_privs that takes
 * CAP_SYS_ADMIN: where the program is not to have it, the first of the two loads the filter before
 * capabilities are dropped, and the second does nothing. A listener is offered to the parent behind
 * @control_fd (seccomp-listener-private.h).
 */
int credentials_apply(const Credentials *credentials, int control_fd, Report *report);
int credentials_apply_filter(const Credentials *credentials, int control_fd, Report *report);
