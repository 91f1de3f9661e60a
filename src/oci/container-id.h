/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The id that an engine gives to a container: the name of its directory and of its cgroup. */

#include "base/error.h"

/* Letters, digits and "_+-.", but for "." and "..", as runc has it. Errors: INVALID. */
int container_id_validate(const char *id, Error *err);
