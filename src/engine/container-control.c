/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What is asked of a container that is up: always of its shim, which does one thing at a time and
 * sees it through, whatever becomes of us.
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "engine/container-network.h"
#include "engine/container-private.h"

struct ContainerEnd {
    Engine *engine;
    Container *container;
    ShimClient *shim; /* NULL: it does not run */
};

/* Nothing goes on with it, as its row says, unless who has started it died before writing that. */
static bool is_settled(const Engine *engine, const Container *container)
{
    return !container->is_updating &&
           (container->state == CONTAINER_CREATED || container->state == CONTAINER_EXITED) &&
           faccessat(engine->runtime_fd, container->id, F_OK, 0) < 0;
}

int container_find_live(Engine *engine, const char *name, Container **ret, Error *err)
{
    _cleanup_(container_freep) Container *container = NULL;
    int r = container_find(engine, name, &container, err);

    /* What its row says counts only when whoever had it did not die meanwhile. */
    if (r >= 0 && !is_settled(engine, container)) {
        /* On a full disk it cannot be settled, but removed: who has to claim it sees the error. */
        (void)container_recover(engine, container->id, NULL);
        container_free(TAKE_PTR(container));
        r = container_find(engine, name, &container, err);
    }
    if (r < 0)
        return r;
    container_refresh(engine, container);
    *ret = TAKE_PTR(container);
    return 0;
}

