/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the commands about lists of manifests share. */

#include "cli/command.h"
#include "engine/images.h"

/* Open the engine, and what lists need: their store and the registries' settings, which stay the
 * engine's. */
int open_transports(const Invocation *invocation, bool insecure, Engine **ret_engine,
                    ImageTransports *ret, Error *err);

/* The list that is kept under the name @text. Returns 1, or 0 when there is none. */
int find_list(const ImageTransports *transports, const char *text, ManifestList *ret, Error *err);
