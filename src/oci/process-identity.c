/* SPDX-License-Identifier: Apache-2.0 */

/* proc_pid_stat(5): fields are counted from behind the command, which may hold any byte. */

#include "oci/process-identity.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "base/fd.h"

#define STAT_LINE_MAX 1024

int process_start_time_parse(const char *line, uint64_t *ret)
{
    const char *after_command = strrchr(line, ')');
    uint64_t start_time;
    char state;

    /* State, 18 numbers (ppid to itrealvalue), start time. */
    if (!after_command ||
        sscanf(after_command,
               ") %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
               "%" SCNu64,
               &state, &start_time) != 2)
        return -EBADMSG;
    if (state == 'Z' || state == 'X')
        return -ESRCH;
    *ret = start_time;
    return 0;
}

int process_start_time(pid_t pid, uint64_t *ret)
{
    _cleanup_close_ int fd = -EBADF;
    char line[STAT_LINE_MAX], path[32];
    ssize_t n;

    (void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? -ESRCH : -errno;
    do
        n = read(fd, line, sizeof(line) - 1);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    line[n] = '\0';
    return process_start_time_parse(line, ret);
}

int process_open(pid_t pid, uint64_t start_time)
{
    _cleanup_close_ int fd = pidfd_open(pid, 0);
    uint64_t found;
    int r;

    /* Linux 6.1 has EINVAL for a dead process whose number is still that of a session. */
    if (fd < 0)
        return errno == EINVAL ? -ESRCH : -errno;
    /* The descriptor is opened first: what is read afterwards is of its process, or of a later one
     * that cannot have started at the same time. */
    r = process_start_time(pid, &found);
    if (r < 0)
        return r;
    return found == start_time ? TAKE_FD(fd) : -ESRCH;
}

bool process_is_alive(pid_t pid, uint64_t start_time)
{
    uint64_t found;
    int r = process_start_time(pid, &found);

    return r == 0 ? found == start_time : r != -ESRCH;
}
