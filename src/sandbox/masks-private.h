/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Paths that a container must not read, or not write. */

#include "sandbox/report-private.h"
#include "sandbox/runtime-config.h"

/* Make @paths and all below them read-only; missing ones are skipped. Does not allocate. */
int readonly_paths_apply(const StringList *paths, int root_fd, Report *report);

/*
 * Cover files with the null device @null_fd (verified by its opener, lying in our mount namespace)
 * and directories with an empty read-only file system; missing ones are skipped. Does not allocate.
 */
int masked_paths_apply(const StringList *paths, int root_fd, int null_fd, Report *report);
