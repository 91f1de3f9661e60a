/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Devices that vendors describe: the Container Device Interface, version 0.3 to 1.1. A device has a
 * qualified name, "vendor.com/class=name", and its specification says what a container needs for
 * it: nodes, mounts, variables, groups, hooks.
 */

#include "base/error.h"
#include "base/string-list.h"
#include "sandbox/runtime-config.h"

/* Where specifications are, later ones winning over earlier ones; ends with NULL. */
extern const char *const cdi_directories[];

/*
 * Add to @config, which has all else, what the @devices (valid names) need, as the specifications
 * in @directories say. Errors: NOT_FOUND (no such device, or nothing of the host's where it says),
 * CONFLICT (two specifications of one directory have it), INVALID, UNSUPPORTED (an edit that this
 * version does not make), SYSTEM.
 */
int cdi_apply(const char *const *directories, const StringList *devices, RuntimeConfig *config,
              Error *err);
