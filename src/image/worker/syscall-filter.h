/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The system calls that unpacking needs, as a seccomp filter. */

#include "base/error.h"

/*
 * Load the filter. A call that unpacking has no use for fails with EPERM; one that only somebody
 * who has taken the process over would make kills it. Errors: UNSUPPORTED.
 */
int syscall_filter_load(Error *err);
