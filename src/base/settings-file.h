/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Files of settings in YAML, read strictly: a name that means nothing is an error. Nothing but
 * comments is no document of YAML, and fine settings.
 */

#include <stdbool.h>

#include "base/error.h"
#include "base/json-fields.h"

/*
 * Fill @target (as for json_struct_read(), left for json_struct_done() on failure) from the file
 * @path, of at most 1 MiB. Returns 1, or 0 where it @may_be_missing and is. Errors: INVALID (says
 * what of it is wrong, but does not name the file), NOT_FOUND, SYSTEM.
 */
int settings_file_read(const char *path, bool may_be_missing, const JsonStruct *type, void *target,
                       Error *err);
