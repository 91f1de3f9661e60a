/* SPDX-License-Identifier: Apache-2.0 */

/* `cay-oci pause` and `cay-oci resume`: all processes of a container stop, and go on. */

#include "oci/commands.h"
#include "oci/container.h"

static int open_with_cgroup(Invocation *invocation, Container **ret, Cgroup **ret_cgroup,
                            Error *err)
{
    _cleanup_(container_freep) Container *container = NULL;
    int r = invocation_parse(invocation, NULL, err);

    if (r >= 0)
        r = container_open_argument(invocation, &container, err);
    if (r >= 0)
        r = container_open_cgroup(container, ret_cgroup, err);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(container);
    return 0;
}

int oci_pause(Invocation *invocation, Error *err)
{
    _cleanup_(container_freep) Container *container = NULL;
    Cgroup *cgroup;
    RuntimeStatus status;
    int r = open_with_cgroup(invocation, &container, &cgroup, err);

    if (r < 0)
        return r;
    status = container_status(container);
    if (status != RUNTIME_RUNNING && status != RUNTIME_CREATED)
        return error_set(err, ERROR_CONFLICT, "container not running: '%s' is %s",
                         container->record.id, runtime_status_to_string(status));
    if (!cgroup)
        return error_set(err, ERROR_UNSUPPORTED, "container '%s' has no cgroup to be paused by",
                         container->record.id);
    return cgroup_freeze(cgroup, err);
}

int oci_resume(Invocation *invocation, Error *err)
{
    _cleanup_(container_freep) Container *container = NULL;
    Cgroup *cgroup;
    RuntimeStatus status;
    int r = open_with_cgroup(invocation, &container, &cgroup, err);

    if (r < 0)
        return r;
    status = container_status(container);
    if (status != RUNTIME_PAUSED)
        return error_set(err, ERROR_CONFLICT, "container not paused: '%s' is %s",
                         container->record.id, runtime_status_to_string(status));
    return cgroup_thaw(cgroup, err);
}
