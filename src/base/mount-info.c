/* SPDX-License-Identifier: Apache-2.0 */

/* The kernel's lists of mounts, read whole and parsed in place. */

#include "base/mount-info.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"

/* Hosts with thousands of mounts have files of some megabytes. */
#define SIZE_MAX_BYTES (64U << 20)

int mount_info_read(const char *path, char **ret)
{
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

    return fd < 0 ? -errno : fd_read_all(fd, SIZE_MAX_BYTES, ret, NULL);
}

/* The kernel writes space, tab, newline and backslash as \ooo. */
static void unescape(char *text)
{
    char *target = text;

    while (*text) {
        if (text[0] == '\\' && text[1] >= '0' && text[1] <= '3' && text[2] >= '0' &&
            text[2] <= '7' && text[3] >= '0' && text[3] <= '7') {
            *target++ = (char)((text[1] - '0') * 64 + (text[2] - '0') * 8 + text[3] - '0');
            text += 4;
        } else {
            *target++ = *text++;
        }
    }
    *target = '\0';
}

/* "36 35 98:0 /root /mnt/point rw,noatime master:1 - ext3 /dev/sda rw" (proc_pid_mountinfo(5)) */
static bool parse_line(char *line, MountInfo *ret)
{
    char *rest = strstr(line, " - ");
    const char *device;

    if (!rest)
        return false;
    *rest = '\0';
    rest += 3;
    ret->type = strsep(&rest, " ");
    ret->source = strsep(&rest, " ");
    ret->options = strsep(&rest, " ");

    rest = line;
    (void)strsep(&rest, " "); /* mount id */
    (void)strsep(&rest, " "); /* its parent's */
    device = strsep(&rest, " ");
    ret->root = strsep(&rest, " ");
    ret->mount_point = strsep(&rest, " ");
    if (!ret->mount_point || !ret->options ||
        sscanf(device, "%u:%u", &ret->major, &ret->minor) != 2)
        return false;
    unescape(ret->root);
    unescape(ret->mount_point);
    unescape(ret->source);
    return true;
}

bool mount_info_next(char **rest, const char *part, MountInfo *ret)
{
    char *line;

    while ((line = strsep(rest, "\n"))) {
        if (strstr(line, part) && parse_line(line, ret))
            return true;
    }
    return false;
}
