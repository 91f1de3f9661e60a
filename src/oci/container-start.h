/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The start of a container that waits for it, for `start` and for `run --detach`. */

#include "base/error.h"
#include "oci/container.h"
#include "sandbox/sandbox.h"

/* Errors: as sandbox_start_at(). */
int container_start(Container *container, Error *err);
