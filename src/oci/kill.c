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

/* While they are frozen none can end, and no pid can become another one's. */
static int signal_frozen(Cgroup *cgroup, int signal, Error *err)
{
    _cleanup_free_ pid_t *pids = NULL;
    size_t count;
    int r = cgroup_list_pids(cgroup, &pids, &count, err);

    for (size_t i = 0; r >= 0 && i < count; i++)
        if (kill(pids[i], signal) < 0 && errno != ESRCH)
            r = error_errno(err, "send signal %d to process %d", signal, pids[i]);
    return r;
}

static int signal_all(Cgroup *cgroup, int signal, Error *err)
{
    bool was_frozen = cgroup_is_frozen(cgroup);
    int r = was_frozen ? 0 : cgroup_freeze(cgroup, err), thawed;

    if (r < 0)
        return r;
    r = signal_frozen(cgroup, signal, err);
    thawed = was_frozen ? 0 : cgroup_thaw(cgroup, r < 0 ? NULL : err);
    return r < 0 ? r : thawed;
}

static int kill_all(Container *container, int signal, Error *err)
{
    Cgroup *cgroup;
    int r = container_open_cgroup(container, &cgroup, err);

    if (r < 0)
        return r;
    if (!cgroup)
        return kill_first(container, signal, err);
    return signal == SIGKILL ? cgroup_kill(cgroup, err) : signal_all(cgroup, signal, err);
}

/* What is frozen by v1 does not die before it is let go. */
static int let_die(Container *container, Error *err)
{
    Cgroup *cgroup;
    int r = container_open_cgroup(container, &cgroup, err);

    return r >= 0 && cgroup && cgroup_is_frozen(cgroup) ? cgroup_thaw(cgroup, err) : r;
}

/* Where the first process takes nobody along, its end would not be the container's. */
static int kill_container(Container *container, int signal, Error *err)
{
    int r = kill_first(container, signal, err);

    if (r < 0 || signal != SIGKILL)
        return r;
    return container->record.shares_pids ? kill_all(container, signal, err)
                                         : let_die(container, err);
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
    if (r < 0)
        return r;
    return options.all ? kill_all(container, signal, err) : kill_container(container, signal, err);
}
