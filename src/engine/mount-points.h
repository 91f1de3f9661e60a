/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The lowest layer of every container: empty directories and files where the standard mounts go. An
 * image that lacks them gets them from here, so that a start makes and deletes nothing for them in
 * the container's own directory, and what a container has changed does not list them.
 */

#include "engine/engine.h"

/* A handle of the layer's root, made with the first use. Errors: EXHAUSTED (no space), SYSTEM. */
int mount_points_open(Engine *engine, int *ret_fd, Error *err);
