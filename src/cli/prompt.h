/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Questions to whoever sits at the terminal of standard input. */

#include <stdbool.h>

#include "base/error.h"

/*
 * Ask @question on standard output and read a line, without its end; a @hidden one does not show
 * while it is typed. The terminal is as it was afterwards, also when a signal ends us meanwhile.
 * The caller frees *ret. Errors: UNSUPPORTED (no terminal), INVALID (the input has ended), SYSTEM.
 */
int prompt_read_line(const char *question, bool hidden, char **ret, Error *err);
