/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Columns aligned as Docker's tables are: cells end with a tab, a column is as wide as its widest
 * cell and three spaces, at least ten characters; a line's last cell is not padded. A column ends
 * with the first line that does not have it.
 */

#include "base/string-buffer.h"

/* Lay out @text, lines of tab-separated cells, at the end of @buffer. */
void table_add(StringBuffer *buffer, const char *text);

/* The same with columns of at least @width characters. */
void table_add_wide(StringBuffer *buffer, const char *text, size_t width);
