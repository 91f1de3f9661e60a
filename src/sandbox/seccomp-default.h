/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The system calls that a container may use when nothing else is said: an allowlist with the
 * meaning of Docker's default profile, which depends on the container's capabilities.
 */

#include <stdint.h>

#include "sandbox/runtime-config.h"

/*
 * The profile for a container whose bounding set is @capabilities (bit n: capability n).
 * The caller owns it: runtime_config_free() frees it as part of a configuration.
 */
LinuxSeccomp *seccomp_default_new(uint64_t capabilities);
