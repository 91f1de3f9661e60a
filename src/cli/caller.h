/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* On whose behalf the command runs: who called sudo(8), else who runs it. */

#include <stdint.h>

void caller_ids(uint32_t *ret_uid, uint32_t *ret_gid);
