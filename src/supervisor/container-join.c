/* SPDX-License-Identifier: Apache-2.0 */

/* Finding the cgroup for a process that joins a container. */

#include "supervisor/container-join.h"

#include <errno.h>

int container_join(const RuntimeConfig *config, const SandboxExecOptions *options,
                   SandboxProcess **ret, Error *err)
{
    _cleanup_(cgroup_freep) Cgroup *own = NULL, *beside = NULL;
    _cleanup_error_ Error problem = {};
    const char *path = config->linux_config.cgroups_path;
    SandboxExecOptions complete = *options;
    int r = path ? cgroup_open(path, &own, err) : 0;

    if (r < 0)
        return r;
    complete.cgroup = own;
    r = sandbox_exec(config, config->process, &complete, ret, &problem);
    /* A cgroup of v2 that has given controllers to those below it takes no process itself. */
    if (r == -EBUSY && own) {
        r = cgroup_open_of_process(options->container_pid, &beside, err);
        if (r < 0)
            return r;
        error_done(&problem);
        complete.cgroup = beside;
        r = sandbox_exec(config, config->process, &complete, ret, &problem);
    }
    if (r < 0)
        error_move(err, &problem);
    return r;
}
