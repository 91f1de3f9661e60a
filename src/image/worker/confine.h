/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Giving up every right that the job does not need, for the rest of this process's life: it can
 * write below one directory, or only read there, and use the descriptors it holds, and do nothing
 * else.
 *
 * A root directory and namespaces of its own come first, where the process may have them, then
 * Landlock, capabilities and a seccomp allowlist. The first and the second each hold alone; where
 * the kernel or the user has neither, nothing is read. seccomp is never done without.
 */

#include <stdbool.h>

#include "base/error.h"

typedef struct ConfineOptions {
    unsigned close_from;       /* descriptors from this number on are closed */
    bool needs_trusted_xattrs; /* keep CAP_SYS_ADMIN, for overlayfs's opaque marks alone */
    bool only_reads;           /* nothing below the directory is made or changed */
    bool with_mounts;          /* what is mounted below the directory is there, too */
} ConfineOptions;

/*
 * Confine this process, which must have one thread yet, to the directory *@target_fd. That handle
 * is closed and replaced by one that belongs to the new root, where it can have one: the directory
 * of another mount namespace cannot be made the root, so there it takes Landlock. Errors:
 * UNSUPPORTED (neither a root of its own nor Landlock, or no seccomp), SYSTEM.
 */
int confine(int *target_fd, const ConfineOptions *options, Error *err);
