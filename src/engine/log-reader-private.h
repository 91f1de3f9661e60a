/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Where in a file to begin: by counting from its end, and by bisection. */

#include "engine/log-reader.h"

/* The end of the last whole record before @size. Returns it or -errno. */
int64_t log_seek_end(int fd, int64_t size);

/*
 * The offset of the record that *@count records of the @size bytes of @fd begin at, counted from
 * the end; *@count is lessened by what the file has. Returns it or -errno.
 */
int64_t log_seek_tail(int fd, int64_t size, int64_t *count);

/* An offset before which all records are older than @since, and not far before the first that is
 * not. Returns it or -errno. */
int64_t log_seek_since(int fd, int64_t size, LogFormat format, int64_t since);

/* Whether the file begins with an entry older than @since. In doubt it does not. */
bool log_begins_before(int fd, LogFormat format, int64_t since);
