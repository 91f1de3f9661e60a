/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Which namespaces a container gets: made by clone3(2), or joined by path. */

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "sandbox/report-private.h"
#include "sandbox/runtime-config.h"

#define NAMESPACES_MAX 8

typedef struct NamespacePlan {
    uint64_t create;          /* CLONE_NEW*, without the cgroup namespace */
    bool new_cgroup;          /* made when the process is in its cgroup: that becomes its root */
    int join[NAMESPACES_MAX]; /* handles for setns(2) */
    size_t n_join;
    int join_pid_fd; /* the pid namespace to join, -EBADF: none; taken by children only */
} NamespacePlan;

#define NAMESPACE_PLAN_INIT                                                                        \
    (NamespacePlan)                                                                                \
    {                                                                                              \
        .join_pid_fd = -EBADF                                                                      \
    }

/* Errors: INVALID (a path that is no such namespace), NOT_FOUND, UNSUPPORTED. */
int namespace_plan_make(NamespacePlan *plan, const RuntimeConfig *config, Error *err);
void namespace_plan_done(NamespacePlan *plan);

static inline bool namespace_plan_has_user(const NamespacePlan *plan)
{
    return plan->create & CLONE_NEWUSER;
}

/*
 * clone3(2) with the namespaces of @plan and, if it is not -EBADF, directly into the cgroup
 * @cgroup_fd. Returns the pid, 0 in the child, or -errno.
 */
pid_t namespace_plan_clone(const NamespacePlan *plan, int cgroup_fd, int *ret_pidfd);

/* Write the id maps of the user namespace that the child @pid, which waits, lives in. */
int namespace_write_id_maps(pid_t pid, const LinuxConfig *config, Error *err);

/* The child's part, without allocation: join, and become root of a user namespace of its own. */
int namespace_plan_enter(const NamespacePlan *plan, Report *report);

/* For a child that has just come into a user namespace: take on its ids, drop the groups. */
int namespace_become_root(Report *report);

/* For the child in a network namespace of its own, where the kernel leaves "lo" down. */
int namespace_raise_loopback(Report *report);
