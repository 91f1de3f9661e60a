/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Giving up every right that speaking to registries does not need, for the rest of this process's
 * life: it can make connections over IP, read what looking up names and checking certificates
 * takes, and use the descriptors that it is handed.
 */

#include "base/error.h"

/* Errors: UNSUPPORTED (no seccomp), SYSTEM. */
int confine(Error *err);
