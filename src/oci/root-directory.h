/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The directory of --root, with a directory for each container. Names that are no ids are no
 * containers'. */

#include "base/error.h"
#include "oci/command.h"

/* Make it if it is not there. Errors: SYSTEM. */
int root_directory_make(const GlobalOptions *global, int *ret_fd, Error *err);

/* Errors: NOT_FOUND (no container was ever made here), SYSTEM. */
int root_directory_open(const GlobalOptions *global, int *ret_fd, Error *err);

/* A directory in it that keeps compiled seccomp filters; -EBADF when it cannot be had. */
int root_directory_open_cache(int root_fd);
