/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Executing a program of ours so that no container can write to it. The first process of a
 * container is a copy of the supervisor until it executes, and a program that is a script with
 * "#!/proc/self/exe" executes the supervisor's file once more, inside: its /proc/<pid>/exe leads to
 * our program on the host (CVE-2019-5736).
 */

#include <stdbool.h>

#include "base/error.h"

/*
 * A descriptor of @program, to be executed with execveat(2) and AT_EMPTY_PATH (SpawnOptions:
 * program_fd): on a read-only mount of its own, through which nobody can open it for writing; where
 * the kernel refuses to make one (without CAP_SYS_ADMIN), a sealed copy in memory. It is the
 * caller's and may be closed once it was executed.
 * Errors: NOT_FOUND, SYSTEM.
 */
int self_exe_open_sealed(const char *program, int *ret_fd, Error *err);

/* Whether this process was executed from such a descriptor. In doubt it was not. */
bool self_exe_is_sealed(void);
