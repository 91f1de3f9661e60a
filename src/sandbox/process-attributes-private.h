/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a process has besides credentials and limits: execution domain, memory policy, session
 * keyring, security labels. For a container's first process and for those that enter it later.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/parse.h"
#include "sandbox/report-private.h"
#include "sandbox/runtime-config.h"
#include "sandbox/security-labels-private.h"

/* Each returns 0, or -EINVAL for an unknown name. */
int personality_from_name(const char *name, uint32_t *ret);
int memory_policy_mode_from_name(const char *name, uint32_t *ret);
int memory_policy_flag_from_name(const char *name, uint32_t *ret);

typedef struct ProcessAttributes {
    SecurityLabels labels;
    char *keyring;        /* name of the session keyring, owned; NULL: an anonymous one */
    bool has_new_keyring; /* else the caller's is kept */
    int64_t personality;  /* -1: the caller's */
    int memory_mode;      /* -1: the caller's; with flags */
    NumberSet memory_nodes;
    bool has_memory_nodes;
} ProcessAttributes;

#define PROCESS_ATTRIBUTES_INIT                                                                    \
    (ProcessAttributes)                                                                            \
    {                                                                                              \
        .labels = SECURITY_LABELS_INIT, .personality = -1, .memory_mode = -1                       \
    }

typedef struct ProcessAttributesOptions {
    const char *id;      /* the container's, for the keyring's name; NULL: no name */
    bool no_new_keyring; /* keep the caller's */
} ProcessAttributesOptions;

/*
 * Lay out what @process and the container's @settings ask for. @process has to outlive @ret
 * (PROCESS_ATTRIBUTES_INIT). Errors: UNSUPPORTED (naming the member).
 */
int process_attributes_plan(const RuntimeProcess *process, const LinuxConfig *settings,
                            const ProcessAttributesOptions *options, ProcessAttributes *ret,
                            Error *err);
void process_attributes_done(ProcessAttributes *attributes);

static inline bool process_attributes_need_procfs(const ProcessAttributes *attributes)
{
    return security_labels_are_set(&attributes->labels);
}

/*
 * The child's part, without allocation.
 *
 * The first needs a procfs that is the process's own (procfs_open(), or the host's before its root
 * is left). The second follows the change of namespaces, and comes before rights are given up and
 * before a filter could forbid its calls.
 */
int process_attributes_open(ProcessAttributes *attributes, int procfs_fd, Report *report);
int process_attributes_apply(const ProcessAttributes *attributes, Report *report);

/*
 * The parent's part, for @pid, which waits: limits, out-of-memory score, scheduler, I/O priority.
 * They take rights that the process itself no longer has in a user namespace. Errors: DENIED
 * (naming the member), INVALID, UNSUPPORTED, SYSTEM.
 */
int process_attributes_set(pid_t pid, const RuntimeProcess *process, Error *err);
