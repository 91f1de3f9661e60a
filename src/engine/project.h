/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The projects of what has a limit of its size: containers and volumes, each of which has one in
 * its row. The row is all there is of it: a number is taken with the row, and free with its end.
 */

#include <stdint.h>

#include "base/error.h"
#include "engine/engine.h"

/*
 * Parse @text, the value of an option "size", into bytes. Errors: INVALID; the message goes on
 * from the option's name.
 */
int project_parse_size(const char *text, int64_t *ret, Error *err);

/*
 * A project that nobody has, for what will lie in the file system of @fd. Errors: UNSUPPORTED (it
 * has no quotas), SYSTEM.
 */
int project_choose(Engine *engine, int fd, uint32_t *ret, Error *err);
