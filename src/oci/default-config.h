/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The configuration that `spec` writes, for people to change: a shell in a read-only root. */

#include "sandbox/runtime-config.h"

/* With @rootless, one that a user without privileges can run. */
RuntimeConfig *default_config_new(bool rootless);
