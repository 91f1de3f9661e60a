/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* From a bundle to a container that waits for its start, for `create` and for `run`. */

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "oci/command.h"
#include "oci/container.h"
#include "oci/inherited-fds.h"
#include "sandbox/sandbox.h"

typedef struct CreateOptions {
    char *bundle; /* NULL: the current directory */
    char *console_socket;
    char *pidfd_socket;
    char *pid_file;
    int64_t preserve_fds;
    InheritedFds inherited; /* what is made of it, before anything is opened */
    bool no_pivot;
    bool no_new_keyring;
    bool detach; /* the rest is of `run` alone */
    bool keep;
    bool no_subreaper;
} CreateOptions;

void create_options_done(CreateOptions *options);

#define _cleanup_create_options_ _cleanup_(create_options_done)

/* A container in our hands: made, recorded, and not yet started. */
typedef struct Creation {
    int root_fd;
    Container *container; /* the lock is held */
    RuntimeConfig *config;
    Sandbox *sandbox;
} Creation;

#define CREATION_INIT                                                                              \
    (Creation)                                                                                     \
    {                                                                                              \
        .root_fd = -EBADF                                                                          \
    }

/* Forget it; a sandbox that is still there is killed. */
void creation_done(Creation *creation);

#define _cleanup_creation_ _cleanup_(creation_done)

/*
 * Create the container that @invocation names. With options->detach it goes on when we end, and
 * is started by sandbox_start_at(); else it is ours, and its terminal too unless there is a console
 * socket. On failure nothing is left behind.
 */
int container_create(const Invocation *invocation, const CreateOptions *options, Creation *ret,
                     Error *err);

/* End and remove what was created; the first failure is recorded in @err, which may be NULL. */
int creation_undo(Creation *creation, Error *err);
