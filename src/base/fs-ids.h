/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * As whom this process makes files. Through a mount with mapped ids only who has an id in the map
 * can make any; all rights stay as they are.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "base/cleanup.h"

typedef struct FsIds {
    uid_t uid;
    gid_t gid;
    int secure_bits;
    bool is_changed;
} FsIds;

/* Make files as @uid and @gid from here on. *previous is for fs_ids_restore(). Returns 0 or -errno
 * (-EPERM: not root). */
int fs_ids_assume(uid_t uid, gid_t gid, FsIds *previous);

/* Nothing happens if nothing was changed. */
void fs_ids_restore(const FsIds *previous);
#define _cleanup_fs_ids_ _cleanup_(fs_ids_restore)
