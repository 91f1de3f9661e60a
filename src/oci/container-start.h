/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The start of a container that waits for it, for `start` and for `run --detach`. */

#include "base/error.h"
#include "oci/container.h"
#include "sandbox/sandbox.h"

/* Start it, and run its poststart hooks. Errors: as sandbox_start_at(), and those of hooks. */
int container_start(Container *container, Error *err);

/* The hooks alone, for who has started it himself. When one fails the container is stopped. */
int container_after_start(Container *container, Error *err);
