/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Which namespaces a container gets: made by clone3(2), or joined by path.
 *
 * Most are made and joined by the container's first process itself. What only its children could be
 * in (a joined pid namespace), what has to be configured before anybody is in it (a new time
 * namespace), and what depends on the order of things (a user namespace together with joined ones,
 * or one that an ordinary user makes) takes a process in between: namespace-stage-private.h.
 *
 * In a joined mount namespace all happens that happens in a new one: the mounts are made there, and
 * its root becomes the container's for whoever else is in it, as with other runtimes.
 */

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "sandbox/report-private.h"
#include "sandbox/runtime-config.h"

/* glibc 2.36 lacks it. */
#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

#define NAMESPACES_MAX 8

/* One that is joined. Its texts are the configuration's. */
typedef struct NamespaceJoin {
    int fd; /* for setns(2); -EBADF: joined already */
    int flag;
    const char *type;
    const char *path;
} NamespaceJoin;

typedef struct NamespacePlan {
    uint64_t create; /* CLONE_NEW*, without the cgroup namespace */
    bool new_cgroup; /* made when the process is in its cgroup: that becomes its root */
    NamespaceJoin join[NAMESPACES_MAX]; /* in the order in which they are joined */
    size_t n_join;
    char time_offsets[128]; /* for /proc/PID/timens_offsets; "": none */
    bool is_ordinary;       /* we are not root, and have rights in a user namespace at most */
} NamespacePlan;

/*
 * Errors: INVALID (a path that is no such namespace; a namespace of our own whose settings would be
 * changed; ids that are not mapped), NOT_FOUND, UNSUPPORTED.
 */
int namespace_plan_make(NamespacePlan *plan, const RuntimeConfig *config, Error *err);
void namespace_plan_done(NamespacePlan *plan);

/* Whether the container has another user namespace than we, and whether that is a new one. */
bool namespace_plan_has_user(const NamespacePlan *plan);
static inline bool namespace_plan_makes_user(const NamespacePlan *plan)
{
    return plan->create & CLONE_NEWUSER;
}

/* Whether a process in between is needed. */
bool namespace_plan_is_staged(const NamespacePlan *plan);

/*
 * clone3(2) with the namespaces of @plan, @flags, and, if it is not -EBADF, directly into the
 * cgroup @cgroup_fd. Returns the pid, 0 in the child, or -errno.
 */
pid_t namespace_plan_clone(const NamespacePlan *plan, uint64_t flags, int cgroup_fd,
                           int *ret_pidfd);

/* The child's part, without allocation. */

/* Join what we may, and with @is_last fail where we may not. The user namespace is joined last of
 * all that can be joined without it, and first of what is left. */
int namespace_plan_join(NamespacePlan *plan, bool is_last, Report *report);

/* Become root of the user namespace that we are in, or, where it has none, @user: until now we are
 * whoever the caller was, which the namespace knows as nobody. */
int namespace_become_root(const RuntimeUser *user, Report *report);

/* For the child in a network namespace of its own, where the kernel leaves "lo" down. */
int namespace_raise_loopback(Report *report);
