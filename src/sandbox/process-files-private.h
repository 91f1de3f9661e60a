/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What is written through procfs. Never through a /proc that an image, a mount or a symlink could
 * have replaced: the parent checks the file system's type, the child uses a mount of its own that
 * nobody else sees.
 */

#include <sys/types.h>

#include "base/error.h"
#include "base/string-list.h"
#include "sandbox/report-private.h"

/* Our child's directory in /proc; while it is not reaped, its pid is nobody else's. Returns a
 * descriptor or -errno. */
int process_files_open(pid_t pid);

/*
 * Set the score unless it has that value already. An ordinary user cannot lower it, and nobody who
 * writes configurations for one means that: then it stays as it is. Errors: DENIED (lowering it
 * takes CAP_SYS_RESOURCE).
 */
int process_set_oom_score(pid_t pid, int64_t score, Error *err);

/* The files that @sysctls mean: path below /proc/sys -> value. */
void sysctls_plan(const StringMap *sysctls, StringMap *ret);

/* The procfs at /proc, known to be one. Returns a descriptor or -errno. */
int procfs_open_host(void);

/* The child's part, without allocation. */
int procfs_open(Report *report);
int sysctls_write(int procfs_fd, const StringMap *files, Report *report);
