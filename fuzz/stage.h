/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A directory in memory, for the life of the process, where one target at a time is unpacked into.
 * Nothing may ever appear beside it.
 */

/* Make the target, empty. Returns its handle. */
int stage_begin(void);

/* Look that there is nothing else, and remove the target. */
void stage_end(void);
