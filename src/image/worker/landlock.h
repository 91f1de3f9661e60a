/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Landlock (landlock(7)): no path but those below one directory, no network, no signals out. */

#include <stdbool.h>

/*
 * Restrict this process to files beneath @target_fd: read, write, make and remove, but not execute;
 * with @only_reads none of the others either.
 * Mounting is forbidden with it. No new privileges must be set.
 * Returns 0 or -errno; -EOPNOTSUPP where the kernel has none that allows hard links (before 5.19).
 */
int landlock_confine(int target_fd, bool only_reads);
