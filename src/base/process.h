/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Starting programs of our own and waiting for them, by pidfd: safe against reuse of a pid. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/error.h"

typedef struct SpawnOptions {
    const char *program; /* absolute path, or a name looked up in PATH when search is set */
    bool search;
    const int *program_fd;          /* NULL, or the open program: executed instead of the path */
    const char *const *arguments;   /* argv, NULL-terminated */
    const char *const *environment; /* NULL: ours */
    int stdio[3];                   /* become 0, 1, 2; -EBADF gives /dev/null */
    const int *fds;                 /* become 3, 4, ... in this order; -EBADF leaves a gap */
    size_t n_fds;
    const int *mounts_fd; /* NULL, or the mount namespace that it is executed in */
    bool new_mounts;      /* a mount namespace of its own: what it mounts ends with it */
    bool new_session;     /* setsid(): survives the caller's terminal */
    bool die_with_parent; /* PR_SET_PDEATHSIG SIGKILL */
} SpawnOptions;

typedef struct Process {
    pid_t pid;
    int pidfd;
} Process;

#define PROCESS_INIT                                                                               \
    (Process)                                                                                      \
    {                                                                                              \
        .pid = 0, .pidfd = -EBADF                                                                  \
    }

/*
 * Start a program with exactly the descriptors named in @options, all signals at their defaults
 * and none blocked. Errors: NOT_FOUND (no such program), SYSTEM.
 */
int process_spawn(const SpawnOptions *options, Process *ret, Error *err);

/* Wait for the end. *ret_status is as waitpid(2) gives it. Returns 0 or -errno. */
int process_wait(Process *process, int *ret_status);

/* The shell's convention: the exit code, or 128 + the signal that killed it. */
int process_status_to_code(int status);

/* Kill with SIGKILL if still there, reap, close. */
void process_done(Process *process);

#define _cleanup_process_ _cleanup_(process_done)

/* Signal through the pidfd. Returns 0 or -errno (-ESRCH when it has ended). */
int process_signal(const Process *process, int signal);

/* The path of the program that this process executes; NULL without procfs. The caller frees it. */
char *process_own_program(void);

/*
 * The path of the sibling program @name: in the directory of our own executable, or the libexec
 * directory that was chosen at build time. The environment variable CAY_LIBEXEC overrides both.
 */
char *process_find_sibling(const char *name);
