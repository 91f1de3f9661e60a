/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What went wrong, in words: those of registries are quoted, as far as they are fit to be shown. */

#include <stddef.h>

#include "base/error.h"
#include "registry/worker/call.h"

/* Text from outside: control and other characters escaped, cut where it is too long. */
char *failure_quote(const char *text, size_t size);

/* The answer of @call tells of an error: record that. */
int failure_of_answer(const Call *call, Error *err);

/* There was no answer. */
int failure_of_connection(const Call *call, Error *err);
