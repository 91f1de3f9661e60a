/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The container's first process, from clone to exec. */

#include <stdbool.h>

#include "sandbox/sandbox-plan-private.h"

/* What the parent sends, one byte each. */
#define INIT_GO_ON 'g' /* it has done what can only be done from outside */
#define INIT_START 's' /* execute the program */
#define INIT_CLAIM 'c' /* through start_fd, before INIT_START; answered to one at a time */

typedef struct InitOptions {
    int control_fd; /* where reports go and bytes come from */
    int start_fd;   /* listening: INIT_START comes through it; -EBADF: from the parent */
    bool waits;     /* INIT_GO_ON comes first */
    bool enters;    /* moves itself into the v1 cgroups */
} InitOptions;

/* In a child: wait for one particular byte of the parent, whose end is ours. */
void init_wait_for(int control_fd, char byte);

/*
 * Set everything up as @plan says, report that it is ready (with the terminal, if there is one),
 * wait for INIT_START and execute the program. A failure is reported and ends the process, and so
 * does the parent's end, but with a start_fd once it is ready. Allocates nothing.
 */
_Noreturn void init_run(SandboxPlan *plan, const InitOptions *options);
