/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A process that was written down, found again: by its pid and by when it started, so that another
 * one that got the same pid later is never taken for it.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* When @pid started, in clock ticks since boot. Returns 0 or -errno; -ESRCH when it has ended, also
 * if nobody has reaped it yet. */
int process_start_time(pid_t pid, uint64_t *ret);

/* The line of /proc/PID/stat that this is read from. Returns 0, -ESRCH or -EBADMSG. */
int process_start_time_parse(const char *line, uint64_t *ret);

/* A pidfd of the process @pid that started at @start_time. Returns it or -errno (-ESRCH). */
int process_open(pid_t pid, uint64_t start_time);

/* Whether it is there and not dead. In doubt it is. */
bool process_is_alive(pid_t pid, uint64_t start_time);
