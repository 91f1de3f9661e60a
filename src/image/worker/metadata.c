/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Owner first, then mode, then attributes: chown(2) clears set-user-ID bits and file capabilities,
 * and an ACL decides over the group bits of the mode.
 */

#include "image/worker/metadata.h"

#include <archive.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/memory.h"
#include "image/worker/acl.h"
#include "image/worker/failure.h"

#define ACL_ACCESS_XATTR "system.posix_acl_access"
#define ACL_DEFAULT_XATTR "system.posix_acl_default"

typedef enum XattrPolicy {
    XATTR_LEAVE_OUT, /* the host's: labels of its LSM, integrity signatures */
    XATTR_KEEP,
    XATTR_REFUSE,
} XattrPolicy;

/* First match wins. What overlayfs keeps in attributes (redirects, opaque marks, data of other
 * layers) must come from us alone: an archive that brings its own could reach into other images. */
static const struct {
    const char *prefix;
    XattrPolicy policy;
} xattr_policies[] = {
    { "trusted.overlay.", XATTR_REFUSE },
    { "user.overlay.", XATTR_REFUSE },
    { "user.", XATTR_KEEP },
    { "security.capability", XATTR_KEEP },
    { ACL_ACCESS_XATTR, XATTR_KEEP },
    { ACL_DEFAULT_XATTR, XATTR_KEEP },
};

static const struct {
    int type;
    const char *xattr;
} acl_xattrs[] = {
    { ARCHIVE_ENTRY_ACL_TYPE_ACCESS, ACL_ACCESS_XATTR },
    { ARCHIVE_ENTRY_ACL_TYPE_DEFAULT, ACL_DEFAULT_XATTR },
};

static XattrPolicy xattr_policy(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(xattr_policies); i++)
        if (strncmp(name, xattr_policies[i].prefix, strlen(xattr_policies[i].prefix)) == 0)
            return xattr_policies[i].policy;
    return XATTR_LEAVE_OUT;
}

static int check_xattrs(struct archive_entry *entry, const char *path, int64_t max_xattr_bytes,
                        Error *err)
{
    const char *name;
    const void *value;
    int64_t total = 0;
    size_t size;

    if (archive_entry_xattr_reset(entry) == 0)
        return 0;
    while (archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK) {
        total += (int64_t)(strlen(name) + size);
        if (total > max_xattr_bytes)
            return error_set(err, ERROR_EXHAUSTED,
                             "archive entry '%s' has more than the limit of %lld bytes of extended "
                             "attributes",
                             path, (long long)max_xattr_bytes);
        if (xattr_policy(name) == XATTR_REFUSE) {
            _cleanup_free_ char *quoted = failure_quote(name);

            return error_set(err, ERROR_INVALID,
                             "archive entry '%s' has the attribute '%s', which is overlayfs's own",
                             path, quoted);
        }
    }
    return 0;
}

int metadata_check(struct archive_entry *entry, const char *path, int64_t max_xattr_bytes,
                   Error *err)
{
    int64_t uid = archive_entry_uid(entry), gid = archive_entry_gid(entry);

    /* (uid_t)-1 would tell chown(2) to change nothing. */
    if (uid < 0 || uid >= UINT32_MAX || gid < 0 || gid >= UINT32_MAX)
        return error_set(err, ERROR_INVALID, "archive entry '%s' has an owner out of range", path);
    return check_xattrs(entry, path, max_xattr_bytes, err);
}

/* By name only through the working directory: there is no setxattrat(2) before Linux 6.13. */
static int set_xattr(const MetadataTarget *target, const char *name, const void *value, size_t size)
{
    if (target->fd >= 0)
        return fsetxattr(target->fd, name, value, size, 0) < 0 ? -errno : 0;
    if (fchdir(target->directory_fd) < 0 || lsetxattr(target->name, name, value, size, 0) < 0)
        return -errno;
    return 0;
}

