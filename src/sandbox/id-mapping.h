/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* User namespaces that nobody lives in: what mount_setattr(2) takes for a table of id mappings. */

#include "base/error.h"
#include "sandbox/runtime-config.h"

/*
 * A user namespace with these mappings. It lasts as long as the descriptor and the mounts that use
 * it. Errors: DENIED, SYSTEM.
 */
int id_mapping_open(const LinuxIdMappings *uids, const LinuxIdMappings *gids, int *ret_fd,
                    Error *err);

/* True when @mappings give @id, as the container knows it, an id outside. */
bool id_mapping_has(const LinuxIdMappings *mappings, uint64_t id);
