/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Text from outside on its way to a terminal. Control characters could move the cursor, retitle
 * the window or break a table's rows; they and bytes that are not UTF-8 become visible as "\x1b".
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/string-buffer.h"

void terminal_text_add(StringBuffer *buffer, const char *text);

/* True when terminal_text_add() would change nothing. */
bool terminal_text_is_safe(const char *text);

/* Columns that @length bytes of UTF-8 take, counted as characters. */
size_t terminal_text_width(const char *text, size_t length);
