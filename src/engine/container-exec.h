/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One more process in a container that runs. It has a shim of its own, so it goes on when whoever
 * started it has gone, and ends with its container at the latest.
 */

#include "base/cleanup.h"
#include "base/error.h"
#include "base/string-list.h"
#include "engine/container.h"

typedef struct ContainerExecOptions {
    StringList command;
    StringList environment;  /* "NAME=value", or "NAME" to remove what the container sets */
    char *user;              /* "name|uid[:group|gid]"; NULL: the container's */
    char *working_directory; /* absolute; NULL: the container's */
    bool tty;
    bool open_stdin;
    bool privileged;
    int terminal_fd; /* whose window size a terminal has from its start; -EBADF: none */
} ContainerExecOptions;

void container_exec_options_done(ContainerExecOptions *options);
#define _cleanup_container_exec_options_ _cleanup_(container_exec_options_done)

typedef struct ContainerExec ContainerExec;

/*
 * Execute a program in the container with the name or id @name. Returns once it is executed.
 * Errors: NOT_FOUND (no such container), CONFLICT (it does not run, is paused or restarting, or has
 * just ended), INVALID (user, working directory), PROGRAM_MISSING, PROGRAM_UNUSABLE, UNAVAILABLE.
 */
int container_exec_start(Engine *engine, const char *name, const ContainerExecOptions *options,
                         ContainerExec **ret, Error *err);

/* Its 64 hexadecimal digits. */
const char *container_exec_id(const ContainerExec *exec);

/* As shim_client_relay(). */
int container_exec_relay(ContainerExec *exec, const RelayOptions *options, ShimExit *ret,
                         Error *err);

/* The process goes on. */
void container_exec_free(ContainerExec *exec);
DEFINE_CLEANUP(ContainerExec *, container_exec_free);

/* The ids of what was executed so in the container with id @id and has not ended. What shims that
 * were killed have left is removed in passing. */
void container_exec_list(Engine *engine, const char *id, StringList *ret);
