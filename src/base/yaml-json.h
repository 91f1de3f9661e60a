/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * YAML read as JSON, so that one kind of field table serves both. Only what JSON can say: one
 * document; aliases, tags and keys that are not text are refused. A scalar without quotes is null,
 * a truth value or a number where YAML 1.2's JSON schema says so, an octal number if it begins with
 * a zero, else text.
 */

#include <jansson.h>
#include <stddef.h>

#include "base/error.h"

/* Parse untrusted text; duplicate members are refused. Errors: INVALID, with the line. */
int yaml_parse(const char *data, size_t size, json_t **ret, Error *err);