int container_connect(Engine *engine, const Container *container, ShimClient **ret, Error *err)
{
    _cleanup_close_ int runtime_fd =
        openat(engine->runtime_fd, container->id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    _cleanup_error_ Error problem = {};
    int r = runtime_fd < 0 ? error_set(&problem, ERROR_NOT_FOUND, "no runtime directory")
                           : shim_client_connect(runtime_fd, ret, &problem);

    if (r < 0 && problem.kind == ERROR_NOT_FOUND)
        return error_set(err, ERROR_CONFLICT, "container '%s' is not running", container->name);
    if (r < 0)
        error_move(err, &problem);
    return r;
}

/* Find a container that is up, and connect to its shim. */
static int find_up(Engine *engine, const char *name, Container **ret_container, ShimClient **ret,
                   Error *err)
{
    _cleanup_(container_freep) Container *container = NULL;
    int r = container_find_live(engine, name, &container, err);

    if (r < 0)
        return r;
    if (!container_is_up(container))
        return error_set(err, ERROR_CONFLICT, "container '%s' is not running", container->name);
    r = container_connect(engine, container, ret, err);
    if (r < 0)
        return r;

    *ret_container = TAKE_PTR(container);
    return 0;
}

/* The shim's NOT_FOUND says that the container has ended since. */
static int report_ended(const Container *container, int r, Error *problem, Error *err)
{
    if (r >= 0)
        return r;
    if (problem->kind == ERROR_NOT_FOUND)
        return error_set(err, ERROR_CONFLICT, "container '%s' is not running", container->name);
    error_move(err, problem);
    return r;
}

int container_kill(Engine *engine, const char *name, int signal, Error *err)
{
    _cleanup_(container_freep) Container *container = NULL;
    _cleanup_(shim_client_freep) ShimClient *shim = NULL;
    _cleanup_error_ Error problem = {};
    int r = find_up(engine, name, &container, &shim, err);

    if (r < 0)
        return error_wrap(err, r, "cannot kill container '%s'", name);
    r = shim_client_kill(shim, signal, &problem);
    return report_ended(container, r, &problem, err);
}

int container_set_paused(Engine *engine, const char *name, bool is_paused, Error *err)
{
    _cleanup_(container_freep) Container *container = NULL;
    _cleanup_(shim_client_freep) ShimClient *shim = NULL;
    _cleanup_error_ Error problem = {};
    int r = find_up(engine, name, &container, &shim, err);

    if (r < 0)
        return r;
    if (container->state == CONTAINER_RESTARTING)
        return error_set(err, ERROR_CONFLICT, "container '%s' is restarting: wait until it runs",
                         container->name);
    r = shim_client_set_paused(shim, is_paused, &problem);
    if (r < 0 && problem.kind == ERROR_CONFLICT)
        return error_set(err, ERROR_CONFLICT,
                         is_paused ? "container '%s' is already paused"
                                   : "container '%s' is not paused",
                         container->name);
    return report_ended(container, r, &problem, err);
}

void container_end_free(ContainerEnd *end)
{
    if (end->shim)
        shim_client_free(end->shim);
    if (end->container)
        container_free(end->container);
    free(end);
}

int container_wait_begin(Engine *engine, const char *name, ContainerEnd **ret, Error *err)
{
    _cleanup_(container_end_freep) ContainerEnd *end = NEW(ContainerEnd);
    _cleanup_error_ Error problem = {};
    int r;

    end->engine = engine;
    r = container_find_live(engine, name, &end->container, err);
    if (r < 0)
        return r;
    if (container_is_up(end->container)) {
        r = container_connect(engine, end->container, &end->shim, &problem);
        if (r < 0 && problem.kind != ERROR_CONFLICT) {
            error_move(err, &problem);
            return r;
        }
    }

    *ret = TAKE_PTR(end);
    return 0;
}

int container_stop_begin(Engine *engine, const char *name, int signal, int timeout,
                         ContainerEnd **ret, Error *err)
{
    _cleanup_(container_end_freep) ContainerEnd *end = NULL;
    _cleanup_error_ Error problem = {};
    int r = container_wait_begin(engine, name, &end, err);

    if (r < 0)
        return r;
    if (end->shim)
        r = shim_client_stop(end->shim, signal, timeout, &problem);
    if (r < 0 && problem.kind != ERROR_NOT_FOUND) { /* it has ended, which is what was wanted */
        error_move(err, &problem);
        return r;
    }

    *ret = TAKE_PTR(end);
    return 0;
}

/*
 * Take the container over from its shim and whoever has started it, and write down its end.
 * Returns 0 with *ret NULL when it is gone, as it was to be removed then; -EWOULDBLOCK (no error
 * recorded) when another command has started it again, or does so.
 */
static int settle(ContainerEnd *end, ContainerClaim **ret, Error *err)
{
    _cleanup_(container_claim_freep) ContainerClaim *claim = NULL;
    _cleanup_error_ Error problem = {};
    const char *id = end->container->id;
    int r = container_claim_await(end->engine, id, &claim, err);

    if (r < 0)
        return r;
    *ret = NULL;
    r = container_claim_load(claim, id, &problem);
    if (r >= 0)
        r = container_claim_recover(claim, &problem);
    if (r >= 0 && !container_row_exists(end->engine, id))
        return 0;
    if (r < 0 && problem.kind == ERROR_NOT_FOUND)
        return 0;
    if (r < 0) {
        error_move(err, &problem);
        return r;
    }
    *ret = TAKE_PTR(claim);
    return 0;
}

int container_end_await(ContainerEnd *end, bool is_settled, int64_t *ret_code, Error *err)
{
    _cleanup_(container_claim_freep) ContainerClaim *claim = NULL;
    _cleanup_shim_exit_ ShimExit record = {};
    bool has_just_ended = !end->shim && container_is_up(end->container);
    int r = end->shim ? shim_client_await_exit(end->shim, &record, NULL) : 0;

    *ret_code = end->shim ? record.code : end->container->exit_code;
    if (r >= 0 && !has_just_ended && (!end->shim || !is_settled || record.is_restarting))
        return 0;
    r = settle(end, &claim, err); /* also where the shim was killed */
    if (r >= 0 && claim)
        *ret_code = claim->container->exit_code;
    return r == -EWOULDBLOCK ? 0 : r; /* it has ended, whatever others do with it now */
}

int container_claim_stopped(Engine *engine, const char *name, ContainerClaim **ret, Error *err)
{
    _cleanup_(container_freep) Container *container = NULL;
    _cleanup_(container_claim_freep) ContainerClaim *claim = NULL;
    int r = container_find_live(engine, name, &container, err);

    if (r < 0)
        return r;
    if (container->state == CONTAINER_REMOVING)
        return error_set(err, ERROR_CONFLICT,
                         "container '%s' is marked for removal and cannot be started",
                         container->name);
    r = container_claim_await(engine, container->id, &claim, err);
    if (r == -EWOULDBLOCK)
        container_refresh(engine, container);
    if (r == -EWOULDBLOCK)
        return error_set(err, ERROR_CONFLICT,
                         container_is_up(container) ? "container '%s' is running"
                                                    : "container '%s' is in use by another command",
                         container->name);
    if (r >= 0)
        r = container_claim_load(claim, container->id, err);
    if (r >= 0)
        r = container_claim_recover(claim, err);
    if (r < 0)
        return r;
    if (!container_row_exists(engine, container->id))
        return error_set(err, ERROR_NOT_FOUND, "no such container: '%s'", name);

    *ret = TAKE_PTR(claim);
    return 0;
}

int container_restart(Engine *engine, const char *name, int signal, int timeout, Error *err)
{
    _cleanup_(container_end_freep) ContainerEnd *end = NULL;
    _cleanup_(container_claim_freep) ContainerClaim *claim = NULL;
    int r = container_wait_begin(engine, name, &end, err);

    if (r < 0)
        return r;
    if (end->shim && end->container->spec.auto_remove)
        return error_set(err, ERROR_CONFLICT,
                         "container '%s' is removed at its end, so it cannot be restarted",
                         end->container->name);
    if (end->shim) {
        (void)shim_client_stop(end->shim, signal, timeout, NULL); /* if it has ended, it is told */
        (void)shim_client_await_exit(end->shim, &(ShimExit) {}, NULL);
    }
    r = settle(end, &claim, err);
    if (r == -EWOULDBLOCK)
        return error_set(err, ERROR_CONFLICT, "container '%s' is in use by another command",
                         end->container->name);
    if (r >= 0 && !claim)
        return error_set(err, ERROR_NOT_FOUND, "no such container: '%s'", name);
    if (r >= 0)
        r = container_start(claim, false, -EBADF, err);
    if (r >= 0)
        container_tell(engine, claim->container, "restart", NULL);
    return r;
}

int container_attach(Engine *engine, const char *name, RelayOptions *options, ShimExit *ret,
                     Error *err)
{
    _cleanup_(container_freep) Container *container = NULL;
    _cleanup_(shim_client_freep) ShimClient *shim = NULL;
    int r = find_up(engine, name, &container, &shim, err);

    if (r < 0)
        return error_wrap(err, r, "cannot attach to container '%s'", name);
    if (container->state != CONTAINER_RUNNING)
        return error_set(err, ERROR_CONFLICT, "cannot attach to container '%s', which is %s: %s",
                         container->name, container_state_to_string(container->state),
                         container->state == CONTAINER_PAUSED ? "unpause it first"
                                                              : "wait until it runs");
    options->terminal = container->spec.tty;
    if (!container->spec.open_stdin)
        options->stdio[0] = -EBADF;
    if (container->spec.tty)
        options->stdio[2] = -EBADF; /* a terminal has one output */
    container_tell(engine, container, "attach", NULL);
    return shim_client_relay(shim, options, ret, err);
}

int container_rename(Engine *engine, const char *name, const char *new_name, Error *err)
{
    _cleanup_(database_rollback) Transaction transaction = {};
    _cleanup_(container_freep) Container *container = NULL;
    _cleanup_(shim_client_freep) ShimClient *shim = NULL;
    _cleanup_string_map_ StringMap attributes = {};
    const char *plain = new_name[0] == '/' ? new_name + 1 : new_name;
    int r = container_name_validate(plain, err);

    if (r >= 0)
        r = container_recover_name(engine, plain, err); /* a name whose holder was killed is free */
    if (r >= 0)
        r = database_begin(engine->database, &transaction, err);
    if (r >= 0)
        r = container_find(engine, name, &container, err);
    if (r < 0)
        return r;
    if (container->state == CONTAINER_REMOVING)
        return error_set(err, ERROR_CONFLICT, "container '%s' is being removed", container->name);
    if (strcmp(container->name, plain) == 0)
        return error_set(err, ERROR_INVALID, "container '%s' has that name already", name);
    r = container_row_rename(engine, container->id, plain, err);
    if (r < 0)
        return r;

    string_map_set(&attributes, "oldName", container->name);
    free(container->name);
    container->name = memory_strdup(plain);
    r = container_settings_rewrite(engine, container, err);
    if (r >= 0)
        r = database_commit(&transaction, err);
    if (r < 0)
        return r;
    container_tell(engine, container, "rename", &attributes);
    container_network_rename(engine, container);
    if (container_is_up(container) && container_connect(engine, container, &shim, NULL) >= 0)
        (void)shim_client_reload(shim, NULL); /* its events then have the new name */
    return 0;
}
