/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Limits on what lies in a directory: project quotas of ext4 and xfs. A project is a number that
 * files carry; the file system counts the blocks of those that carry it and refuses what goes
 * beyond the project's limit. A directory gives its number to whatever is made in it, and statfs(2)
 * in it tells of the limit instead of the disk.
 *
 * The limit is the file system's and stays through reboots. Who may change a file's number is up to
 * the kernel: the owner of the file, in the first user namespace only.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* The smallest limit: an empty directory and an overlay's own files take a part of it. */
#define PROJECT_QUOTA_MIN ((int64_t)1 << 20)

/*
 * Do limits hold in the file system of @fd (which may be O_PATH)?
 * Errors: UNSUPPORTED; the message says what to do.
 */
int project_quota_check(int fd, Error *err);

/* Has nobody a limit, or files, under the number @project in the file system of @fd? */
bool project_quota_is_free(int fd, uint32_t project);

/*
 * Limit the files of @project to @bytes, rounded up to whole KiB. Errors: as
 * project_quota_check(), SYSTEM.
 */
int project_quota_limit(int fd, uint32_t project, uint64_t bytes, Error *err);

/*
 * Give @project to the directory @directory_fd (not O_PATH), and so to all that will be made in it;
 * what is there already stays as it is. Errors: UNSUPPORTED, SYSTEM.
 */
int project_quota_join(int directory_fd, uint32_t project, Error *err);

/* The project that the directory @directory_fd was given by project_quota_join(); 0: none, or it is
 * the one that @parent_fd gives to whatever is made in it. */
uint32_t project_quota_of(int directory_fd, int parent_fd);

/* Take the limit back: @project is like a number that was never used. Returns 0 or -errno. */
int project_quota_clear(int fd, uint32_t project);
