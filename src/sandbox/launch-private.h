/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The last steps to a program, once a process is in its namespaces and its root: standard streams,
 * terminal, working directory, credentials, execve(2). A container's first process and one that
 * joins later take the same ones. None of these allocates; each returns 0 or -errno with the report
 * filled.
 */

#include <stdbool.h>

#include "sandbox/launch-plan-private.h"
#include "sandbox/report-private.h"
#include "sandbox/terminal-private.h"

typedef struct Launch {
    LaunchPlan *plan;
    int root_fd;    /* of the container */
    int control_fd; /* closed by execve(2); its end is that of who waits for us */
    int stdio[3];
    int directory_fd; /* the working directory */
    bool has_directory;
    Terminal terminal;
    Report report;
} Launch;

#define LAUNCH_INIT                                                                                \
    .root_fd = -EBADF, .control_fd = -EBADF, .stdio = { -EBADF, -EBADF, -EBADF },                  \
    .directory_fd = -EBADF, .terminal = TERMINAL_INIT

/* Nobody may trace us or look through our descriptors while we are half inside: exec ends this. */
int launch_protect(Launch *launch);

/* Take @stdio of the caller, or the terminal, which has to be open by then. */
int launch_open_stdio(Launch *launch, const int stdio[3]);

/* Open process.cwd in the root; with @makes_missing it is made where it is missing. */
int launch_open_directory(Launch *launch, bool makes_missing);

/* Enter it, as root where root may. */
int launch_enter_directory(Launch *launch);

/* Fail now if there is no program. */
int launch_find_program(Launch *launch);

/* Streams to their places already, so that those of the caller are not held any longer. */
int launch_place_stdio(Launch *launch);

/* Streams to their places, and everything else is closed by execve(2). */
int launch_arrange_descriptors(Launch *launch);

/* Look up in the root what the environment lacks. */
int launch_complete_environment(Launch *launch);

/* Attributes, then credentials: from here on we are the user. */
int launch_take_credentials(Launch *launch);

/* Is the working directory inside the root? Enters it as the user, where root could not. */
int launch_check_directory(Launch *launch);

/* Go under the filter and become the program. Returns only with a failure. */
int launch_execute(Launch *launch);
