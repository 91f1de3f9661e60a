/* SPDX-License-Identifier: Apache-2.0 */

/* The kernel takes rights over files away from who changes from root to another one, unless told
 * not to. */

#include "base/fs-ids.h"

#include <errno.h>
#include <linux/securebits.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>

/* What setfsuid(2) never accepts: it then only says what is. */
#define NO_ID ((uid_t)-1)

int fs_ids_assume(uid_t uid, gid_t gid, FsIds *previous)
{
    FsIds before = {
        .uid = (uid_t)setfsuid(NO_ID),
        .gid = (gid_t)setfsgid(NO_ID),
        .secure_bits = prctl(PR_GET_SECUREBITS),
        .is_changed = true,
    };

    if (before.secure_bits < 0 ||
        prctl(PR_SET_SECUREBITS, before.secure_bits | SECBIT_NO_SETUID_FIXUP) < 0)
        return -errno;
    *previous = before;
    (void)setfsgid(gid);
    (void)setfsuid(uid);
    if ((uid_t)setfsuid(NO_ID) != uid || (gid_t)setfsgid(NO_ID) != gid) {
        fs_ids_restore(previous);
        *previous = (FsIds) {};
        return -EPERM;
    }
    return 0;
}

void fs_ids_restore(const FsIds *previous)
{
    if (!previous->is_changed)
        return;
    (void)setfsuid(previous->uid);
    (void)setfsgid(previous->gid);
    (void)prctl(PR_SET_SECUREBITS, previous->secure_bits); /* fewer than there are: allowed */
}
