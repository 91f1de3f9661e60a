/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The failures that several parts of the worker report alike, and names made fit for messages. */

#include "base/error.h"

/*
 * Record that writing failed with the negative errno @r: EXHAUSTED and "no space left to <what>"
 * when the file system or a quota is full. Returns @r.
 */
int failure_write(Error *err, int r, const char *format, ...) __attribute__((format(printf, 3, 4)));

/*
 * A name out of an archive as printable ASCII for a message: other bytes become \xNN, what is
 * longer than a line is cut. The caller frees it.
 */
char *failure_quote(const char *name);
