/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Starting a container under its shim, and seeing it to its end. The row is written after the
 * program runs, so that the database works while the container does.
 */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/process.h"
#include "engine/container-files.h"
#include "engine/container-network.h"
#include "engine/container-private.h"

#define START_FAILED_EXIT_CODE 128

static const struct {
    ErrorKind kind;
    int exit_code;
} start_exit_codes[] = {
    { ERROR_PROGRAM_MISSING, 127 },
    { ERROR_PROGRAM_UNUSABLE, 126 },
};

static int64_t start_exit_code(const Error *problem)
{
    for (size_t i = 0; i < ARRAY_SIZE(start_exit_codes); i++)
        if (start_exit_codes[i].kind == problem->kind)
            return start_exit_codes[i].exit_code;

    return START_FAILED_EXIT_CODE;
}

/* The container stays as it was, with the reason; or goes, where it was to be removed. */
static int give_up_start(ContainerClaim *claim, int r, Error *problem, Error *err)
{
    Container *container = claim->container;
    _cleanup_error_ Error ignored = {}; /* what failed first is what the user needs to know */

    if (claim->shim)
        shim_client_free(TAKE_PTR(claim->shim));
    /* A shim that fails clears up after itself, one that was killed has left its cgroup. Nobody
     * would look for that once the container is gone, so a container that cannot be cleared up
     * stays for recovery. */
    if (container_kill_remains(claim, &ignored) < 0) {
        claim->undo = false;
    } else if (container->spec.auto_remove) {
        claim->undo = true;
    } else {
        free(container->error);
        container->error = memory_strdup(error_message(problem));
        container->exit_code = start_exit_code(problem);
        if (container->state == CONTAINER_CREATING)
            (void)container_set_state(container, CONTAINER_CREATED, &ignored);
        if (container_row_update(claim->engine, container, &ignored) >= 0)
            claim->undo = false;
    }

    error_move(err, problem);
    return r;
}

static int spawn_shim(ContainerClaim *claim, int terminal_fd, Error *err)
{
    _cleanup_free_ char *shim = process_find_sibling("cay-shim");
    _cleanup_free_ char *self = process_own_program();
    const Engine *engine = claim->engine;
    const char *const on_exit[] = { self,
                                    "--state",
                                    engine->state_path,
                                    "--runtime-dir",
                                    engine->runtime_path,
                                    "container",
                                    "recover",
                                    claim->container->id,
                                    NULL };
    ShimOptions options = {
        .program = shim,
        .container = claim->container->id,
        .bundle_fd = claim->directory_fd,
        .runtime_fd = claim->runtime_fd,
        .rootfs_fd = claim->rootfs_fd,
        .cache_fd = engine->cache_fd,
        .lock_fd = claim->lock_fd,
        .events_fd = engine->events_fd,
        .config_fds = claim->config_fds.fds,
        .n_config_fds = claim->config_fds.count,
        .terminal_fd = terminal_fd,
        .on_exit = on_exit,
    };

    return shim_client_spawn(&options, &claim->shim, err);
}

/*
 * What container_create() has done for a container that is started at once. Until *ret_lock_fd is
 * closed nobody updates it.
 */
static int prepare_start(ContainerClaim *claim, int *ret_lock_fd, Error *err)
{
    int r;

    if (claim->rootfs_fd >= 0)
        return 0;
    r = container_update_hold(claim, ret_lock_fd, err);
    if (r >= 0)
        r = container_rootfs_mount(claim, err);
    if (r >= 0)
        r = container_files_write(claim->directory_fd, claim->container, err);
    if (r >= 0)
        r = container_config_write(claim, err);
    if (r >= 0 &&
        container_has_links(claim->container)) /* another version of us may have made it */
        r = container_settings_write(claim->engine, claim->directory_fd, claim->container, err);
    return r;
}

/* What is over with a new start. */
static void forget_last_run(Container *container)
{
    free(TAKE_PTR(container->error));
    container->exit_code = 0;
    container->oom_killed = false;
    container->restart_count = 0;
    container->is_stopped = false;
}

int container_start(ContainerClaim *claim, bool is_attached, int terminal_fd, Error *err)
{
    Container *container = claim->container;
    _cleanup_close_ int update_lock_fd = -EBADF;
    _cleanup_error_ Error problem = {};
    int r = prepare_start(claim, &update_lock_fd, &problem);

    if (r >= 0)
        r = spawn_shim(claim, terminal_fd, &problem);
    update_lock_fd = fd_close(update_lock_fd); /* the cgroup is there, for updates to find */
    if (r >= 0)
        r = container_network_plug(claim->engine, container, shim_client_container_pid(claim->shim),
                                   &problem);
    if (r < 0)
        return give_up_start(claim, r, &problem, err);
    claim->rootfs_fd = fd_close(claim->rootfs_fd); /* the shim has it */
    claim->id_map_fd = fd_close(claim->id_map_fd);
    r = shim_client_start(claim->shim, is_attached, &problem);
    if (r < 0)
        container_network_unplug(claim->engine, container);
    if (r < 0)
        return give_up_start(claim, r, &problem, err);

    claim->undo = false;
    r = container_set_state(container, CONTAINER_RUNNING, err);
    if (r < 0)
        return r;
    forget_last_run(container);
    container->pid = shim_client_container_pid(claim->shim);
    container->started_at = shim_client_started_at(claim->shim);
    /* It runs, also where the disk is full by now: whoever looks for it next finds its shim and
     * writes the row, and its end overwrites it. */
    (void)container_row_update(claim->engine, container, NULL);
    return 0;
}

/* The shim is gone. Whatever it left is killed, and the end is recorded, as it was @told or NULL.
 */
static int finish(ContainerClaim *claim, const ShimExit *told, Error *err)
{
    int r = container_kill_remains(claim, err);

    if (r < 0)
        return r;
    return claim->container->spec.auto_remove ? container_claim_remove(claim, err)
                                              : container_claim_record_exit(claim, told, err);
}

int container_relay(ContainerClaim *claim, const RelayOptions *options, ShimExit *ret, Error *err)
{
    _cleanup_error_ Error problem = {};
    int r = shim_client_relay(claim->shim, options, ret, &problem), finished;

    if (r == SHIM_RELAY_DETACHED || (r >= 0 && ret->is_restarting))
        return r; /* its shim goes on with it */
    if (r < 0 && problem.kind != ERROR_UNAVAILABLE) {
        error_move(err, &problem); /* we cannot relay; the container goes on */
        return r;
    }

    if (r >= 0 && ret->is_restarting)
        return 0;                              /* its shim has it now, which starts it again */
    (void)shim_client_wait(claim->shim, NULL); /* killed or not: what it left is cleared away */
    shim_client_free(TAKE_PTR(claim->shim));
    finished = finish(claim, r < 0 ? NULL : ret, err);
    if (r < 0) {
        error_move(err, &problem);
        return r;
    }
    return finished;
}
