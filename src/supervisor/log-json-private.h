/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The escaping of json-file's texts. */

#include <stddef.h>
#include <stdint.h>

/* A byte becomes at most so many. */
#define LOG_JSON_GROWTH ((size_t)6)

/* Write @text as the inside of a JSON string to @to, which has room for LOG_JSON_GROWTH times its
 * size. Returns the length. What is not UTF-8 becomes "\ufffd", byte by byte. */
size_t log_json_escape(char *to, const char *text, size_t size);

/* The bytes of output that a record's text was made from. */
uint64_t log_json_payload(const char *record, size_t size);
