/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Names of archive members. What comes out is a plain relative path, "a/b/c", or "" for the root:
 * no "." or "..", no slash at either end, bounded in length and depth. What could leave the target
 * is refused and never repaired.
 */

#include "base/error.h"
#include "image/worker-client.h"

/*
 * @raw may begin with "./" and end with "/". Errors: INVALID (absolute, "..", empty), EXHAUSTED (a
 * limit). *ret is owned by the caller.
 */
int entry_name_clean(const char *raw, const ImageLimits *limits, char **ret, Error *err);
