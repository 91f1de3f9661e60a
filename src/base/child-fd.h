/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Descriptors that take other namespaces to be made than this process may have. */

/*
 * Have @make run in a fork of this process, of one thread: it may change its namespaces, and all
 * that stays of it is the descriptor that it returns. Returns that, or -errno, as @make does.
 */
int child_fd_make(int (*make)(const void *data), const void *data);
