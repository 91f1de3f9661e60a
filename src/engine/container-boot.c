/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What is started after a boot. A shim sees to its container's restart policy as long as the
 * machine is up; here is what the policies ask for once all shims are gone.
 */

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "engine/container-private.h"

static bool always(const Container *container)
{
    (void)container;
    return true;
}

static bool unless_stopped(const Container *container)
{
    return !container->is_stopped;
}

/* It was killed with the machine, or had given up before. */
static bool on_failure(const Container *container)
{
    int64_t maximum = container->spec.restart_policy.maximum_retry_count;

    return !container->is_stopped && container->exit_code != 0 &&
           (maximum == 0 || container->restart_count < maximum);
}

static const struct {
    const char *policy;
    bool (*wants_start)(const Container *container);
} policies[] = {
    { "always", always },
    { "on-failure", on_failure },
    { "unhealthy", on_failure },
    { "unless-stopped", unless_stopped },
};

bool container_wants_boot(const Container *container)
{
    const char *policy = container->spec.restart_policy.name;

    if (container->state != CONTAINER_EXITED || !policy)
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(policies); i++)
        if (strcmp(policies[i].policy, policy) == 0)
            return policies[i].wants_start(container);
    return false;
}

static int start(Engine *engine, const Container *container, Error *err)
{
    _cleanup_(container_claim_freep) ContainerClaim *claim = NULL;
    int r = container_claim_stopped(engine, container->id, &claim, err);

    return r < 0 ? r : container_start(claim, false, -EBADF, err);
}

int container_boot(Engine *engine, StringList *started, size_t *ret_failed, Error *err)
{
    _cleanup_container_list_ ContainerList list = {};
    size_t n_failed = 0;
    int r = container_list_live(engine, 0, &list, err);

    if (r < 0)
        return r;
    for (size_t i = list.count; i > 0; i--) { /* the oldest first: others may need it */
        const Container *container = list.items[i - 1];
        _cleanup_error_ Error problem = {};

        if (!container_wants_boot(container))
            continue;
        if (start(engine, container, &problem) >= 0) {
            string_list_add(started, container->name);
        } else {
            n_failed++;
            log_warning("start container '%s': %s", container->name, error_message(&problem));
        }
    }
    *ret_failed = n_failed;
    return 0;
}
