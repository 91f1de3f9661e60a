/* SPDX-License-Identifier: Apache-2.0 */

/* `cay-oci kill`: a signal to the first process, or to all. */

#include <errno.h>
#include <signal.h>
#include <sys/pidfd.h>

#include "base/fd.h"
#include "base/parse.h"
#include "oci/commands.h"
#include "oci/container.h"

typedef struct KillOptions {
    bool all;
} KillOptions;

static const Option kill_options[] = {
    { "all", 'a', .type = OPTION_BOOL, .offset = offsetof(KillOptions, all),
      .help = "Signal all processes, also when the first one has ended" },
};

const OptionTable kill_option_table = {
    OPTION_TABLE(kill_options),
    .stop_at_positional = true,
};

static int parse_signal_argument(const Invocation *invocation, int *ret, Error *err)
{
    *ret = SIGTERM;
    if (invocation->n_arguments < 2 || parse_signal(invocation->arguments[1], ret) >= 0)
        return 0;
    return error_set(err, ERROR_INVALID, "unknown signal '%s'", invocation->arguments[1]);
}

static int kill_first(Container *container, int signal, Error *err)
{
    _cleanup_close_ int pidfd = -EBADF;
    int r = container_open_process(container, &pidfd, err);

    if (r < 0)
        return r;
    if (pidfd_send_signal(pidfd, signal, NULL, 0) < 0)
        return error_errno(err, "send signal %d to container '%s'", signal, container->record.id);
    return 0;
}

/* Where the first process takes nobody along, its end is not the container's. */
static int kill_all(Container *container, Error *err)
{
    Cgroup *cgroup;
    int r = container_open_cgroup(container, &cgroup, err);

    return r >= 0 && cgroup ? cgroup_kill(cgroup, err) : r;
}

int oci_kill(Invocation *invocation, Error *err)
{
    _cleanup_(container_freep) Container *container = NULL;
    KillOptions options = {};
    int signal = 0, r = invocation_parse(invocation, &options, err);

    if (r >= 0)
        r = parse_signal_argument(invocation, &signal, err);
    if (r >= 0)
        r = container_open_argument(invocation, &container, err);
    if (r >= 0 && !options.all)
        r = kill_first(container, signal, err);
    if (r >= 0 && signal == SIGKILL && (options.all || container->record.shares_pids))
        r = kill_all(container, err);
    return r;
}
