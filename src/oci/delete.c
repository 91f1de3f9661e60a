/* SPDX-License-Identifier: Apache-2.0 */

/* `cay-oci delete`: what is left of a container, and with --force the container itself. */

#include "base/fd.h"
#include "oci/commands.h"
#include "oci/container.h"
#include "oci/root-directory.h"

typedef struct DeleteOptions {
    bool force;
} DeleteOptions;

static const Option delete_options[] = {
    { "force", 'f', .type = OPTION_BOOL, .offset = offsetof(DeleteOptions, force),
      .help = "Kill a running container first; one that does not exist is a success" },
};

const OptionTable delete_option_table = {
    OPTION_TABLE(delete_options),
    .stop_at_positional = true,
};

/* A container that was never started has nothing to lose. */
static int check_status(Container *container, Error *err)
{
    RuntimeStatus status = container_status(container);

    if (status == RUNTIME_STOPPED || status == RUNTIME_CREATED)
        return 0;
    return error_set(err, ERROR_CONFLICT,
                     "cannot delete container %s that is not stopped: %s: use --force",
                     container->record.id, runtime_status_to_string(status));
}

static int delete_container(const Invocation *invocation, bool force, Error *err)
{
    _cleanup_(container_freep) Container *container = NULL;
    _cleanup_close_ int root_fd = -EBADF;
    int r = root_directory_open(invocation->global, &root_fd, err);

    if (r >= 0)
        r = container_open_locked(root_fd, invocation->arguments[0], &container, err);
    if (r >= 0 && !force)
        r = check_status(container, err);
    return r < 0 ? r : container_delete(root_fd, container, err);
}

int oci_delete(Invocation *invocation, Error *err)
{
    _cleanup_error_ Error problem = {};
    DeleteOptions options = {};
    int r = invocation_parse(invocation, &options, err);

    if (r < 0)
        return r;
    r = delete_container(invocation, options.force, &problem);
    if (r < 0 && options.force && problem.kind == ERROR_NOT_FOUND)
        return 0;
    if (r < 0)
        error_move(err, &problem);
    return r;
}
