/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * seccomp allowlists for programs that confine themselves. What any of them needs is known here:
 * memory that no code is run from, time, the end. So is what none has a use for and only somebody
 * who has taken the process over would call, which kills it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef enum SyscallAction {
    SYSCALL_ALLOW,
    SYSCALL_FAIL, /* with errnum, where EPERM would not be understood */
    SYSCALL_KILL,
} SyscallAction;

/* Names that an architecture does not have are skipped. */
typedef struct SyscallTable {
    const char *const *names;
    size_t n_names;
    SyscallAction action;
    int errnum;
    /* Only if the argument of this number has this value in the bits of the mask; 0: always. */
    unsigned argument;
    uint64_t mask;
    uint64_t value;
} SyscallTable;

#define SYSCALL_TABLE(table) .names = (table), .n_names = ARRAY_SIZE(table)

typedef struct SyscallFilter {
    const SyscallTable *tables;
    size_t n_tables;
    bool has_threads; /* may make some; processes are made in no case */
} SyscallFilter;

/*
 * Load the filter, for all threads to come. A call that is in none of the tables fails with EPERM.
 * Errors: UNSUPPORTED, EXHAUSTED.
 */
int syscall_filter_load(const SyscallFilter *filter, Error *err);
