/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A container between commands: the directory ROOT/ID with its record (state.json), a copy of its
 * configuration (config.json), and, until it is started, the socket that its first process waits at
 * (start.sock).
 *
 * A container is made by whoever makes its directory. The maker, and whoever deletes it, holds a
 * lock on the file "lock" in it; what nobody holds and has no first process was left by a maker
 * that died, and is undone by the next one who wants the id, or by a deletion.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "oci/command.h"
#include "oci/container-record.h"
#include "sandbox/cgroup.h"
#include "sandbox/runtime-config.h"
#include "sandbox/state.h"

#define CONTAINER_CONFIG_NAME "config.json"
#define CONTAINER_SOCKET_NAME "start.sock"

typedef struct Container {
    ContainerRecord record;
    int dir_fd;
    int lock_fd;    /* -EBADF: not held */
    Cgroup *cgroup; /* NULL: not opened yet, or there is none */
} Container;

/* Errors: INVALID (the id), NOT_FOUND ("container does not exist"), CORRUPT, SYSTEM. */
int container_open(int root_fd, const char *id, Container **ret, Error *err);

/* The same of the first argument of @invocation, below its root. */
int container_open_argument(const Invocation *invocation, Container **ret, Error *err);

/*
 * The same with the lock held: waits for who makes or deletes it now. What a maker left that died
 * is found too, with an empty record but for the id.
 */
int container_open_locked(int root_fd, const char *id, Container **ret, Error *err);

/*
 * Begin a container: the id is ours from here on, and the lock is held. What is left under this id
 * by one who died is undone first. The record has nothing but the id.
 * Errors: INVALID (the id), CONFLICT ("container with given ID already exists"), SYSTEM.
 */
int container_claim(int root_fd, const char *id, Container **ret, Error *err);

/* Let others have the lock. */
void container_unlock(Container *container);

/* Take it back. Returns 1, or 0 when the container was deleted meanwhile. Errors: SYSTEM. */
int container_lock_again(Container *container, Error *err);

/* Write the record down, as a whole. */
int container_save(const Container *container, Error *err);

/* Read the copy of its configuration. */
int container_read_config(const Container *container, RuntimeConfig **ret, Error *err);

RuntimeStatus container_status(Container *container);

/* Its state for hooks, which points into the container, and as text for seccomp agents, which is to
 * be freed. */
RuntimeState container_state(const Container *container, RuntimeStatus status);
char *container_state_text(const Container *container, RuntimeStatus status);

/* A pidfd of the first process. Errors: CONFLICT ("container not running"). */
int container_open_process(const Container *container, int *ret_pidfd, Error *err);

/* Its cgroup, opened once; stays the container's. NULL in *ret when it has none. */
int container_open_cgroup(Container *container, Cgroup **ret, Error *err);

/* Kill all its processes and wait for their end. */
int container_stop(Container *container, Error *err);

/* The same, and remove what it has beside its directory. Nothing there is success. */
int container_end(Container *container, Error *err);

/* Remove its directory; the lock is held. The container has to be ended. */
int container_remove(int root_fd, const Container *container, Error *err);

/* End and remove it, and run its poststop hooks, the failures of which are warnings. */
int container_delete(int root_fd, Container *container, Error *err);

void container_free(Container *container);
DEFINE_CLEANUP(Container *, container_free);
