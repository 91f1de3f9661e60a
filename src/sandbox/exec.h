/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One more process in a container that runs: in all its namespaces and its cgroup, with the rights
 * that its configuration grants. The container is named by a pidfd of its first process, never by a
 * pid alone, so that a pid that was used again leads nowhere.
 */

#include <sys/types.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "sandbox/cgroup.h"
#include "sandbox/runtime-config.h"

typedef struct SandboxProcess SandboxProcess;

typedef struct SandboxExecOptions {
    pid_t container_pid;   /* the container's first process, as our pid namespace sees it */
    int container_pidfd;   /* the same process */
    Cgroup *cgroup;        /* where the new process goes; NULL: stays in ours */
    int stdio[3];          /* become 0, 1, 2; ignored with process.terminal */
    int cache_fd;          /* directory that keeps compiled seccomp filters; -EBADF: compile anew */
    const char *id;        /* the container's, whose session keyring is joined; NULL: a new one */
    const char *state;     /* for a seccomp agent, as in SandboxOptions */
    bool no_new_keyring;   /* keep the caller's session keyring */
    unsigned preserve_fds; /* so many descriptors from 3 on reach the program */
    bool detaches;         /* it goes on when the caller ends; else it is killed then */
} SandboxExecOptions;

/*
 * Execute @process in the container that was made from @config, as @config says but for what
 * @process itself does. Returns once execve(2) has succeeded.
 * Errors: CONFLICT (the container has ended), PROGRAM_MISSING, PROGRAM_UNUSABLE, INVALID (the
 * working directory, a member of @process), UNSUPPORTED, SYSTEM.
 */
int sandbox_exec(const RuntimeConfig *config, const RuntimeProcess *process,
                 const SandboxExecOptions *options, SandboxProcess **ret, Error *err);

/* As our pid namespace sees it. It is our child; the pidfd stays the handle's. */
pid_t sandbox_process_pid(const SandboxProcess *process);
int sandbox_process_pidfd(const SandboxProcess *process);

/* The master side of its terminal, owned by the caller from here on; -EBADF without one. */
int sandbox_process_take_terminal(SandboxProcess *process);

/* Forget the handle; the process goes on, but for one that does not detach when we end. */
void sandbox_process_free(SandboxProcess *process);
DEFINE_CLEANUP(SandboxProcess *, sandbox_process_free);
