/* SPDX-License-Identifier: Apache-2.0 */

/* `cay-oci start`: let the first process of a created container execute its program. */

#include <errno.h>
#include <unistd.h>

#include "base/fd.h"
#include "oci/commands.h"
#include "oci/container-start.h"
#include "sandbox/hooks.h"

/* What its seccomp agent is told is in its configuration. */
static int start_notified(Container *container, Error *err)
{
    _cleanup_(runtime_config_freep) RuntimeConfig *config = NULL;
    _cleanup_free_ char *state = container_state_text(container, RUNTIME_CREATED);
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

int container_after_start(Container *container, Error *err)
{
    const RuntimeState state = container_state(container, RUNTIME_RUNNING);
    _cleanup_(runtime_config_freep) RuntimeConfig *config = NULL;
    int r;

    if (!container->record.has_poststart)
        return 0;
    r = container_read_config(container, &config, err);
    if (r >= 0)
        r = hooks_run(config, HOOK_POSTSTART, &state, err);
    if (r < 0)
        (void)container_stop(container, NULL); /* why is what counts */
    return r;
}

int container_start(Container *container, Error *err)
{
    int r = container->record.has_agent
                ? start_notified(container, err)
                : sandbox_start_at(container->dir_fd, CONTAINER_SOCKET_NAME, err);

    if (r < 0)
        return r;
    /* Its absence says more quickly that nobody waits there than a connection does. */
    (void)unlinkat(container->dir_fd, CONTAINER_SOCKET_NAME, 0);
    return container_after_start(container, err);
}

static const char *const refusals[_RUNTIME_STATUS_MAX] = {
    [RUNTIME_CREATING] = "cannot start a container that is being created",
    [RUNTIME_RUNNING] = "cannot start an already running container",
    [RUNTIME_PAUSED] = "cannot start a container in the paused state",
    [RUNTIME_STOPPED] = "cannot start a container that has stopped",
};

int oci_start(Invocation *invocation, Error *err)
{
    _cleanup_(container_freep) Container *container = NULL;
    RuntimeStatus status;
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
