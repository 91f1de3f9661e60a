/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* File systems as detached mounts, for who has them mounted in a container later. */

#include "base/error.h"
#include "sandbox/mount-options.h"

/*
 * Does the kernel know the type, and the type its options? Some file systems look at those only
 * when they are mounted. Errors: UNSUPPORTED (type), INVALID (option, named by the kernel), SYSTEM.
 */
int file_system_check(const char *type, const MountOptions *options, Error *err);

/* Errors: as above, and what the file system itself says of @source. */
int file_system_mount(const char *type, const char *source, const MountOptions *options,
                      int *ret_mount_fd, Error *err);
