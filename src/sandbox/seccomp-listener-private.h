/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * SCMP_ACT_NOTIFY: how the descriptor that answers a container's system calls gets from the
 * process that loaded the filter to the agent at linux.seccomp.listenerPath.
 *
 * The process is under its own filter by then, and whatever it calls may wait for the agent. So it
 * makes one write(2), which no valid profile notifies (as with other runtimes), to say under which
 * number it has the descriptor; its parent takes a copy out of it (pidfd_getfd(2)), gives that
 * to the agent, and says so. Everything the process calls from then on, the agent may decide.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "sandbox/report-private.h"
#include "sandbox/runtime-config.h"

/* What the parent answers, one byte. */
#define LISTENER_TAKEN 'l'

/* Who asks and for whom: the members of the specification's ContainerProcessState. */
typedef struct SeccompListener {
    const LinuxSeccomp *profile;
    const char *state; /* the container's state, a JSON object as in the specification's runtime.md;
                          its "pid" is filled in */
    pid_t container_pid; /* what that "pid" becomes */
    pid_t pid;           /* of the process under the filter */
    int pidfd;           /* of the same */
} SeccompListener;

/* Errors: INVALID (a profile that notifies needs the container's state). */
int seccomp_listener_check(const LinuxSeccomp *profile, const char *state, Error *err);

/* The child's part: offer @listener_fd to the parent behind @control_fd and wait until it has it.
 * Ends the process when the parent is gone. */
int seccomp_listener_offer(int listener_fd, int control_fd, Report *report);

/* Whether the report of a child that was released is such an offer. */
static inline bool report_is_listener_offer(const Report *report)
{
    return report->kind == ERROR_NONE && report->errnum > 0;
}

/*
 * The parent's part: answer @offer, received from @control_fd. Errors name linux.seccomp.
 * listenerPath: NOT_FOUND, DENIED (no right to look into the process), UNAVAILABLE (nobody
 * listens), SYSTEM.
 */
int seccomp_listener_accept(const SeccompListener *listener, const Report *offer, int control_fd,
                            Error *err);

/* The ContainerProcessState as text; the caller frees it. Errors: INVALID (listener->state). */
int seccomp_listener_message(const SeccompListener *listener, char **ret, Error *err);
