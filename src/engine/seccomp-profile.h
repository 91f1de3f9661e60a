/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Seccomp profiles in Docker's file format (--security-opt seccomp=FILE): the OCI form, with
 * architectures as a map and rules that hold only with certain capabilities, architectures or
 * kernels.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "sandbox/runtime-config.h"

/*
 * Read the profile @text for a container with the capabilities @capabilities (a mask) into *ret,
 * which runtime_config_free() frees as part of its configuration.
 * Errors: INVALID, naming the member that is wrong.
 */
int seccomp_profile_parse(const char *text, size_t size, uint64_t capabilities, LinuxSeccomp **ret,
                          Error *err);
