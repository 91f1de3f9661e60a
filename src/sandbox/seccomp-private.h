/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The OCI configuration's seccomp names as numbers, and the compiler behind the cache. */

#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sandbox/runtime-config.h"
#include "sandbox/seccomp.h"

/* Linux 5.19. */
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

/* Each returns 0, or -EINVAL for an unknown name. */
int seccomp_action_from_name(const char *name, uint32_t *ret);
int seccomp_operator_from_name(const char *name, uint32_t *ret); /* enum scmp_compare */
int seccomp_architecture_from_name(const char *name, uint32_t *ret);
int seccomp_flag_from_name(const char *name, uint32_t *ret); /* of seccomp(2) */

/* All the names that the functions above know. */
void seccomp_action_names(StringList *ret);
void seccomp_operator_names(StringList *ret);
void seccomp_architecture_names(StringList *ret);
void seccomp_flag_names(StringList *ret);

/* Whether this kernel, or libseccomp for an architecture, can do it: found by asking. */
bool seccomp_action_is_supported(uint32_t action);
bool seccomp_flag_is_supported(uint32_t flag);
bool seccomp_architecture_is_supported(uint32_t architecture);

/*
 * Compile @profile with libseccomp. ret->flags is left alone. Errors: as seccomp_program_load().
 */
int seccomp_compile(const LinuxSeccomp *profile, SeccompProgram *ret, Error *err);
