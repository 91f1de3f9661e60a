/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The OCI configuration's seccomp names as numbers, and the compiler behind the cache. */

#include <stddef.h>
#include <stdint.h>

#include "sandbox/runtime-config.h"
#include "sandbox/seccomp.h"

/* Each returns 0, or -EINVAL for an unknown name. */
int seccomp_action_from_name(const char *name, uint32_t *ret);
int seccomp_operator_from_name(const char *name, uint32_t *ret); /* enum scmp_compare */
int seccomp_architecture_from_name(const char *name, uint32_t *ret);
int seccomp_flag_from_name(const char *name, uint32_t *ret); /* of seccomp(2) */

/*
 * Compile @profile with libseccomp. ret->flags is left alone. Errors: as seccomp_program_load().
 */
int seccomp_compile(const LinuxSeccomp *profile, SeccompProgram *ret, Error *err);
