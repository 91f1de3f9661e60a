/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The output of `inspect` commands: an indented JSON array, or one --format template an object. */

#include <jansson.h>
#include <stdio.h>

#include "base/error.h"

/*
 * Print @objects (an array). @format NULL or "": indented by four spaces; "json": the array on one
 * line; else a template, a line for each object. Nothing is printed when the template fails.
 * Errors: INVALID (the template, or a field that does not exist), SYSTEM.
 */
int inspect_print(const json_t *objects, const char *format, FILE *stream, Error *err);
