/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One line of CSV, as RFC 4180 quotes its fields: how options with several parts are written. */

#include "base/error.h"
#include "base/string-list.h"

/* Add the fields of @text. Errors: INVALID (a quote that is not closed, or inside of a field). */
int csv_split(const char *text, StringList *fields, Error *err);
