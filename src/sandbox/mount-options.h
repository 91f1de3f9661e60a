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
    bool map_ids; /* "idmap" */
    bool map_ids_recursive;
    bool copy_up;   /* "tmpcopyup" */
    StringMap data; /* what fsconfig(2) is told; a NULL value makes a flag */
} MountOptions;

void mount_options_done(MountOptions *options);
#define _cleanup_mount_options_ _cleanup_(mount_options_done)

/* The options that the table knows and does not refuse, in its order. */
void mount_option_names(StringList *ret);

/*
 * Sort @options into @ret (zeroed). What the table does not know goes to the file system, and so do
 * flags of the file system itself ("sync"), under the kernel's names for them.
 * Errors: UNSUPPORTED (named).
 */
int mount_options_parse(const StringList *options, MountOptions *ret, Error *err);

/* The MS_* flag of a propagation's name ("rslave"), 0 for another word. */
uint64_t mount_propagation_flag(const char *name, bool *ret_recursive);

/* The attributes of the mount itself: what is said for it alone wins over the recursive ones. */
MountAttributes mount_options_merged(const MountOptions *options);

/* Apply to the mount that @fd is the root of. Does not allocate. Returns 0 or -errno. */
int mount_attributes_apply(int fd, const MountAttributes *attributes, bool recursive);

/*
 * Show the detached mount @fd with the ids that the user namespace @namespace_fd maps: what is 0 on
 * the disk is the id that 0 is mapped to. Does not allocate. Returns 0 or -errno (-EINVAL: the file
 * system cannot).
 */
int mount_map_ids(int fd, int namespace_fd, bool recursive);
