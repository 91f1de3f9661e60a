/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Containers: what the state database knows of them, and what can be done with them.
 *
 * Whoever changes a container holds its claim: the lock file of its runtime directory, which a
 * running container's shim holds too. A container whose row says that something is going on while
 * nobody holds its lock was left by a process that died; container_recover_all() finishes or undoes
 * what was begun.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/error.h"
#include "engine/container-spec.h"
#include "engine/engine.h"
#include "supervisor/shim-client.h"

#define CONTAINER_ID_LENGTH 64
#define CONTAINER_SHORT_ID_LENGTH 12

typedef enum ContainerState {
    CONTAINER_CREATING, /* claimed, its files are being made */
    CONTAINER_CREATED,
    CONTAINER_RUNNING,
    CONTAINER_PAUSED,     /* as the next one only known of a container_refresh()ed container: */
    CONTAINER_RESTARTING, /* its row says running as long as it has a shim */
    CONTAINER_EXITED,
    CONTAINER_REMOVING,
    _CONTAINER_STATE_MAX,
} ContainerState;

const char *container_state_to_string(ContainerState state);

/* May a container go from one state to the other? */
bool container_state_can_become(ContainerState from, ContainerState to);

typedef struct Container {
    char id[CONTAINER_ID_LENGTH + 1];
    char *name;
    ContainerState state;
    Digest image;       /* the image's id */
    ContainerSpec spec; /* complete: the image's defaults are filled in */
    uint32_t project;   /* of its files, for their limit (storage/project-quota.h); 0: none */
    int64_t created_at; /* nanoseconds since 1970; 0: has not happened */
    int64_t started_at;
    int64_t finished_at;
    int64_t exit_code;
    bool oom_killed;
    int64_t pid;
    int64_t restart_count; /* how often the restart policy has started it again */
    bool is_updating;      /* an update is under way, or was left half done */
    bool is_stopped;       /* by its user: policies leave it alone until it is started again */
    bool is_ending;        /* refreshed: it has ended, and its row is about to say so */
    char *health; /* "starting", "healthy", "unhealthy"; NULL: not checked, or not running */
    int64_t failing_streak; /* failed checks in a row */
    char *error; /* why it could not start, or did not end by itself; NULL: nothing to say */
} Container;

void container_free(Container *container);
DEFINE_CLEANUP(Container *, container_free);

typedef struct ContainerList {
    Container **items;
    size_t count;
    size_t capacity;
} ContainerList;

void container_list_done(ContainerList *list);
#define _cleanup_container_list_ _cleanup_(container_list_done)

/*
 * Find by full id, name (with or without a leading slash), or the beginning of an id, in this
 * order. Errors: NOT_FOUND "no such container: 'x'", CONFLICT (several ids begin so).
 */
int container_find(Engine *engine, const char *name, Container **ret, Error *err);

/* The same, settled if whoever had it has died, and with what its shim says of it. */
int container_find_live(Engine *engine, const char *name, Container **ret, Error *err);

typedef enum ContainerListFlags {
    CONTAINER_LIST_UP = 1 << 0,    /* only those that are up, or are being started */
    CONTAINER_LIST_BRIEF = 1 << 1, /* of their specs image, command and network mode are enough */
} ContainerListFlags;

/* Containers, newest first, as their rows have them: see container_refresh(). */
int container_list(Engine *engine, unsigned flags, ContainerList *ret, Error *err);

/*
 * Bring @container, one that has a shim, up to date with what that says of it (shim-status.h):
 * state, pid, times, restarts, health. In memory only, and of no effect for all others. It is as
 * true as the last recovery: whoever shows containers recovers them first.
 */
void container_refresh(Engine *engine, Container *container);

/*
 * container_list() with all of them settled and refreshed. What container_recover_all() and
 * container_refresh() ask of each running container is asked once.
 */
int container_list_live(Engine *engine, unsigned flags, ContainerList *ret, Error *err);

/*
 * Bytes on disk, as du(1) counts them: *ret_own of what the container has written, *ret_all with
 * its image's layers. Takes time in proportion to its files. Errors: NOT_FOUND, SYSTEM.
 */
int container_measure(Engine *engine, const Container *container, int64_t *ret_own,
                      int64_t *ret_all, Error *err);

/* Does it have processes, or will have again without being asked? Running, paused, restarting. */
bool container_is_up(const Container *container);

/* Exclusive ownership of one container by this process. */
typedef struct ContainerClaim ContainerClaim;

/*
 * Give the claim up. A container that container_create() made and that was never started is undone
 * unless container_claim_keep() was called; one that runs goes on under its shim.
 */
void container_claim_free(ContainerClaim *claim);
DEFINE_CLEANUP(ContainerClaim *, container_claim_free);

/* The container as it is now, owned by the claim. */
const Container *container_claim_get(const ContainerClaim *claim);

/*
 * Make a container of @spec: claim its name, prepare its root file system, write its config.json.
 * @spec is checked and completed with the image's defaults; its contents move into the claim.
 * On failure nothing is left behind.
 * Errors: INVALID, NOT_FOUND (image, mount source), CONFLICT (name taken), EXHAUSTED, UNSUPPORTED.
 */
int container_create(Engine *engine, ContainerSpec *spec, ContainerClaim **ret, Error *err);

/* Keep a container that container_create() made without starting it. */
int container_claim_keep(ContainerClaim *claim, Error *err);

