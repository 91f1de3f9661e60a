/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The system calls that unpacking, or packing, needs, as a seccomp filter. */

#include <stdbool.h>

#include "base/error.h"

/*
 * Load the filter. A call that the job has no use for fails with EPERM: all that change a tree,
 * with
 * @only_reads. One that only somebody
 * who has taken the process over would make kills it. Errors: UNSUPPORTED.
 */
int syscall_filter_load(bool only_reads, Error *err);
