/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A container as `state` and `list` show it: the members of runc's output. */

#include <jansson.h>

#include "oci/container.h"

/* As the specification has it (runtime.md, "State"), for others than people; free it. */
char *container_state_text(const Container *container, ContainerStatus status);

/* A new reference. @owner is the name to show; runc's `state` has none. */
json_t *container_listing_to_json(Container *container, const char *owner);
