/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Files get their owners at birth: by the ids that the file system looks at (setfsuid(2)), with all
 * capabilities kept but one. In a mount that shows ids translated it is the only way to make any.
 */

#include <errno.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "storage/tree-copy-private.h"

/* What shows for an owner without an id (fs.overflowuid's default). */
#define OVERFLOW_ID 65534

/*
 * Quotas and the blocks that ext4 keeps for root bind only who lacks CAP_SYS_RESOURCE, as those do
 * for whom is copied. Returns whether it was in effect before; where it cannot be changed, nothing
 * is.
 */
static bool set_no_limits(bool has_none)
{
    const uint32_t bit = 1U << CAP_SYS_RESOURCE;
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    bool had_none;

    if (syscall(SYS_capget, &header, data) < 0)
        return false;
    had_none = data[0].effective & bit;
    if (had_none == has_none)
        return had_none;
    data[0].effective ^= bit;
    return syscall(SYS_capset, &header, data) == 0 && had_none;
}

int copy_identity_enter(CopyIdentity *identity)
{
    int bits = prctl(PR_GET_SECUREBITS);

    *identity = (CopyIdentity) {
        .own_uid = geteuid(),
        .own_gid = getegid(),
        .uid = geteuid(),
        .gid = getegid(),
        .secure_bits = -1,
        .umask = umask(0),
        .has_no_limits = set_no_limits(false),
    };
    if (bits < 0)
        return -errno;
    if (bits & SECBIT_NO_SETUID_FIXUP)
        return 0;
    if (prctl(PR_SET_SECUREBITS, bits | SECBIT_NO_SETUID_FIXUP) < 0)
        return -errno;
    identity->secure_bits = bits;
    return 0;
}

void copy_identity_leave(CopyIdentity *identity)
{
    copy_identity_resume(identity);
    if (identity->secure_bits >= 0)
        (void)prctl(PR_SET_SECUREBITS, identity->secure_bits); /* we may set, so we may unset */
    (void)umask(identity->umask);
    if (identity->has_no_limits)
        (void)set_no_limits(true); /* it is still permitted */
}

void copy_identity_assume(CopyIdentity *identity, uid_t uid, gid_t gid)
{
    if (gid != identity->gid)
        setfsgid(gid);
    if (uid != identity->uid)
        setfsuid(uid);
    identity->uid = uid;
    identity->gid = gid;
}

void copy_identity_resume(CopyIdentity *identity)
{
    copy_identity_assume(identity, identity->own_uid, identity->own_gid);
}

static uint32_t inside_of(const IdRanges *ranges, uint32_t id)
{
    uint32_t inside;

    return id_ranges_to_container(ranges, id, &inside) ? inside : OVERFLOW_ID;
}

bool copy_owner(const TreeCopyOptions *options, const struct stat *status, uid_t *ret_uid,
                gid_t *ret_gid)
{
    uid_t uid = options->uid;
    gid_t gid = options->gid;

    if (options->flags & TREE_COPY_OWNERS) {
        uid = status->st_uid;
        gid = status->st_gid;
        if (options->source_ids) {
            uid = inside_of(&options->source_ids->uids, uid);
            gid = inside_of(&options->source_ids->gids, gid);
        }
    }
    *ret_uid = uid;
    *ret_gid = gid;
    return !options->target_ids || (id_ranges_to_host(&options->target_ids->uids, uid, ret_uid) &&
                                    id_ranges_to_host(&options->target_ids->gids, gid, ret_gid));
}
