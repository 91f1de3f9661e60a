/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The certificates of authorities that the system trusts. */

#include "registry/worker/session.h"

/*
 * Find them: as a directory from which only what is needed is read, or else as one file, to which
 * what is said for an endpoint is then added. Called before any exchange.
 */
void system_trust_prepare(Session *session);
