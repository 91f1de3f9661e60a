/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The process in between: a copy of the runtime that enters namespaces, makes the container's first
 * process as its sibling (CLONE_PARENT), and ends. It stays whoever the caller is, for whom the
 * host's files are open, and only has other rights. The container's user namespace is entered after
 * the namespaces that the caller's rights are needed for, and before those that belong to it.
 */

#include <sys/types.h>

#include "base/error.h"
#include "sandbox/namespaces-private.h"

typedef struct NamespaceStage {
    NamespacePlan *plan;
    int parent_fd; /* the two ends of one socket_pair() */
    int stage_fd;
    void *data;

    /* In our process, while @pid waits in the new user namespace: write its maps. */
    int (*write_maps)(void *data, pid_t pid, Error *err);
    /* In the process in between: make the first process with CLONE_PARENT, which does not return
     * from it. Its pid as the caller sees it, or -errno. */
    pid_t (*clone)(void *data, int *ret_pidfd, Error *err);
} NamespaceStage;

/*
 * Returns 0 with the pid and a pidfd of the container's first process, which is our child. Errors:
 * as namespace_plan_make(), and those of the callbacks.
 */
int namespace_stage_run(const NamespaceStage *stage, pid_t *ret_pid, int *ret_pidfd, Error *err);
