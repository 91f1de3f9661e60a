/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Removal on request. One that runs is killed first where the user insists; its shim, or whoever
 * started it, then records its end, and the lock is ours.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "base/fd.h"
#include "engine/container-private.h"
#include "storage/snapshot.h"

/*
 * Kill what the container runs; its shim, or whoever started it, records the end.
 * Returns 1, or 0 when there was no shim to tell.
 */
static int kill_container(Engine *engine, const Container *container, Error *err)
{
    _cleanup_(shim_client_freep) ShimClient *shim = NULL;
    _cleanup_error_ Error problem = {};
    int r = container_connect(engine, container, &shim, &problem);

    if (r < 0 && problem.kind == ERROR_CONFLICT)
        return 0; /* it has ended meanwhile */
    if (r >= 0)
        r = shim_client_stop(shim, SIGKILL, 0, &problem);
    if (r < 0 && problem.kind != ERROR_NOT_FOUND && problem.kind != ERROR_UNAVAILABLE) {
        error_move(err, &problem);
        return r;
    }
    return r >= 0;
}

/* Wait until the container is ours. */
static int claim_stopped(Engine *engine, const Container *container, bool wait,
                         ContainerClaim **ret, Error *err)
{
    _cleanup_(container_claim_freep) ContainerClaim *claim = NULL;
    int r = wait ? container_claim_take(engine, container->id, true, &claim, err)
                 : container_claim_await(engine, container->id, &claim, err);

    if (r == -EWOULDBLOCK)
        return container_is_up(container)
                   ? error_set(err, ERROR_CONFLICT,
                               "container '%s' is %s: stop it first, or remove it with force",
                               container->name, container_state_to_string(container->state))
                   : error_set(err, ERROR_CONFLICT, "container '%s' is in use by another command",
                               container->name);
    if (r < 0)
        return r;
    r = container_claim_load(claim, container->id, err);
    if (r < 0)
        return r;

    *ret = TAKE_PTR(claim);
    return 0;
}

static int remove_claimed(ContainerClaim *claim, bool with_volumes, Error *err)
{
    int r = container_claim_recover(claim, err);

    if (r < 0)
        return r;
    if (!container_row_exists(claim->engine, claim->container->id))
        return 0; /* recovery removed it */
    if (with_volumes)
        r = container_row_mark_removal(claim->engine, claim->container, err);
    return r < 0 ? r : container_claim_remove(claim, err);
}

int container_remove(Engine *engine, const char *name, unsigned flags, Error *err)
{
    bool force = flags & CONTAINER_REMOVE_FORCE, with_volumes = flags & CONTAINER_REMOVE_VOLUMES;
    _cleanup_(container_freep) Container *container = NULL;
    _cleanup_(container_claim_freep) ContainerClaim *claim = NULL;
    _cleanup_error_ Error problem = {};
    bool waits = false;
    int r = container_find_live(engine, name, &container, err);

    if (r < 0)
        return r;
    if (force && (container_is_up(container) || container->state == CONTAINER_CREATING)) {
        r = kill_container(engine, container, err);
        if (r < 0)
            return r;
        /* Without a shim yet it is being made, by a command that may take its time. */
        waits = container_is_up(container) || r > 0;
    }
    waits = waits || (force && container->is_ending);

    r = claim_stopped(engine, container, waits, &claim, &problem);
    if (r < 0 && waits && problem.kind == ERROR_NOT_FOUND)
        return 0; /* it was to be removed at its end, and was */
    if (r >= 0)
        r = remove_claimed(claim, with_volumes, &problem);
    if (r < 0 && claim && problem.kind == ERROR_EXHAUSTED) {
        /* Where the container has filled the disk, the database has room again without its files.
         */
        error_done(&problem);
        (void)snapshot_remove(claim->directory_fd, NULL);
        r = remove_claimed(claim, with_volumes, &problem);
    }
    if (r < 0)
        error_move(err, &problem);
    return r;
}
