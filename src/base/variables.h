/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* An environment as a list of "NAME=value", each name once. */

#include "base/string-list.h"

/* Where @variable ("NAME=value" or "NAME") is in the list, or its end. */
size_t variables_find(const StringList *variables, const char *variable);

/* Set "NAME=value", or remove "NAME". */
void variables_set(StringList *variables, const char *variable);
