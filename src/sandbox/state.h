/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The state of a container as the OCI runtime specification (runtime.md, "State") has it: what
 * hooks read from their standard input, and what `state` prints.
 */

#include <jansson.h>
#include <sys/types.h>

#include "base/string-list.h"

typedef enum RuntimeStatus {
    RUNTIME_CREATING,
    RUNTIME_CREATED, /* waits for its start */
    RUNTIME_RUNNING,
    RUNTIME_PAUSED, /* not in the specification, but what other runtimes say too */
    RUNTIME_STOPPED,
    _RUNTIME_STATUS_MAX,
} RuntimeStatus;

typedef struct RuntimeState {
    const char *id;
    RuntimeStatus status;
    pid_t pid;                    /* of the first process, as the host sees it; 0: there is none */
    const char *bundle;           /* absolute */
    const StringMap *annotations; /* NULL: none */
} RuntimeState;

/* "running" and so on. */
const char *runtime_status_to_string(RuntimeStatus status);

/* A new reference; cannot fail. */
json_t *runtime_state_to_json(const RuntimeState *state);
