/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The AppArmor profile and the SELinux label that a program gets with its execve(2). The kernel
 * takes them through files of procfs; a container that could make us write into another file would
 * run unconfined, so those files are opened in a procfs that nothing can be mounted over, and the
 * handles are what is written to.
 */

#include <errno.h>
#include <stdbool.h>

#include "base/error.h"
#include "sandbox/report-private.h"
#include "sandbox/runtime-config.h"

typedef struct SecurityLabels {
    char *apparmor_command;    /* "exec PROFILE", owned; NULL: none */
    const char *selinux_label; /* the configuration's; NULL: none */
    int apparmor_fd;
    int selinux_exec_fd;
    int selinux_key_fd;
} SecurityLabels;

#define SECURITY_LABELS_INIT                                                                       \
    (SecurityLabels)                                                                               \
    {                                                                                              \
        .apparmor_fd = -EBADF, .selinux_exec_fd = -EBADF, .selinux_key_fd = -EBADF                 \
    }

/* Whether the kernel enforces them, as far as this process can see. */
bool apparmor_is_enabled(void);
bool selinux_is_enabled(void);

/*
 * Lay out what @process asks for (empty texts are none); valid as long as @process is.
 * Errors: UNSUPPORTED (naming the member: the kernel has no such security module).
 */
int security_labels_plan(const RuntimeProcess *process, SecurityLabels *ret, Error *err);
void security_labels_done(SecurityLabels *labels);

static inline bool security_labels_are_set(const SecurityLabels *labels)
{
    return labels->apparmor_command || labels->selinux_label;
}

/*
 * The child's part, without allocation. Open the calling process's own files in @procfs_fd, a
 * procfs of its pid namespace; later, before any right is given up, say what the next execve(2)
 * changes to.
 */
int security_labels_open(SecurityLabels *labels, int procfs_fd, Report *report);
int security_labels_apply(const SecurityLabels *labels, Report *report);

/* The label of keys that the process makes from here on; back to the default with @is_set false. */
int security_labels_apply_to_keys(const SecurityLabels *labels, bool is_set, Report *report);
