/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A container as `state` and `list` show it: the members of runc's output. */

#include <jansson.h>

#include "oci/container.h"

/* A new reference. @owner is the name to show; runc's `state` has none. */
json_t *container_listing_to_json(Container *container, const char *owner);
