/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The order matters: becoming nobody takes rights that are dropped after it, and seccomp forbids
 * every call that the steps before it make.
 */

#include "registry/worker/confine.h"

#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/locked-memory.h"
#include "registry/registry-protocol.h"

/* Nobody's, in every distribution: the files of root's are none of this program's business. */
#define NOBODY 65534

#define MAX_DESCRIPTORS 1024

static int limit_resources(Error *err)
{
    static const struct {
        int resource;
        rlim_t limit;
    } limits[] = {
        { RLIMIT_NOFILE, MAX_DESCRIPTORS },
        { RLIMIT_CORE, 0 },
    };

    for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
        struct rlimit limit;

        if (getrlimit(limits[i].resource, &limit) < 0)
            return error_errno(err, "read a resource limit");
        if (limit.rlim_max > limits[i].limit)
            limit.rlim_max = limits[i].limit;
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(limits[i].resource, &limit) < 0)
            return error_errno(err, "set a resource limit");
    }
    return 0;
}

static int become_nobody(Error *err)
{
    if (geteuid() != 0)
        return 0;
    /* In a user namespace of one id, say, there is nobody to become. */
    if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
        setresuid(NOBODY, NOBODY, NOBODY) < 0)
        return geteuid() != 0 ? error_errno(err, "become nobody") : 0;
    /* It was forgotten with the change. Who has died meanwhile has closed the socket. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
        return error_errno(err, "die with the client");
    return 0;
}

static int drop_capabilities(Error *err)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct data[2] = {};

    if (syscall(SYS_capset, &header, data) < 0)
        return error_errno(err, "drop capabilities");
    return 0;
}

int confine(Error *err)
{
    int r;

    if (close_range(REGISTRY_SOCKET_FD + 1, ~0U, 0) < 0)
        return error_errno(err, "close what was inherited");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return error_errno(err, "forbid new privileges");
    r = limit_resources(err);
    if (r >= 0)
        r = become_nobody(err);
    if (r >= 0)
        r = drop_capabilities(err);
    process_hide_memory();
    return r;
}
