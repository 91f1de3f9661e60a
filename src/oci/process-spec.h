/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What `exec` is to execute: a whole process.json, or the container's own process with changes. */

#include <stdbool.h>

#include "base/error.h"
#include "base/string-list.h"
#include "sandbox/runtime-config.h"

typedef struct ProcessOptions {
    char *file; /* process.json; NULL: the rest counts */
    char *cwd;  /* NULL: as the container's process */
    char *user; /* "UID[:GID]" */
    char *label;
    char *apparmor;
    StringList env;  /* added to that of the container's process */
    StringList caps; /* "CAP_CHOWN", added too */
    StringList additional_gids;
    bool tty;
    bool no_new_privs;
} ProcessOptions;

void process_options_done(ProcessOptions *options);

/*
 * Make config->process, the container's own, what @options and the program @arguments say, and
 * validate it. Errors: INVALID, SYSTEM.
 */
int process_spec_apply(RuntimeConfig *config, const ProcessOptions *options, char *const *arguments,
                       Error *err);
