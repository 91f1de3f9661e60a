/* SPDX-License-Identifier: Apache-2.0 */

/* The end of a container: what it has beside its directory first, the directory next, hooks last.
 */

#include <errno.h>

#include "base/fd.h"
#include "base/log.h"
#include "oci/container.h"
#include "sandbox/hooks.h"
#include "sandbox/intel-rdt.h"

/* Returns 0 with NULL where there is no copy: its maker died before it wrote one. */
static int read_config_if(bool wanted, const Container *container, RuntimeConfig **ret, Error *err)
{
    _cleanup_error_ Error problem = {};
    int r;

    *ret = NULL;
    if (!wanted)
        return 0;
    r = container_read_config(container, ret, &problem);
    if (r == -ENOENT)
        return 0;
    if (r < 0)
        error_move(err, &problem);
    return r;
}

static int remove_rdt_group(const Container *container, Error *err)
{
    _cleanup_(runtime_config_freep) RuntimeConfig *config = NULL;
    _cleanup_close_ int root_fd = -EBADF;
    int r = read_config_if(container->record.has_rdt, container, &config, err);

    if (r < 0 || !config)
        return r;
    root_fd = intel_rdt_open(err);
    return root_fd < 0 ? root_fd
                       : intel_rdt_remove(root_fd, config->linux_config.intel_rdt,
                                          container->record.id, err);
}

int container_end(Container *container, Error *err)
{
    Cgroup *cgroup;
    int r = container_stop(container, err);

    if (r >= 0)
        r = container_open_cgroup(container, &cgroup, err);
    if (r >= 0 && cgroup)
        r = cgroup_remove(cgroup, err);
    return r < 0 ? r : remove_rdt_group(container, err);
}

int container_delete(int root_fd, Container *container, Error *err)
{
    const RuntimeState state = container_state(container, RUNTIME_STOPPED);
    _cleanup_(runtime_config_freep) RuntimeConfig *config = NULL;
    _cleanup_error_ Error problem = {};
    int r = container_end(container, err);

    if (r >= 0)
        r = read_config_if(container->record.has_poststop, container, &config, err);
    if (r >= 0)
        r = container_remove(root_fd, container, err);
    if (r >= 0 && config && hooks_run(config, HOOK_POSTSTOP, &state, &problem) < 0)
        log_warning("container '%s' is deleted, but %s", container->record.id,
                    error_message(&problem));
    return r;
}
