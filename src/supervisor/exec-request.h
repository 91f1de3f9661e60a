/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One more process for a container that runs, as what it changes of the container's own: a file in
 * the directory of the exec, written by who asks for it and read by its shim.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/json-fields.h"
#include "base/string-list.h"
#include "sandbox/runtime-config.h"

/* The directory in the container's runtime directory with one directory for each exec, which its
 * shim holds flock(2)ed, and the file in that. */
#define EXEC_DIRECTORY_NAME "exec"
#define EXEC_REQUEST_NAME "process.json"

typedef struct ExecUser {
    uint32_t uid;
    uint32_t gid;
    JSON_ARRAY_OF(uint32_t) groups;
} ExecUser;

typedef struct ExecRequest {
    StringList arguments;
    StringList environment;  /* "NAME=value", or "NAME": it is not set */
    char *working_directory; /* absolute; NULL: the container's */
    ExecUser *user;          /* NULL: the container's */
    bool tty;
    bool open_stdin;
    bool privileged; /* all capabilities; what else confines the container stays */
} ExecRequest;

void exec_request_done(ExecRequest *request);
#define _cleanup_exec_request_ _cleanup_(exec_request_done)

/* Errors: EXHAUSTED, SYSTEM. */
int exec_request_write(int exec_fd, const ExecRequest *request, Error *err);

/* Errors: NOT_FOUND, CORRUPT, SYSTEM. */
int exec_request_read(int exec_fd, ExecRequest *ret, Error *err);

/*
 * Make config->process, the container's own, what @request says. No capability is inheritable or
 * ambient; they are effective for root alone, as execve(2) would have it.
 * Errors: INVALID (as runtime_config_validate()).
 */
int exec_request_apply(const ExecRequest *request, RuntimeConfig *config, Error *err);
