/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Descriptors beyond the three standard ones that the engine passes through us to a program. */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

typedef struct InheritedFds {
    unsigned count;  /* from 3 on */
    unsigned listen; /* the first of them: sockets to listen at, as sd_listen_fds(3) counts them */
} InheritedFds;

/*
 * Take @number of --preserve-fds and, with @takes_sockets, those of LISTEN_FDS before them. Each is
 * checked to be open, and what else we were started with is closed: a container that waits for its
 * start would keep it open, and the engine may wait for its end. So nothing of ours may be open
 * yet. Errors: INVALID.
 */
int inherited_fds_take(int64_t number, bool takes_sockets, InheritedFds *ret, Error *err);
