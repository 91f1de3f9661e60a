/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Intel's Resource Director Technology (linux.intelRdt): shares of cache and memory bandwidth, as
 * groups in the kernel's resctrl file system.
 *
 * A group is named by closID, or after the container. One that is named after the container is
 * removed with it; one with a closID belongs to whoever configured it, and only the container's
 * monitoring group in it is removed.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "sandbox/runtime-config.h"

/* Whether resctrl is mounted where the kernel's documentation wants it. */
bool intel_rdt_is_enabled(void);

/* The root of the resctrl file system. Returns a descriptor, or -errno with UNSUPPORTED. */
int intel_rdt_open(Error *err);

/*
 * Make the group of container @id (NULL: none; then it takes a closID) below @root_fd, or check
 * that one with the closID that exists is as @settings want it. On failure what was made is gone.
 * Errors name linux.intelRdt: INVALID, NOT_FOUND (a closID without a schema must exist), CONFLICT
 * (the group has other schemata), EXHAUSTED (the processor has no more groups), SYSTEM.
 */
int intel_rdt_create(int root_fd, const LinuxIntelRdt *settings, const char *id, Error *err);

/* Move @pid there: the container's first process, and those that join it later. */
int intel_rdt_attach(int root_fd, const LinuxIntelRdt *settings, const char *id, pid_t pid,
                     Error *err);

/* What is gone already is no error. */
int intel_rdt_remove(int root_fd, const LinuxIntelRdt *settings, const char *id, Error *err);
