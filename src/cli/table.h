/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Columns aligned as Docker's tables are: cells end with a tab, a column is as wide as its widest
 * cell and three spaces, at least ten characters; a line's last cell is not padded. A column ends
 * with the first line that does not have it.
 */

#include "base/string-buffer.h"
#include "base/string-list.h"

/* Lay out @text, lines of tab-separated cells, at the end of @buffer. */
void table_add(StringBuffer *buffer, const char *text);

/* The same with columns of at least @width characters. */
void table_add_wide(StringBuffer *buffer, const char *text, size_t width);

/*
 * The same for a terminal of @width columns: where that is not enough, cells below the titles
 * @may_be_cut are, and end with "…" then. A column keeps ten characters, whatever the terminal.
 */
void table_add_fitted(StringBuffer *buffer, const char *text, size_t width,
                      const StringList *may_be_cut);

/* Characters that a column takes, but for the last one, whose widest cell takes @width. */
size_t table_column_width(size_t width);
