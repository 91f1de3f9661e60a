/* SPDX-License-Identifier: Apache-2.0 */

/* What sudo(8) says of its caller; it decides nothing but whose files are whose. */

#include "cli/caller.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/parse.h"

void caller_ids(uint32_t *ret_uid, uint32_t *ret_gid)
{
    const char *uid = getenv("SUDO_UID"), *gid = getenv("SUDO_GID");

    *ret_uid = getuid();
    *ret_gid = getgid();
    if (!uid || !gid || *ret_uid != 0)
        return;
    if (parse_u32(uid, ret_uid) < 0 || parse_u32(gid, ret_gid) < 0) {
        *ret_uid = getuid();
        *ret_gid = getgid();
    }
}
