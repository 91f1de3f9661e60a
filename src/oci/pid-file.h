/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The file that an engine reads the pid of a process from, once the command has succeeded. */

#include <sys/types.h>

#include "base/error.h"

/* Replace the file @path as a whole by one with @pid. NULL: nothing is asked for. Errors: SYSTEM.
 */
int pid_file_write(const char *path, pid_t pid, Error *err);
