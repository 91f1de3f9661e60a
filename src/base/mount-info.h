/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The mounts of a mount namespace, as the kernel lists them (proc_pid_mountinfo(5)). */

#include <stdbool.h>

#define MOUNT_INFO_OWN "/proc/self/mountinfo"

/* One mount. Its texts lie in that of the list. */
typedef struct MountInfo {
    unsigned major, minor;
    char *root; /* what of the file system is mounted */
    char *mount_point;
    const char *type;
    char *source;
    const char *options; /* of the super block */
} MountInfo;

/* The list in the file @path as text, for the caller to free. Returns 0 or -errno. */
int mount_info_read(const char *path, char **ret);

/*
 * Take the next mount that has @part in its line off the text at *@rest, which is changed. Most are
 * of no interest, and there may be thousands. False at the end.
 */
bool mount_info_next(char **rest, const char *part, MountInfo *ret);
