/* SPDX-License-Identifier: Apache-2.0 */

/* Becoming nobody takes rights that are dropped after it. */

#include "base/privileges.h"

#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Nobody's, in every distribution. */
#define NOBODY 65534

static int become_nobody(Error *err)
{
    if (geteuid() != 0)
        return 0;
    /* In a user namespace of one id, say, there is nobody to become. */
    if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
        setresuid(NOBODY, NOBODY, NOBODY) < 0)
        return geteuid() != 0 ? error_errno(err, "become nobody") : 0;
    return 0;
}

int privileges_drop(Error *err)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct data[2] = {};
    int r;

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return error_errno(err, "forbid new privileges");
    r = become_nobody(err);
    if (r < 0)
        return r;
    if (syscall(SYS_capset, &header, data) < 0)
        return error_errno(err, "drop capabilities");
    return 0;
}
