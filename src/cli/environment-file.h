/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Files of variables or labels, one "NAME=value" a line, as --env-file and --label-file take them.
 * Blank lines and lines that start with '#' are skipped; a value is taken as it is, quotes too.
 */

#include "base/error.h"
#include "base/string-list.h"

/* The value of a variable, or NULL: then the line is left out. getenv() fits. */
typedef char *(*EnvironmentLookup)(const char *name);

/*
 * Add the lines of the file @path to @list as "NAME=value". @lookup (may be NULL: the name alone is
 * added) gives the value for a name without one.
 * Errors: NOT_FOUND, SYSTEM; INVALID (white space in a name, no name, not UTF-8), with the line.
 */
int environment_file_read(const char *path, EnvironmentLookup lookup, StringList *list, Error *err);
