/* SPDX-License-Identifier: Apache-2.0 */

/*
 * quotactl_fd(2) needs no device, and its generic commands work on ext4 and xfs alike. What a file
 * system has not is found out from how it answers; its type only decides what the user is told.
 */

#include "storage/project-quota.h"

#include <errno.h>
#include <linux/dqblk_xfs.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/quota.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>

#include "base/memory.h"
#include "base/path.h"
#include "base/syscalls.h"

#define LIMIT_UNIT 1024U /* bytes; of struct if_dqblk */

#define REFUSAL "a limit of size takes project quotas, which "

/* What keeps a file system from having limits, and the way out. */
static int refuse(int fd, bool is_counting, Error *err)
{
    _cleanup_free_ char *name = path_of_directory(fd);
    const char *path = name ? name : "?";
    struct statfs fs = {};

    (void)fstatfs(fd, &fs); /* then it is of another type */
    if (fs.f_type == EXT4_SUPER_MAGIC && is_counting)
        return error_set(err, ERROR_UNSUPPORTED,
                         REFUSAL "the ext4 file system of '%s' has, but does not enforce: mount it "
                                 "with the option 'prjquota'",
                         path);
    if (fs.f_type == EXT4_SUPER_MAGIC)
        return error_set(err, ERROR_UNSUPPORTED,
                         REFUSAL "the ext4 file system of '%s' has not: unmount it, call 'tune2fs "
                                 "-O project,quota -Q prjquota' with its device, and mount it with "
                                 "the option 'prjquota'",
                         path);
    if (fs.f_type == XFS_SUPER_MAGIC)
        return error_set(err, ERROR_UNSUPPORTED,
                         REFUSAL "the xfs file system of '%s' does not enforce: mount it with the "
                                 "option 'prjquota'",
                         path);
    return error_set(err, ERROR_UNSUPPORTED,
                     REFUSAL "only ext4 and xfs have: '%s' lies on another file system, so keep "
                             "the state ('--state') on one of these, mounted with the option "
                             "'prjquota'",
                     path);
}

static int quota_call(int fd, int command, uint32_t project, void *data)
{
    return sys_quotactl_fd(fd, QCMD(command, PRJQUOTA), project, data) < 0 ? -errno : 0;
}

int project_quota_check(int fd, Error *err)
{
    struct fs_quota_statv state = { .qs_version = FS_QSTATV_VERSION1 };

    if (quota_call(fd, Q_XGETQSTATV, 0, &state) < 0)
        return refuse(fd, false, err);
    if (!(state.qs_flags & FS_QUOTA_PDQ_ENFD))
        return refuse(fd, state.qs_flags & FS_QUOTA_PDQ_ACCT, err);
    return 0;
}

bool project_quota_is_free(int fd, uint32_t project)
{
    struct if_dqblk quota = {};
    int r = quota_call(fd, Q_GETQUOTA, project, &quota);

    if (r < 0)
        return r == -ENOENT || r == -ESRCH; /* xfs keeps nothing of numbers without files */
    return quota.dqb_bhardlimit == 0 && quota.dqb_bsoftlimit == 0 && quota.dqb_ihardlimit == 0 &&
           quota.dqb_curspace == 0 && quota.dqb_curinodes == 0;
}

static int set_limit(int fd, uint32_t project, uint64_t bytes)
{
    uint64_t units = bytes / LIMIT_UNIT + (bytes % LIMIT_UNIT > 0);
    struct if_dqblk quota = {
        .dqb_bhardlimit = units,
        .dqb_valid = QIF_BLIMITS,
    };

    return quota_call(fd, Q_SETQUOTA, project, &quota);
}

int project_quota_limit(int fd, uint32_t project, uint64_t bytes, Error *err)
{
    int r = project_quota_check(fd, err);

    if (r < 0)
        return r;
    r = set_limit(fd, project, bytes);
    return r < 0 ? error_result(err, r, "limit project %u", project) : 0;
}

int project_quota_join(int directory_fd, uint32_t project, Error *err)
{
    struct fsxattr attributes;

    if (ioctl(directory_fd, FS_IOC_FSGETXATTR, &attributes) < 0)
        return error_errno(err, "read the project of a directory");
    attributes.fsx_projid = project;
    attributes.fsx_xflags |= FS_XFLAG_PROJINHERIT;
    if (ioctl(directory_fd, FS_IOC_FSSETXATTR, &attributes) < 0)
        return error_errno(err, "make a directory one of project %u", project);
    return 0;
}

/* 0 also where nothing has a project. */
static uint32_t read_project(int directory_fd)
{
    struct fsxattr attributes;

    return ioctl(directory_fd, FS_IOC_FSGETXATTR, &attributes) < 0 ? 0 : attributes.fsx_projid;
}

uint32_t project_quota_of(int directory_fd, int parent_fd)
{
    uint32_t project = read_project(directory_fd);

    return project == read_project(parent_fd) ? 0 : project;
}

int project_quota_clear(int fd, uint32_t project)
{
    return set_limit(fd, project, 0);
}
