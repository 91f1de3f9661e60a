/* SPDX-License-Identifier: Apache-2.0 */

/* Whatever is passed on was open when we were started: a number beyond that is a mistake. */

#include "oci/inherited-fds.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/parse.h"

#define FIRST_FD 3
#define NUMBER_MAX 4096

static int count_sockets(unsigned *ret, Error *err)
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

int inherited_fds_take(int64_t number, bool takes_sockets, InheritedFds *ret, Error *err)
{
    InheritedFds fds = {};
    int r = takes_sockets ? count_sockets(&fds.listen, err) : 0;

    if (r < 0)
        return r;
    if (number < 0 || number > NUMBER_MAX)
        return error_set(err, ERROR_INVALID, "--preserve-fds: the number is out of range");
    fds.count = fds.listen + (unsigned)number;
    for (unsigned i = 0; i < fds.count; i++)
        if (fcntl((int)(FIRST_FD + i), F_GETFD) < 0)
            return error_set(err, ERROR_INVALID, "%s: descriptor %u is not open",
                             i < fds.listen ? "LISTEN_FDS" : "--preserve-fds", FIRST_FD + i);
    if (close_range(FIRST_FD + fds.count, ~0U, 0) < 0)
        return error_errno(err, "close the descriptors that are not passed on");
    *ret = fds;
    return 0;
}
