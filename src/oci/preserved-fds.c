/* SPDX-License-Identifier: Apache-2.0 */

/* Whatever is passed on was open when we were started: a number beyond that is a mistake, and would
 * pass descriptors of ours on. */

#include "oci/preserved-fds.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/parse.h"

#define FIRST_FD 3
#define NUMBER_MAX 4096

int listen_fds_count(unsigned *ret, Error *err)
{
    const char *number = getenv("LISTEN_FDS"), *owner = getenv("LISTEN_PID");
    uint32_t count, pid;

    *ret = 0;
    /* Those of another process are not open here. */
    if (!number || !owner || parse_u32(owner, &pid) < 0 || pid != (uint32_t)getpid())
        return 0;
    if (parse_u32(number, &count) < 0 || count > NUMBER_MAX)
        return error_set(err, ERROR_INVALID, "LISTEN_FDS: '%s' is no number of descriptors",
                         number);
    *ret = count;
    return 0;
}

int preserved_fds_count(int64_t number, unsigned listen, unsigned *ret, Error *err)
{
    unsigned count;

    if (number < 0 || number > NUMBER_MAX)
        return error_set(err, ERROR_INVALID, "--preserve-fds: the number is out of range");
    count = listen + (unsigned)number;
    for (unsigned fd = FIRST_FD; fd < FIRST_FD + count; fd++) {
        int flags = fcntl((int)fd, F_GETFD);

        /* What we have opened ourselves is close-on-exec. */
        if (flags < 0 || (flags & FD_CLOEXEC))
            return error_set(err, ERROR_INVALID, "%s: descriptor %u is not open",
                             fd < FIRST_FD + listen ? "LISTEN_FDS" : "--preserve-fds", fd);
    }
    *ret = count;
    return 0;
}
