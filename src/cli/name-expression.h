/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Filters by name: regular expressions, of which one has to be found in it. */

#include <stdbool.h>

#include "base/error.h"
#include "base/string-list.h"

/* Add the value of one `--filter name=`. Errors: INVALID. */
int name_expressions_add(StringList *expressions, const char *value, Error *err);

/* True, too, where there are no expressions. */
bool name_expressions_match(const StringList *expressions, const char *name);
