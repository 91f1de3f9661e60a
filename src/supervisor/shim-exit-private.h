/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The exit record as text: what exit.json holds and what EXITED carries. */

#include <stddef.h>

#include "base/error.h"
#include "supervisor/shim-client.h"

/* At most SHIM_TEXT_MAX bytes: a long error is cut. Free the result. */
char *shim_exit_to_text(const ShimExit *exit);

/* Errors: CORRUPT. */
int shim_exit_from_text(const char *text, size_t size, ShimExit *ret, Error *err);
