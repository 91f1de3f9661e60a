/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Descriptors that take other namespaces to be made than this process may have. */

#include <stddef.h>

/*
 * Have @make run in a fork of this process, of one thread: it may change its namespaces, and all
 * that stays of it is the descriptor that it returns. Returns that, or -errno, as @make does.
 */
int child_fd_make(int (*make)(const void *data), const void *data);

/* The same for @n_fds descriptors (SOCKET_MAX_FDS at most), which @make fills in: it returns 0 or
 * -errno, as this does. */
int child_fds_make(int (*make)(const void *data, int *ret_fds), const void *data, int *ret_fds,
                   size_t n_fds);
