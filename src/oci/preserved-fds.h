/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Descriptors beyond the three standard ones that the engine passes through us to a program. */

#include <stdint.h>

#include "base/error.h"

/* How many sockets to listen at come first, as sd_listen_fds(3) counts them. Errors: INVALID. */
int listen_fds_count(unsigned *ret, Error *err);

/*
 * How many there are in all: @listen and, of --preserve-fds, @number. Each is checked to be open.
 * Errors: INVALID.
 */
int preserved_fds_count(int64_t number, unsigned listen, unsigned *ret, Error *err);
