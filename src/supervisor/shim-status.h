/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What goes on with a container right now, as its shim writes it into the lock file that it holds:
 * who wants to know reads a file, and no shim is woken up. While the lock is held the content is
 * true; when nobody holds it, it is what was true at last.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

typedef struct ShimStatus {
    char *state; /* "created", "running", "paused", "restarting", "ended"; NULL: no shim has
                    written yet */
    int64_t pid; /* of the first process; 0: none runs */
    int64_t shim_pid;
    int64_t started_at;  /* nanoseconds since 1970, of this run; 0: not started */
    int64_t finished_at; /* of the last end; 0: none */
    int32_t exit_code;   /* of the last end */
    bool oom_killed;     /* at the last end */
    int64_t restart_count;
    char *health; /* "starting", "healthy", "unhealthy"; NULL: not checked */
    int64_t failing_streak;
} ShimStatus;

void shim_status_done(ShimStatus *status);
#define _cleanup_shim_status_ _cleanup_(shim_status_done)

/* Replace the content of @lock_fd in one write. Returns 0 or -errno. */
int shim_status_write(int lock_fd, const ShimStatus *status);

/* Read it. An empty file is a zeroed status. Returns 0 or -errno (-EBADMSG: no status). */
int shim_status_read(int lock_fd, ShimStatus *ret);
