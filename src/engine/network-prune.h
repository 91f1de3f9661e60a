/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Removing all networks that no container is in. */

#include "engine/network.h"
#include "engine/prune.h"

/* All but the predefined ones. Their names are added to @removed. Errors: those of network_list().
 */
int network_prune(Engine *engine, const PruneFilter *filter, StringList *removed, Error *err);
