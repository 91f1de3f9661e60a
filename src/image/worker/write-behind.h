/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A tree that gets onto the disk while it is still being written: every so many bytes a thread
 * syncs the file system, so that the sync at the end, which everybody waits for, finds little to
 * do. What is short never has the thread, and where the host allows none the end does it all.
 */

#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"

typedef struct WriteBehind WriteBehind;

/* @fd is a directory (not O_PATH) of the file system, and must outlive it. */
WriteBehind *write_behind_new(int fd);
void write_behind_free(WriteBehind *behind);
DEFINE_CLEANUP(WriteBehind *, write_behind_free);

/* So many more bytes have been written. */
void write_behind_add(WriteBehind *behind, int64_t bytes);

/* Have all on the disk. Returns 0 or -errno: that of any write since the beginning. */
int write_behind_finish(WriteBehind *behind);