/*
 * Start it: spawn its shim, make the sandbox, execute the program. With @is_attached
 * container_relay() follows, else the container has no client yet. A container with a terminal has
 * the window size of @terminal_fd (-EBADF: none) from its start. The claim is shared with the shim
 * from here on. When this fails the container is back in state created, with the
 * reason in its error, or removed when it was to be removed. Errors: those of sandbox_create() and
 * sandbox_start().
 */
int container_start(ContainerClaim *claim, bool is_attached, int terminal_fd, Error *err);

/*
 * Relay until it has ended, then record its end, and remove it where it was to be removed.
 * Errors: UNAVAILABLE (its shim was killed: the container is recorded as killed).
 */
int container_relay(ContainerClaim *claim, const RelayOptions *options, ShimExit *ret, Error *err);

/*
 * Claim a container that does not run, to start it. With an error of kind CONFLICT it is up
 * already, or another command has it.
 */
int container_claim_stopped(Engine *engine, const char *name, ContainerClaim **ret, Error *err);

/*
 * What can be done with a container that is up. Each finds it by name, and fails with NOT_FOUND,
 * CONFLICT (it is in another state, which the message names), UNAVAILABLE (its shim was killed
 * meanwhile).
 */

/* Send a signal to its first process. Its restart policy is over when that ends it for good. */
int container_kill(Engine *engine, const char *name, int signal, Error *err);

/* Freeze all its processes, or let them go on. */
int container_set_paused(Engine *engine, const char *name, bool is_paused, Error *err);

/* A container that was asked to end, or whose end is waited for. */
typedef struct ContainerEnd ContainerEnd;

/*
 * Ask it to stop, as shim_client_stop(), and return at once; it does so although we may die. One
 * that does not run has stopped.
 */
int container_stop_begin(Engine *engine, const char *name, int signal, int timeout,
                         ContainerEnd **ret, Error *err);

/* Wait for it to end. Nothing is asked of the container. */
int container_wait_begin(Engine *engine, const char *name, ContainerEnd **ret, Error *err);

/*
 * Wait until it has ended, whatever its restart policy does next; *ret_code is its exit code. With
 * @is_settled also until its end stands in the database and it can be started or removed.
 */
int container_end_await(ContainerEnd *end, bool is_settled, int64_t *ret_code, Error *err);
void container_end_free(ContainerEnd *end);
DEFINE_CLEANUP(ContainerEnd *, container_end_free);

/* Stop it if it runs, and start it. */
int container_restart(Engine *engine, const char *name, int signal, int timeout, Error *err);

/*
 * Relay to and from a container that runs until it ends, or the keys that detach are typed
 * (SHIM_RELAY_DETACHED). options->terminal is set as the container is.
 */
int container_attach(Engine *engine, const char *name, RelayOptions *options, ShimExit *ret,
                     Error *err);

/* Give it another name, whatever its state. Errors: INVALID, CONFLICT (taken; it is being removed),
 * NOT_FOUND. */
int container_rename(Engine *engine, const char *name, const char *new_name, Error *err);

/* What is to be changed of a container. */
typedef struct ContainerChange {
    ContainerSpec spec; /* limits and the restart policy, where they are not 0 or NULL */
    ContainerPortBindings publish;
    ContainerPortBindings unpublish; /* what is open in one matches anything */
    StringList net_rates;            /* as network_request_parse_rates() takes them */
} ContainerChange;

void container_change_done(ContainerChange *change);

/*
 * Change it. A running container has it at once, one that does not from its next start. When this
 * fails nothing has changed. Errors: INVALID, CONFLICT (with what it has; a port that is taken; it
 * is being removed), UNSUPPORTED, NOT_FOUND.
 */
int container_update(Engine *engine, const char *name, const ContainerChange *change, Error *err);

typedef enum ContainerRemoveFlags {
    CONTAINER_REMOVE_FORCE = 1 << 0,   /* kill one that runs first */
    CONTAINER_REMOVE_VOLUMES = 1 << 1, /* with its anonymous volumes that no other one uses */
} ContainerRemoveFlags;

/*
 * Remove a container that does not run, with all it wrote. Errors: NOT_FOUND, CONFLICT (it runs;
 * another command holds it).
 */
int container_remove(Engine *engine, const char *name, unsigned flags, Error *err);

/* Does its restart policy want it to be started after a boot, as it has ended now? */
bool container_wants_boot(const Container *container);

/*
 * Start all containers that want it. Their names are added to @started; *ret_failed is how many
 * could not be, each of which was warned of.
 */
int container_boot(Engine *engine, StringList *started, size_t *ret_failed, Error *err);

/*
 * Finish or undo what processes that died had begun, for all containers or the one with id @id.
 * What a living process holds is left alone. Cheap when there is nothing to do. For all of them,
 * networks are repaired, too (container_network_repair()).
 */
int container_recover_all(Engine *engine, Error *err);
int container_recover(Engine *engine, const char *id, Error *err);

/* As `inspect` names it, as Docker does: the driver of overlayfs with a whole layer per directory.
 */
#define CONTAINER_STORAGE_DRIVER "overlay2"

/*
 * Engine API: ContainerInspectResponse, of a container_refresh()ed container; @with_size also as
 * container_measure() has it. The caller owns the reference.
 */
int container_to_inspect(Engine *engine, const Container *container, bool with_size, json_t **ret,
                         Error *err);
