/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A command that stays with the process it has started: passes signals on and the terminal's bytes,
 * and ends with that process's exit status.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "sandbox/runtime-config.h"

typedef struct Foreground {
    int signal_fd; /* -EBADF: not prepared */
} Foreground;

#define FOREGROUND_INIT                                                                            \
    (Foreground)                                                                                   \
    {                                                                                              \
        .signal_fd = -EBADF                                                                        \
    }

/*
 * To be called before the process is started, so that no signal is lost. With @is_subreaper, what
 * the process leaves behind becomes ours, and is reaped. Errors: SYSTEM.
 */
int foreground_prepare(Foreground *foreground, bool is_subreaper, Error *err);
void foreground_done(Foreground *foreground);

#define _cleanup_foreground_ _cleanup_(foreground_done)

/* With a terminal of our own, @process gets one of the same size: from the start, so that nothing
 * looks like a change. */
void foreground_set_console_size(RuntimeProcess *process);

/*
 * Stay until our child @pid, whose handle is @pidfd, has ended, and reap it. Owns @terminal_fd, the
 * master side of its terminal, which may be -EBADF. Returns the exit status (128 and the number of
 * the signal that killed it). Errors: SYSTEM.
 */
int foreground_wait(Foreground *foreground, pid_t pid, int pidfd, int terminal_fd, Error *err);
