/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The container's terminal: made in its own devpts, never looked up by name. */

#include "sandbox/report-private.h"
#include "sandbox/runtime-config.h"

typedef struct Terminal {
    int master_fd;
    int slave_fd;
} Terminal;

#define TERMINAL_INIT                                                                              \
    (Terminal)                                                                                     \
    {                                                                                              \
        .master_fd = -EBADF, .slave_fd = -EBADF                                                    \
    }

/* The child's part: none of these allocates. */

/* A new pair in the devpts mount @devpts_fd (-EBADF: there is none, an error), owned by the user,
 * of the size that was asked for. */
int terminal_open(const RuntimeProcess *process, int devpts_fd, Terminal *ret, Report *report);

/* Bind the slave over /dev/console. */
int terminal_bind_console(const Terminal *terminal, int root_fd, Report *report);

/* Make the slave the controlling terminal of this session. */
int terminal_control(const Terminal *terminal, Report *report);
