/* SPDX-License-Identifier: Apache-2.0 */

/* `cay-oci start`: let the first process of a created container execute its program. */

#include <errno.h>
#include <unistd.h>

#include "base/fd.h"
#include "oci/commands.h"
#include "oci/container-listing.h"
#include "oci/container-start.h"

/* What its seccomp agent is told is in its configuration. */
static int start_notified(Container *container, Error *err)
{
    _cleanup_(runtime_config_freep) RuntimeConfig *config = NULL;
    _cleanup_free_ char *state = container_state_text(container, CONTAINER_CREATED);
    _cleanup_close_ int pidfd = -EBADF;
    int r = container_read_config(container, &config, err);

    if (r >= 0)
        r = container_open_process(container, &pidfd, err);
    if (r < 0)
        return r;

    const SandboxNotified notified = {
        .seccomp = config->linux_config.seccomp,
        .state = state,
        .pid = container->record.pid,
        .pidfd = pidfd,
    };
    return sandbox_start_notified_at(container->dir_fd, CONTAINER_SOCKET_NAME, &notified, err);
}

int container_start(Container *container, Error *err)
{
    int r = container->record.has_agent
                ? start_notified(container, err)
                : sandbox_start_at(container->dir_fd, CONTAINER_SOCKET_NAME, err);

    /* Its absence says more quickly that nobody waits there than a connection does. */
    if (r >= 0)
        (void)unlinkat(container->dir_fd, CONTAINER_SOCKET_NAME, 0);
    return r;
}

static const char *const refusals[_CONTAINER_STATUS_MAX] = {
    [CONTAINER_CREATING] = "cannot start a container that is being created",
    [CONTAINER_RUNNING] = "cannot start an already running container",
    [CONTAINER_PAUSED] = "cannot start a container in the paused state",
    [CONTAINER_STOPPED] = "cannot start a container that has stopped",
};

int oci_start(Invocation *invocation, Error *err)
{
    _cleanup_(container_freep) Container *container = NULL;
    ContainerStatus status;
    int r = invocation_parse(invocation, NULL, err);

    if (r >= 0)
        r = container_open_argument(invocation, &container, err);
    if (r < 0)
        return r;
    status = container_status(container);
    if (refusals[status])
        return error_set(err, ERROR_CONFLICT, "%s: '%s'", refusals[status], container->record.id);
    return container_start(container, err);
}
