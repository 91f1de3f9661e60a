/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The options of one mount, as the OCI runtime specification names them (config.md, "Linux mount
 * options"), sorted by what they act on: the mount itself, the mounts below it, its propagation,
 * or the file system.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/string-list.h"

/* Flags of mount_setattr(2): the bits of @mask get the values in @value. */
typedef struct MountAttributes {
    uint64_t mask;
    uint64_t value;
    uint64_t propagation; /* MS_PRIVATE, MS_SHARED, MS_SLAVE, MS_UNBINDABLE; 0: as it is */
} MountAttributes;

typedef struct MountOptions {
    MountAttributes own;
    MountAttributes recursive; /* of the mount and all below it */
    bool bind;
    bool bind_recursive;
    bool remount;
    StringMap data; /* what fsconfig(2) is told; a NULL value makes a flag */
} MountOptions;

void mount_options_done(MountOptions *options);
#define _cleanup_mount_options_ _cleanup_(mount_options_done)

/*
 * Sort @options into @ret (zeroed). What the table does not know goes to the file system.
 * Errors: UNSUPPORTED (named).
 */
int mount_options_parse(const StringList *options, MountOptions *ret, Error *err);

/* The MS_* flag of a propagation's name ("rslave"), 0 for another word. */
uint64_t mount_propagation_flag(const char *name, bool *ret_recursive);

/* Apply to the mount that @fd is the root of. Does not allocate. Returns 0 or -errno. */
int mount_attributes_apply(int fd, const MountAttributes *attributes, bool recursive);
