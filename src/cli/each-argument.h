/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Commands that do the same with each of their arguments, whatever becomes of the others. */

#include "cli/command.h"
#include "engine/engine.h"

/* Returns 0 or -errno with @err set. */
typedef int (*EachArgumentFunction)(Engine *engine, const char *name, void *data, Error *err);

/*
 * Call @function for each argument, and print the argument when it has succeeded, as Docker does.
 * Errors are reported one by one. Returns 0, or the last failure with its error.
 */
int each_argument(const Invocation *invocation, Engine *engine, EachArgumentFunction function,
                  void *data, Error *err);
