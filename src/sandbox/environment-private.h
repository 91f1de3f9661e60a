/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The environment of a program: the configured one, and what only the container can tell. */

#include <limits.h>
#include <stdbool.h>

#include "base/string-list.h"
#include "sandbox/report-private.h"
#include "sandbox/runtime-config.h"

#define ENVIRONMENT_HOME_MAX PATH_MAX

typedef struct Environment {
    StringList variables;
    char *home; /* "HOME=" and room for a path, the last of @variables; NULL: HOME is configured */
} Environment;

/*
 * Lay out process.env. With @n_sockets the program finds so many listening sockets from descriptor
 * 3 on, as sd_listen_fds(3) has it: LISTEN_FDS and LISTEN_PID (1: the first process) are set.
 * A HOME that is missing or empty is left to environment_find_home().
 */
void environment_plan(const RuntimeProcess *process, unsigned n_sockets, Environment *ret);
void environment_done(Environment *environment);

static inline bool environment_needs_home(const Environment *environment)
{
    return environment->home;
}

/*
 * The child's part, without allocation: set HOME to the home directory of user @uid in the
 * /etc/passwd below @root_fd, or to "/" where that names none. The file is the container's: it may
 * be anything, so it is read by handle, only if it is a regular file, and not without end.
 */
void environment_find_home(Environment *environment, int root_fd, uid_t uid);
