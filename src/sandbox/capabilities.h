/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Capabilities as masks: bit n is capability n (capabilities(7)). Names and lists become masks in
 * the parent; what a child calls between clone and exec takes masks, allocates nothing and does
 * nothing but system calls.
 */

#include <linux/capability.h>
#include <stdint.h>

#include "base/error.h"
#include "base/string-list.h"
#include "sandbox/runtime-config.h"

#define CAPABILITY(number) (UINT64_C(1) << (number))

/* What a container gets when nothing else is said: Docker's set. */
#define CAPABILITIES_DEFAULT                                                                       \
    (CAPABILITY(CAP_CHOWN) | CAPABILITY(CAP_DAC_OVERRIDE) | CAPABILITY(CAP_FOWNER) |               \
     CAPABILITY(CAP_FSETID) | CAPABILITY(CAP_KILL) | CAPABILITY(CAP_SETGID) |                      \
     CAPABILITY(CAP_SETUID) | CAPABILITY(CAP_SETPCAP) | CAPABILITY(CAP_NET_BIND_SERVICE) |         \
     CAPABILITY(CAP_NET_RAW) | CAPABILITY(CAP_SYS_CHROOT) | CAPABILITY(CAP_MKNOD) |                \
     CAPABILITY(CAP_AUDIT_WRITE) | CAPABILITY(CAP_SETFCAP))

typedef struct CapabilitySets {
    uint64_t bounding;
    uint64_t effective;
    uint64_t permitted;
    uint64_t inheritable;
    uint64_t ambient;
} CapabilitySets;

/* "CAP_CHOWN", or NULL for a number that has no name here. */
const char *capability_to_name(unsigned number);

/* With or without "CAP_", in any case. Returns the number or -EINVAL. */
int capability_from_name(const char *name);

/* The highest capability that the kernel knows, found by asking it. */
unsigned capability_last(void);

/* What this process could hand on: its bounding set. */
uint64_t capabilities_available(void);

/* Names in the order of their numbers. */
void capabilities_to_names(uint64_t mask, StringList *ret);

/*
 * The sets of a configuration (NULL: all empty). Names that are not known, here or to the kernel,
 * are left out with a debug message, as the OCI specification (config.md, capabilities) wants it.
 */
void capabilities_from_config(const RuntimeCapabilities *config, CapabilitySets *ret);

/*
 * Apply Docker's --cap-add and --cap-drop to the set @base. "ALL" in @add gives all that are
 * available but those in @drop; "ALL" in @drop leaves those in @add; else first drop, then add.
 * Errors: INVALID (no such capability), DENIED (it was asked for by name and is not available).
 */
int capabilities_adjust(uint64_t base, const StringList *add, const StringList *drop, uint64_t *ret,
                        Error *err);

/* For a child between clone and exec. */

/*
 * Remove all but @keep from the bounding set; needs CAP_SETPCAP unless nothing is left to remove.
 * Returns 0 or -errno.
 */
int capabilities_drop_bounding(uint64_t keep);

/*
 * Set effective, permitted, inheritable and ambient sets of the calling thread, after the change
 * of user id (with PR_SET_KEEPCAPS) and after capabilities_drop_bounding(). What the thread does
 * not hold itself cannot be granted and is left out. Returns 0 or -errno.
 */
int capabilities_apply(const CapabilitySets *sets);
