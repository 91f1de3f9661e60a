/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Memory for what must not get about: it is never swapped out, in no core dump, in no child that is
 * forked, and overwritten before it is given back.
 */

#include <stddef.h>

#include "base/cleanup.h"

typedef struct LockedMemory {
    void *data; /* zeroed at first; NULL: none */
    size_t size;
    size_t capacity; /* whole pages */
} LockedMemory;

/* Returns 0 or -errno (-ENOMEM: more than may be locked). */
int locked_memory_new(size_t size, LockedMemory *ret);
void locked_memory_done(LockedMemory *memory);
#define _cleanup_locked_memory_ _cleanup_(locked_memory_done)

/* Read the rest of @fd, at most @limit bytes (-EFBIG beyond). Returns 0 or -errno. */
int locked_memory_read(int fd, size_t limit, LockedMemory *ret);

/*
 * From here on nobody may dump or trace this process without privilege; programs that it executes
 * are not concerned. For who holds locked memory, whose copies in registers and on the stack are
 * out of reach.
 */
void process_hide_memory(void);