static int apply_xattr(const MetadataTarget *target, const char *name, const void *value,
                       size_t size, Error *err)
{
    _cleanup_free_ char *quoted = NULL;
    int r = set_xattr(target, name, value, size);

    if (r >= 0)
        return 0;
    quoted = failure_quote(name);
    return failure_write(err, r, "set attribute '%s'", quoted);
}

static int apply_xattrs(const MetadataTarget *target, struct archive_entry *entry, Error *err)
{
    const char *name;
    const void *value;
    size_t size;
    int r;

    if (archive_entry_xattr_reset(entry) == 0)
        return 0;
    while (archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK) {
        if (xattr_policy(name) != XATTR_KEEP)
            continue;
        r = apply_xattr(target, name, value, size, err);
        if (r < 0)
            return r;
    }
    return 0;
}

static int apply_acls(const MetadataTarget *target, struct archive_entry *entry, Error *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(acl_xattrs); i++) {
        _cleanup_free_ void *value = NULL;
        size_t size = 0;
        int r = acl_to_xattr(entry, acl_xattrs[i].type, &value, &size, err);

        if (r > 0)
            r = apply_xattr(target, acl_xattrs[i].xattr, value, size, err);
        if (r < 0)
            return r;
    }
    return 0;
}

static int apply_owner(const MetadataTarget *target, struct archive_entry *entry)
{
    uid_t uid = (uid_t)archive_entry_uid(entry);
    gid_t gid = (gid_t)archive_entry_gid(entry);

    if (target->fd >= 0)
        return fchown(target->fd, uid, gid) < 0 ? -errno : 0;
    return fchownat(target->directory_fd, target->name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0 ? -errno
                                                                                           : 0;
}

static int apply_mode(const MetadataTarget *target, struct archive_entry *entry)
{
    mode_t mode = archive_entry_perm(entry);

    if (target->fd >= 0)
        return fchmod(target->fd, mode) < 0 ? -errno : 0;
    if (archive_entry_filetype(entry) == AE_IFLNK)
        return 0; /* has none */
    /* Follows symlinks, which this is not: it was made by us a moment ago, in a tree of our own. */
    return fchmodat(target->directory_fd, target->name, mode, 0) < 0 ? -errno : 0;
}

int metadata_apply(const MetadataTarget *target, struct archive_entry *entry, const char *path,
                   Error *err)
{
    int r = target->has_owner ? 0 : apply_owner(target, entry);

    if (r < 0)
        return failure_write(err, r, "set the owner of '%s'", path);
    r = target->has_mode ? 0 : apply_mode(target, entry);
    if (r < 0)
        return failure_write(err, r, "set the mode of '%s'", path);
    r = apply_xattrs(target, entry, err);
    if (r >= 0)
        r = apply_acls(target, entry, err);
    return r < 0 ? error_wrap(err, r, "archive entry '%s'", path) : 0;
}

void metadata_get_times(struct archive_entry *entry, struct timespec ret[2])
{
    ret[1] = (struct timespec) { archive_entry_mtime(entry), archive_entry_mtime_nsec(entry) };
    ret[0] = ret[1];
    if (archive_entry_atime_is_set(entry))
        ret[0] = (struct timespec) { archive_entry_atime(entry), archive_entry_atime_nsec(entry) };
}

int metadata_apply_times(const MetadataTarget *target, struct archive_entry *entry,
                         const char *path, Error *err)
{
    struct timespec times[2];
    int r;

    metadata_get_times(entry, times);
    if (target->fd >= 0)
        r = futimens(target->fd, times);
    else
        r = utimensat(target->directory_fd, target->name, times, AT_SYMLINK_NOFOLLOW);
    return r < 0 ? failure_write(err, -errno, "set the times of '%s'", path) : 0;
}

void metadata_drop_acl(const MetadataTarget *target)
{
    /* Not having one is the aim. */
    for (size_t i = 0; i < ARRAY_SIZE(acl_xattrs); i++) {
        if (target->fd >= 0)
            (void)fremovexattr(target->fd, acl_xattrs[i].xattr);
        else if (fchdir(target->directory_fd) == 0)
            (void)lremovexattr(target->name, acl_xattrs[i].xattr);
    }
}
